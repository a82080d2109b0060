"""Cannot be configured until somebody makes a file: a camera that is switched on later."""

from pathlib import Path

from metrica import Node, param
from metrica.errors import NodeError


class Patient(Node):
    file: str = param()

    def on_configure(self) -> None:
        if not Path(self.file).exists():
            raise NodeError("the camera does not answer")

    def on_activate(self) -> None:
        self.log.info("active")
