"""Starts a program of its own and forgets about it."""

import subprocess

from metrica import Node


class Parent(Node):
    def on_configure(self) -> None:
        self.child = subprocess.Popen(["sleep", "1000"])
