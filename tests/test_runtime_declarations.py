"""A node class that is written wrongly is refused where it is defined, in one exact sentence; a good one inherits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import pytest

from metrica import EVENTS, LATEST, STREAM, Header, Message, Node, Publisher, param, publisher, subscription, timer
from metrica.errors import DeclarationError, LifecycleError
from metrica.messages import Crossing, Detections, Frame, Tracks


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


@pytest.mark.parametrize(
    ("define", "sentence"),
    [
        (unannotated, "Door.min_age is a parameter without a type: write 'min_age: int = param(…)'"),
        (
            annotated_plain_value,
            "Door.min_age is annotated in the class body, so it must be a parameter: "
            "write 'min_age: … = param(…)', or set it in on_configure",
        ),
        (
            annotated_without_a_value,
            "Door.min_age is annotated in the class body, so it must be a parameter: "
            "write 'min_age: … = param(…)', or set it in on_configure",
        ),
        (
            annotated_publisher,
            "Door.crossings is a publisher: write 'crossings: ClassVar[Publisher[Crossing]] = publisher(…)', "
            "or 'crossings = publisher(…)'",
        ),
        (
            type_that_does_not_exist,
            "the type of Door.min_age cannot be found: name 'Unknown' is not defined "
            "(import it at the top of the module)",
        ),
        (
            type_that_is_none,
            "the type of Door.min_age is not a type: unsupported operand type(s) for |: 'type' and 'str'",
        ),
        (default_out_of_range, "the default of parameter 'min_age' must be at least 1 frames, not 0"),
        (default_of_another_type, "the default of parameter 'min_age' must be a whole number, not 'three'"),
        (default_that_would_be_shared, "parameter 'names' would share its default: write default_factory=list"),
        (limits_on_a_text, "parameter 'label' has limits, but is a text: only a number has"),
        (events_without_an_id, "Tracks has no field 'id', so it cannot be published with QoS EVENTS"),
        (publisher_of_no_message, "dict is not a message: it needs @message above it"),
        (subscription_to_no_message, "Forgotten is not a message: it needs @message above it"),
        (reserved_parameter, "Door: 'name' is a name of every node, call it something else"),
        (reserved_publisher, "Door: 'log' is a name of every node, call it something else"),
        (reserved_subscription, "Door: 'count' is a name of every node, call it something else"),
        (reserved_timer, "Door: 'finish' is a name of every node, call it something else"),
        (reserved_method, "Door: 'call_soon' is a name of every node, call it something else"),
        (hook_as_a_timer, "Door: 'on_activate' is a name of every node, call it something else"),
        (private_topic, "Door: '_tracks' is a name of every node, call it something else"),
        (capital_topic, "Door: 'Tracks' is not a topic: use a-z, 0-9 and _, beginning with a letter"),
        (parameter_and_port, "Door: 'tracks' is declared twice, it is a parameter too"),
        (hidden_parameter, "Door.min_age hides a parameter that it inherits: declare it again, or rename it"),
        (hidden_subscription, "Door.tracks hides a subscription that it inherits: declare it again, or rename it"),
        (timer_backwards, "a timer's period must be 0 seconds or more, not -1"),
        (timer_that_never_comes, "a timer's period must be 0 seconds or more, not nan"),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_a_class_that_is_written_wrongly_is_refused(define: Callable[[], object], sentence: str) -> None:
    with pytest.raises(DeclarationError) as caught:
        define()
    assert str(caught.value) == sentence


def test_a_type_that_cannot_be_checked_is_refused() -> None:
    with pytest.raises(DeclarationError, match="parameter 'min_age' has a type that cannot be checked: "):
        type_that_cannot_be_checked()


class Base(Node):
    """A node that others are made from."""

    min_age: int = param(default=3, ge=1)
    tracks: ClassVar[Publisher[Tracks]] = publisher(Tracks)

    @subscription(Detections, qos=LATEST, help="what was seen")
    def detections(self, msg: Detections) -> None:
        """The people."""

    @timer(seconds=2)
    def tick(self) -> None: ...


class Mixin:
    """Not a node: it may declare all the same."""

    notes: str = "plain"
    limit: float = param(default=0.5)

    @timer(seconds=lambda node: node.limit)
    def flush(self) -> None: ...


class Other(Node):
    gain: float = param(default=1.0)
    crossings = publisher(Crossing, qos=EVENTS)


class Derived(Mixin, Base, Other):
    min_age: int = param(default=5, ge=2)

    def detections(self, msg: Detections) -> None:
        """Overridden: still the subscription."""

    @subscription(Frame)
    def frames(self, msg: Frame) -> None:
        """The pictures.

        More about them.
        """


def test_a_class_inherits_the_declarations_of_all_its_bases() -> None:
    assert set(Derived.params) == {"min_age", "limit", "gain"}
    assert set(Derived.publishers) == {"tracks", "crossings"}
    assert set(Derived.subscriptions) == {"detections", "frames"}
    assert set(Derived.timers) == {"tick", "flush"}
    assert Derived.params["min_age"].default == 5
    assert Base.params["min_age"].default == 3
    assert set(Base.publishers) == {"tracks"}


def test_a_declaration_knows_what_it_was_told() -> None:
    spec = Derived.subscriptions["detections"]
    assert (spec.name, spec.message, spec.qos, spec.help) == ("detections", Detections, LATEST, "what was seen")
    assert Derived.subscriptions["frames"].help == "The pictures."
    assert Derived.subscriptions["frames"].qos is STREAM
    assert Derived.publishers["crossings"].qos is EVENTS
    node = Derived(limit=0.25)  # type: ignore[call-arg]
    assert [Derived.timers[name].period(node) for name in ("tick", "flush")] == [2, 0.25]


def test_every_instance_has_publishers_of_its_own() -> None:
    one, two = Base(), Base()
    assert one.tracks is not two.tracks
    assert one.tracks is not Base.publishers["tracks"]


def test_a_node_that_does_not_run_can_be_looked_at_but_not_send() -> None:
    node = Derived()
    assert (node.name, node.min_age, node.counters, node.gauges) == ("(not running)", 5, {}, {})
    crossing = Crossing(header=Header(), id="a", line="b", direction="in", track=1, time=2)
    with pytest.raises(LifecycleError, match="publisher 'crossings' is not connected: run the node, or test it with"):
        node.crossings.publish(crossing)
    for call in (node.finish, lambda: node.call_soon(print)):
        with pytest.raises(LifecycleError, match="a node that does not run"):
            call()


def test_another_message_than_declared_is_refused_when_it_is_published() -> None:
    with pytest.raises(TypeError, match="publisher 'crossings' sends Crossing, not Header"):
        Derived().crossings.publish(Header())  # type: ignore[arg-type]


def test_a_node_may_use_any_private_name_for_itself() -> None:
    class Busy(Base):
        def on_configure(self) -> None:
            self._counters = self._gauges = self._runtime = self._trouble = None

    node = Busy()
    node.on_configure()
    node.count("n")
    node.gauge("fps", 3)
    node.trouble("the camera is gone")
    assert (node.counters, node.gauges, node.present_trouble) == ({"n": 1}, {"fps": 3.0}, "the camera is gone")
