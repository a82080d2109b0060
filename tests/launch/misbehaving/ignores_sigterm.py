"""Hears neither the command to stop nor SIGTERM."""

import signal
import time

from metrica import Node


class Deaf(Node):
    def on_deactivate(self) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        while True:
            time.sleep(1)
