"""A camera, a detector and a counter as small as can be: each can be told by a file that it cannot run."""

from __future__ import annotations

from pathlib import Path

from good import Number

from metrica import EVENTS, Node, param, publisher, subscription, timer
from metrica.errors import NodeError, ParameterError
from metrica.messages import Crossing, Header


class _Stage(Node):
    refuses: str = param(default="", help="while this file is there, the node can never run")
    stumbles: str = param(default="", help="while this file is there, the node fails in a way that may pass")

    def on_configure(self) -> None:
        self._look()

    def on_activate(self) -> None:
        self.log.info("active")

    @timer(seconds=0.1)
    def look(self) -> None:
        self._look()

    def _look(self) -> None:
        if self.refuses and Path(self.refuses).exists():
            raise NodeError("the licence has run out", permanent=True)
        if self.stumbles and Path(self.stumbles).exists():
            raise NodeError("the camera does not answer")


class Camera(_Stage):
    pictures = publisher(Number)

    @timer(seconds=0.05)
    def tick(self) -> None:
        self.pictures.publish(Number(value=1))


class Detector(_Stage):
    found = publisher(Number, per_camera=True)

    @subscription(Number)
    def pictures(self, msg: Number) -> None:
        self.found.publish(Number(header=msg.header, value=1))


class Counter(_Stage):
    crossings = publisher(Crossing, qos=EVENTS)
    number = 0

    @subscription(Number)
    def pictures(self, msg: Number) -> None:
        self.number += 1
        name = f"{self.context.camera}/{self.clock.now():x}"
        self.crossings.publish(
            Crossing(header=Header(camera=self.context.camera), id=name, line="main", direction="in", track=1, time=1)
        )


class Patient(_Stage):
    """Needs a file that may come: on a disk that is mounted later."""

    file: str = param()

    def check(self) -> None:
        if not Path(self.file).exists():
            raise ParameterError("file", f"there is no file {self.file}", may_pass=True)

    def on_configure(self) -> None:
        if not Path(self.file).exists():
            raise NodeError(f"there is no file {self.file}")
