"""Writes things that are no log records, or only look like it."""

import os
import sys

from metrica import Node


class Babbler(Node):
    def on_activate(self) -> None:
        print("a plain line", flush=True)
        print("على خط عربي", flush=True)
        os.write(1, b"not \xff UTF-8\n")
        os.write(2, b'{"time": 5, "level": [], "node": 1, "message": {}}\n')
        os.write(2, b'{"half a record\n')
        os.write(2, b"x" * 200_000 + b"\n")
        sys.stdout.write("no end of line")
        sys.stdout.flush()
        self.log.info("done babbling", token="none")
