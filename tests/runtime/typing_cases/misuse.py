"""What a node's author gets wrong: both checkers must flag the lines that are marked, and no others."""

from __future__ import annotations

from typing import ClassVar

from metrica import Message, Node, Publisher, message, param, publisher, subscription, timer
from metrica.messages import Crossing, Detections, Header, Tracks


@message
class Weather(Message):
    temperature: float


class Counter(Node):
    line: tuple[int, int, int, int] = param(unit="px")
    min_age: int = param(default=3, ge=1)
    wrong_default: int = param(default="three")  # error: a default of another type

    crossings: ClassVar[Publisher[Crossing]] = publisher(Crossing)
    wrong_port: ClassVar[Publisher[Crossing]] = publisher(Tracks)  # error: another message than annotated
    no_message = publisher(dict)  # error: not a message
    detections = publisher(Detections)

    @subscription(Tracks)
    def tracks(self, msg: Tracks) -> None:
        self.crossings.publish(msg)  # error: another message than declared
        self.detections.publish(msg)  # error: another message, without an annotation
        self.crossings.publish(Crossing(id="a", line="b", direction="up", track=1, time=2))  # error: no direction
        self.crossings.publish(Crossing(id="a", line="b", direction="in", track=1))  # error: a field is missing
        self.count("n", "one")  # error: not a number
        msg.size = (1, 2)  # error: messages are frozen

    @subscription(Tracks)  # error: the method takes another message
    def other_tracks(self, msg: Detections) -> None: ...

    @timer(seconds="often")  # error: not a number
    def tick(self) -> None: ...


def use() -> None:
    Counter(line=(0, 1, 2, 3))
    Counter(line=(0, 1, 2, 3), min_agee=5)  # error: misspelt parameter
    Counter(line=(0, 1, 2, 3), min_age="five")  # error: wrong parameter type
    Counter(line=(0, 1, 2))  # error: three numbers where four belong
    Counter(min_age=5)  # error: missing required parameter
    Counter((0, 1, 2, 3))  # error: parameters are keywords
    Weather(temperature="warm")  # error: wrong field type
    Weather(temprature=5.0)  # error: misspelt field
    Weather(header=Header(camera=5), temperature=5.0)  # error: wrong header field type
