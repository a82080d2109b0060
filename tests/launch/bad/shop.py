"""Node types for the bad launch files: they are read and checked, never run."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Literal

from metrica import EVENTS, LATEST, Node, Publisher, param, publisher, subscription
from metrica.errors import ParameterError
from metrica.messages import Crossing, Detections, Frame, Tracks


class Camera(Node):
    uri: str = param(help="where the pictures come from")
    fps: float = param(default=10.0, gt=0, le=60, unit="frames per second")
    device: int = param(default=0)
    options: dict[str, int] = param(default_factory=dict[str, int])

    frames: ClassVar[Publisher[Frame]] = publisher(Frame, qos=LATEST)


class Detector(Node):
    model: str = param(default="person-detection-0200")

    detections: ClassVar[Publisher[Detections]] = publisher(Detections, per_camera=True)

    def check(self) -> None:
        if self.model.endswith(".xml") and not Path(self.model).exists():
            raise ParameterError("model", f"there is no model file {self.model}: run 'metrica-models pull'")

    @subscription(Frame, qos=LATEST)
    def frames(self, msg: Frame) -> None: ...


class Tracker(Node):
    track_buffer: int = param(default=30, ge=1, unit="frames")
    match: float = param(default=0.8, ge=0, le=1)
    anchor: Literal["bottom_center", "center", "top_center"] = param(default="bottom_center")
    confirm: bool = param(default=True)

    tracks: ClassVar[Publisher[Tracks]] = publisher(Tracks)

    @subscription(Detections)
    def detections(self, msg: Detections) -> None: ...


class Counter(Node):
    line: tuple[int, int, int, int] = param(unit="px")
    zones: dict[str, list[float]] = param(default_factory=dict[str, list[float]])

    crossings: ClassVar[Publisher[Crossing]] = publisher(Crossing, qos=EVENTS)

    def check(self) -> None:
        if self.line[:2] == self.line[2:]:
            raise ParameterError("line", "'line' has no length: its two points are the same")

    @subscription(Tracks)
    def tracks(self, msg: Tracks) -> None: ...


class Uploader(Node):
    url: str = param()
    token: str = param(default="", secret=True)
    retries: int = param(default=3, ge=0)


class Tap(Node):
    @subscription(Tracks)
    def crossings(self, msg: Tracks) -> None: ...


class Board(Node):
    @subscription(Crossing)
    def crossings(self, msg: Crossing) -> None: ...


class Fragile(Node):
    def check(self) -> None:
        raise RuntimeError("out of luck")


class NotANode:
    pass
