"""Fails as soon as it is active, each time."""

import os

from metrica import Node, param, timer


class Crasher(Node):
    how: str = param(default="raise", help="raise, exit, segfault")

    @timer(seconds=0.05)
    def crash(self) -> None:
        if self.how == "segfault":
            os.kill(os.getpid(), 11)
        if self.how == "exit":
            os._exit(7)
        raise RuntimeError("as always")
