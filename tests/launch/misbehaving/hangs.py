"""Hangs: in on_configure, in on_activate, or in a callback; on the first start only, or always."""

import time
from pathlib import Path

from metrica import Node, param, timer


class Hanger(Node):
    where: str = param()
    file: str = param(default="", help="hang only if it is not there, and make it")

    def on_configure(self) -> None:
        self.hang("configure")

    def on_activate(self) -> None:
        self.hang("activate")
        self.log.info("active")

    @timer(seconds=0.05)
    def tick(self) -> None:
        self.hang("callback")

    def on_deactivate(self) -> None:
        self.hang("deactivate")

    def hang(self, where: str) -> None:
        if where == self.where and not (self.file and Path(self.file).exists()):
            if self.file:
                Path(self.file).touch()
            time.sleep(1000)
