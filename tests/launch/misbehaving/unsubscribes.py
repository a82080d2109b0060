"""Connects to its topic and then wants nothing of it, so that the publisher sees no subscription."""

from typing import Any

from good import Number

from metrica import Node, subscription


class Aloof(Node):
    def on_configure(self) -> None:
        runtime: Any = vars(self)["_Node__runtime"]
        for _, subscriber in runtime._subscribers:
            subscriber.socket.unsubscribe(b"")

    @subscription(Number)
    def numbers(self, msg: Number) -> None: ...
