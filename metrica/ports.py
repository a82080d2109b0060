"""Ports (publishers and subscriptions) and timers, which the body of a node class declares."""

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
    """An output of a node: publishes messages of one type. Declare it with `publisher`.

    The publisher in the class body is a declaration. Each node has its own copy, connected to a topic.
    """

    def __init__(self, message: type[M], qos: QoS, help: str, per_camera: bool) -> None:
        self.name = ""
        """The publisher's name, which is also the topic's."""
        self.message = message
        """The type of its messages."""
        self.qos = qos
        """The profile that it offers."""
        self.help = help
        """What it publishes, in one line."""
        self.per_camera = per_camera
        """Whether each message goes to the topic of its own camera."""
        self._send: Callable[[Message], None] | None = None

    def __set_name__(self, owner: type[Any], name: str) -> None:
        self.name = name

    def publish(self, msg: M) -> None:
        """Send a message to all subscribers. With QoS EVENTS, it is written to the journal first.

        Args:
            msg: The message. Its `seq` and `epoch` are written as it leaves.

        Raises:
            TypeError: The message, or one of its fields, has another type than declared.
            TransportError: The message cannot be sent.
            LifecycleError: The node does not run.
        """
        if not isinstance(msg, self.message):
            raise TypeError(f"publisher '{self.name}' sends {self.message.__name__}, not {type(msg).__name__}")
        if self._send is None:
            raise LifecycleError(f"publisher '{self.name}' is not connected: run the node, or test it with a bench")
        self._send(msg)

    def bound(self, send: Callable[[Message], None] | None) -> Publisher[M]:
        """A copy of this declaration that sends with `send`."""
        mine = Publisher(self.message, self.qos, self.help, self.per_camera)
        mine.name = self.name
        mine._send = send
        return mine


def publisher(message: type[M], *, qos: QoS = STREAM, help: str = "", per_camera: bool = False) -> Publisher[M]:
    """Declare an output of a node. The attribute's name is the topic's name.

    Args:
        message: The type of the messages.
        qos: The profile that the publisher offers, such as `STREAM` or `EVENTS`.
        help: What it publishes, in one line.
        per_camera: For a node that serves several cameras: each message goes to the topic in the namespace of its own
            camera (`header.camera`). So one detector publishes /door/detections and /back/detections.

    Raises:
        DeclarationError: The class is not a message, or it has no `id` and the profile is EVENTS: an event may be sent
            twice, and its id makes that harmless.
    """
    _require_message(message)
    if qos is EVENTS and "id" not in {f.name for f in fields(message)}:
        raise DeclarationError(f"{message.__name__} has no field 'id', so it cannot be published with QoS EVENTS")
    return Publisher(message, qos, help, per_camera)


@dataclass(frozen=True, slots=True)
class SubscriptionSpec:
    """What a node class declares about one input."""

    name: str
    """The subscription's name, which is also the topic's and the method's."""
    message: type[Message]
    """The type of its messages."""
    qos: QoS
    """The profile that it asks for."""
    help: str
    """What it receives, in one line."""


@dataclass(frozen=True, slots=True)
class TimerSpec:
    """What a node class declares about one timer."""

    name: str
    """The name of the timer's method."""
    seconds: float | Callable[[Any], float]
    """The period in seconds, or a function of the node that returns it."""

    def period(self, node: object) -> float:
        """The period for this node, seconds."""
        return self.seconds(node) if callable(self.seconds) else self.seconds


_PORT = "__metrica_port__"
_TIMER = "__metrica_timer__"


def subscription(
    message: type[M], *, qos: QoS = STREAM, help: str = ""
) -> Callable[[Callable[[N, M], None]], Callable[[N, M], None]]:
    """Declare an input of a node: the decorated method is called with each message. Its name is the topic's name.

    Args:
        message: The type of the messages.
        qos: The profile that the subscription asks for.
        help: What it receives, in one line; by default the first line of the method's docstring.

    Raises:
        DeclarationError: The class is not a message.
    """
    _require_message(message)

    def declare(method: Callable[[N, M], None]) -> Callable[[N, M], None]:
        name = method.__name__
        text = help or (method.__doc__ or "").partition("\n")[0]
        setattr(method, _PORT, SubscriptionSpec(name, message, qos, text))
        return method

    return declare


def timer(*, seconds: float | Callable[[Any], float]) -> Callable[[Callable[[N], None]], Callable[[N], None]]:
    """Declare a timer: the decorated method is called periodically while the node is active.

    Args:
        seconds: The period. 0 calls the method whenever the node has nothing else to do. A function of the node gives
            a period that depends on a parameter: `@timer(seconds=lambda node: node.period)`.

    Raises:
        DeclarationError: The period is negative or infinite.
    """
    if not callable(seconds) and not 0 <= seconds < math.inf:
        raise DeclarationError(f"a timer's period must be 0 seconds or more, not {seconds}")

    def declare(method: Callable[[N], None]) -> Callable[[N], None]:
        setattr(method, _TIMER, TimerSpec(method.__name__, seconds))
        return method

    return declare


def _require_message(message: Any) -> None:
    is_message = isinstance(message, type) and issubclass(message, Message)
    if not is_message or (message is not Message and message_type(message.__name__) is not message):
        raise DeclarationError(f"{getattr(message, '__name__', message)} is not a message: it needs @message above it")


def declared_subscription(value: object) -> SubscriptionSpec | None:
    """What `subscription` declared about a method, or None."""
    spec = getattr(value, _PORT, None)
    return spec if isinstance(spec, SubscriptionSpec) else None


def declared_timer(value: object) -> TimerSpec | None:
    """What `timer` declared about a method, or None."""
    spec = getattr(value, _TIMER, None)
    return spec if isinstance(spec, TimerSpec) else None
