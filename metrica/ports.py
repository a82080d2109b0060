"""Ports and timers, declared in a node's class body so that the whole graph is known before it runs."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, Generic, TypeVar

from metrica.errors import DeclarationError, LifecycleError
from metrica.messages import Message, message_type
from metrica.qos import EVENTS, STREAM, QoS

M = TypeVar("M", bound=Message)
N = TypeVar("N")


class Publisher(Generic[M]):
    """An output of a node. In the class body it is a declaration; each instance has its own, bound to a topic."""

    def __init__(self, message: type[M], qos: QoS, help: str, per_camera: bool) -> None:
        self.name = ""
        self.message = message
        self.qos = qos
        self.help = help
        self.per_camera = per_camera
        self._send: Callable[[Message], None] | None = None

    def __set_name__(self, owner: type[Any], name: str) -> None:
        self.name = name

    def publish(self, msg: M) -> None:
        """Send a message to every subscriber; with QoS EVENTS it is in the journal first.

        Raises TransportError if the message cannot be sent, TypeError if it is of another type or has a field of
        another type than it declares, LifecycleError outside a running node.
        """
        if not isinstance(msg, self.message):
            raise TypeError(f"publisher '{self.name}' sends {self.message.__name__}, not {type(msg).__name__}")
        if self._send is None:
            raise LifecycleError(f"publisher '{self.name}' is not connected: run the node, or test it with a bench")
        self._send(msg)

    def bound(self, send: Callable[[Message], None] | None) -> Publisher[M]:
        """This declaration connected to something that sends."""
        mine = Publisher(self.message, self.qos, self.help, self.per_camera)
        mine.name = self.name
        mine._send = send
        return mine


def publisher(message: type[M], *, qos: QoS = STREAM, help: str = "", per_camera: bool = False) -> Publisher[M]:
    """Declare an output; the attribute's name is the topic's.

    per_camera: for a node that serves many cameras. Each message goes to the topic in the namespace of
    its own camera (`header.camera`), so one detector publishes /door/detections and /back/detections.
    Raises DeclarationError for EVENTS of a message without an `id`, the key that makes sending twice harmless, and
    for a class that is no message.
    """
    _require_message(message)
    if qos is EVENTS and "id" not in {f.name for f in fields(message)}:
        raise DeclarationError(f"{message.__name__} has no field 'id', so it cannot be published with QoS EVENTS")
    return Publisher(message, qos, help, per_camera)


@dataclass(frozen=True, slots=True)
class SubscriptionSpec:
    """What a node class says of one input."""

    name: str
    message: type[Message]
    qos: QoS
    help: str


@dataclass(frozen=True, slots=True)
class TimerSpec:
    """What a node class says of one timer."""

    name: str
    seconds: float | Callable[[Any], float]

    def period(self, node: object) -> float:
        return self.seconds(node) if callable(self.seconds) else self.seconds


_PORT = "__metrica_port__"
_TIMER = "__metrica_timer__"


def subscription(
    message: type[M], *, qos: QoS = STREAM, help: str = ""
) -> Callable[[Callable[[N, M], None]], Callable[[N, M], None]]:
    """Declare an input: the method is called with each message; its name is the topic's.

    Raises DeclarationError for a class that is no message.
    """
    _require_message(message)

    def declare(method: Callable[[N, M], None]) -> Callable[[N, M], None]:
        name = method.__name__
        text = help or (method.__doc__ or "").partition("\n")[0]
        setattr(method, _PORT, SubscriptionSpec(name, message, qos, text))
        return method

    return declare


def timer(*, seconds: float | Callable[[Any], float]) -> Callable[[Callable[[N], None]], Callable[[N], None]]:
    """Call the method every so many seconds while the node is active; 0 means whenever it has nothing else to do.

    seconds: a number, or a function of the node for a period that a parameter gives.
    Raises DeclarationError for a number below 0.
    """
    if not callable(seconds) and not 0 <= seconds < math.inf:
        raise DeclarationError(f"a timer's period must be 0 seconds or more, not {seconds}")

    def declare(method: Callable[[N], None]) -> Callable[[N], None]:
        setattr(method, _TIMER, TimerSpec(method.__name__, seconds))
        return method

    return declare


def _require_message(message: Any) -> None:
    known = isinstance(message, type) and issubclass(message, Message)
    if not known or (message is not Message and message_type(message.__name__) is not message):
        raise DeclarationError(f"{getattr(message, '__name__', message)} is not a message: it needs @message above it")


def declared_subscription(value: object) -> SubscriptionSpec | None:
    """The declaration on a method, if it has one."""
    spec = getattr(value, _PORT, None)
    return spec if isinstance(spec, SubscriptionSpec) else None


def declared_timer(value: object) -> TimerSpec | None:
    """The declaration on a method, if it has one."""
    spec = getattr(value, _TIMER, None)
    return spec if isinstance(spec, TimerSpec) else None
