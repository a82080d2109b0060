"""What a node's author may write: no checker has anything to say about it."""

from __future__ import annotations

from typing import ClassVar, Literal

from metrica import (
    EVENTS,
    LATEST,
    Header,
    Message,
    Node,
    Publisher,
    message,
    param,
    publisher,
    subscription,
    testing,
    timer,
)
from metrica.messages import Crossing, Detections, Frame, Tracks


@message
class Weather(Message):
    """A message of one's own."""

    temperature: float
    place: str = "door"


class Counter(Node):
    """A node with one of everything."""

    line: tuple[int, int, int, int] = param(unit="px", help="x1, y1, x2, y2")
    min_age: int = param(default=3, ge=1)
    anchor: Literal["center", "feet"] = param(default="center")
    names: list[str] = param(default_factory=list[str])
    label: str | None = param(default=None)

    crossings: ClassVar[Publisher[Crossing]] = publisher(Crossing, qos=EVENTS)
    weather = publisher(Weather)

    def on_configure(self) -> None:
        self.total = 0

    @subscription(Tracks)
    def tracks(self, msg: Tracks) -> None:
        self.total += len(msg.ids)
        x1, _, x2, _ = self.line
        self.crossings.publish(
            Crossing(header=msg.header, id="a", line="b", direction="in", track=int(msg.ids[0]), time=x1 + x2)
        )

    @subscription(Frame, qos=LATEST)
    def frames(self, msg: Frame) -> None:
        self.weather.publish(Weather(header=Header(camera="door"), temperature=float(msg.image.mean())))

    @timer(seconds=60)
    def tick(self) -> None:
        self.call_soon(self.add, 1)
        self.log.info("tick", total=self.total)

    @timer(seconds=lambda node: node.min_age)
    def sometimes(self) -> None: ...

    def add(self, n: int) -> None:
        self.total += n


class Special(Counter):
    """A node made from another."""

    gain: float = param(default=1.0)

    def tracks(self, msg: Tracks) -> None:
        super().tracks(msg)


def use() -> float:
    node = Special(line=(0, 1, 2, 3), min_age=5, anchor="feet", gain=2.0)
    with testing.run(node) as bench:
        bench.send("tracks")
        bench.advance(1)
    return node.gain * node.min_age


def empty(msg: Detections) -> int:
    return msg.size[0]
