"""A node that writes its environment to the log."""

from __future__ import annotations

import os

from metrica import Node


class Tells(Node):
    def on_configure(self) -> None:
        self.log.info(f"environ {dict(os.environ)}", environment=dict(os.environ))
