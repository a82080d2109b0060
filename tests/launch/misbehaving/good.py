"""Two nodes that behave: a source that counts to a number, and one that writes down what it hears."""

from __future__ import annotations

from pathlib import Path

from metrica import LOSSLESS, Message, Node, message, param, publisher, subscription, timer


@message
class Number(Message):
    value: int


class Source(Node):
    until: int = param(default=0, help="0: for ever")
    seconds: float = param(default=0.02)

    numbers = publisher(Number)

    def on_activate(self) -> None:
        self.sent = 0
        self.log.info("active")

    @timer(seconds=lambda node: node.seconds)
    def tick(self) -> None:
        self.sent += 1
        self.numbers.publish(Number(value=self.sent))
        if self.sent == self.until:
            self.log.info("counted to the end", sent=self.sent)
            self.finish()


class Relay(Node):
    out = publisher(Number)

    def on_activate(self) -> None:
        self.log.info("active")

    @subscription(Number, qos=LOSSLESS)
    def numbers(self, msg: Number) -> None:
        self.out.publish(msg)


class Sink(Node):
    file: str = param()

    def on_activate(self) -> None:
        self.heard: list[int] = []
        self.log.info("active")

    def on_deactivate(self) -> None:
        Path(self.file).write_text(" ".join(map(str, self.heard)))

    @subscription(Number, qos=LOSSLESS)
    def numbers(self, msg: Number) -> None:
        self.heard.append(msg.value)
