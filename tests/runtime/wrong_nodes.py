"""Node classes that are written wrongly, one mistake each; calling the function defines the class."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from metrica import EVENTS, Message, Node, Publisher, param, publisher, subscription, timer
from metrica.messages import Crossing, Tracks


def unannotated() -> object:
    class Door(Node):
        min_age = param(default=3)  # type: ignore[misc]

    return Door


def annotated_plain_value() -> object:
    class Door(Node):
        min_age: int = 3

    return Door


def annotated_without_a_value() -> object:
    class Door(Node):
        min_age: int

    return Door


def annotated_publisher() -> object:
    class Door(Node):
        crossings: Publisher[Crossing] = publisher(Crossing)

    return Door


def type_that_does_not_exist() -> object:
    class Door(Node):
        min_age: Unknown = param(default=3)  # type: ignore[name-defined] # noqa: F821

    return Door


def type_that_is_none() -> object:
    class Door(Node):
        min_age: int | "str" = param(default=3)  # type: ignore[syntax] # noqa: UP037

    return Door


def type_that_cannot_be_checked() -> object:
    class Door(Node):
        min_age: Callable[[], Node] | Node = param(default=3)  # type: ignore[assignment]

    return Door


def default_out_of_range() -> object:
    class Door(Node):
        min_age: int = param(default=0, ge=1, unit="frames")

    return Door


def default_of_another_type() -> object:
    class Door(Node):
        min_age: int = param(default="three")  # type: ignore[assignment]

    return Door


def default_that_would_be_shared() -> object:
    class Door(Node):
        names: list[str] = param(default=[])

    return Door


def limits_on_a_text() -> object:
    class Door(Node):
        label: str = param(default="", ge=1)

    return Door


def events_without_an_id() -> object:
    class Door(Node):
        tracks = publisher(Tracks, qos=EVENTS)

    return Door


def publisher_of_no_message() -> object:
    class Door(Node):
        tracks: ClassVar[Any] = publisher(dict)  # type: ignore[type-var]

    return Door


def subscription_to_no_message() -> object:
    class Forgotten(Message):
        pass

    class Door(Node):
        @subscription(Forgotten)
        def tracks(self, msg: Forgotten) -> None: ...

    return Door


def reserved_parameter() -> object:
    class Door(Node):
        name: str = param(default="")  # type: ignore[assignment]

    return Door


def reserved_publisher() -> object:
    class Door(Node):
        log: ClassVar[Any] = publisher(Tracks)

    return Door


def reserved_subscription() -> object:
    class Door(Node):
        @subscription(Tracks)
        def count(self, msg: Tracks) -> None: ...  # type: ignore[override]

    return Door


def reserved_timer() -> object:
    class Door(Node):
        @timer(seconds=1)
        def finish(self) -> None: ...

    return Door


def reserved_method() -> object:
    class Door(Node):
        def call_soon(self) -> None: ...  # type: ignore[override]

    return Door


def hook_as_a_timer() -> object:
    class Door(Node):
        @timer(seconds=1)
        def on_activate(self) -> None: ...

    return Door


def private_topic() -> object:
    class Door(Node):
        _tracks = publisher(Tracks)

    return Door


def capital_topic() -> object:
    class Door(Node):
        Tracks = publisher(Tracks)

    return Door


def parameter_and_port() -> object:
    class Base(Node):
        tracks: int = param(default=1)

    class Door(Base):
        @subscription(Tracks)
        def tracks(self, msg: Tracks) -> None: ...  # type: ignore[assignment]

    return Door


def hidden_parameter() -> object:
    class Base(Node):
        min_age: int = param(default=1)

    class Door(Base):
        min_age = 5

    return Door


def hidden_subscription() -> object:
    class Base(Node):
        @subscription(Tracks)
        def tracks(self, msg: Tracks) -> None: ...

    class Door(Base):
        tracks = None  # type: ignore[assignment]

    return Door


def timer_backwards() -> object:
    class Door(Node):
        @timer(seconds=-1)
        def tick(self) -> None: ...

    return Door


def timer_that_never_comes() -> object:
    class Door(Node):
        @timer(seconds=float("nan"))
        def tick(self) -> None: ...

    return Door
