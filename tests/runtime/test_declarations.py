"""A node class that is written wrongly is refused where it is defined, in one exact sentence; a good one inherits."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import pytest

from metrica import EVENTS, LATEST, STREAM, Header, Node, Publisher, param, publisher, subscription, timer
from metrica.errors import DeclarationError, LifecycleError
from metrica.messages import Crossing, Detections, Frame, Tracks
from tests.runtime import wrong_nodes as wrong


@pytest.mark.parametrize(
    ("define", "sentence"),
    [
        (wrong.unannotated, "Door.min_age is a parameter without a type: write 'min_age: int = param(…)'"),
        (
            wrong.annotated_plain_value,
            "Door.min_age is annotated in the class body, so it must be a parameter: "
            "write 'min_age: … = param(…)', or set it in on_configure",
        ),
        (
            wrong.annotated_without_a_value,
            "Door.min_age is annotated in the class body, so it must be a parameter: "
            "write 'min_age: … = param(…)', or set it in on_configure",
        ),
        (
            wrong.annotated_publisher,
            "Door.crossings is a publisher: write 'crossings: ClassVar[Publisher[Crossing]] = publisher(…)', "
            "or 'crossings = publisher(…)'",
        ),
        (
            wrong.type_that_does_not_exist,
            "the type of Door.min_age cannot be found: name 'Unknown' is not defined "
            "(import it at the top of the module)",
        ),
        (
            wrong.type_that_is_none,
            "the type of Door.min_age is not a type: unsupported operand type(s) for |: 'type' and 'str'",
        ),
        (wrong.default_out_of_range, "the default of parameter 'min_age' must be at least 1 frames, not 0"),
        (wrong.default_of_another_type, "the default of parameter 'min_age' must be a whole number, not 'three'"),
        (wrong.default_that_would_be_shared, "parameter 'names' would share its default: write default_factory=list"),
        (wrong.limits_on_a_text, "parameter 'label' has limits, but is a text: only a number has"),
        (wrong.events_without_an_id, "Tracks has no field 'id', so it cannot be published with QoS EVENTS"),
        (wrong.publisher_of_no_message, "dict is not a message: it needs @message above it"),
        (wrong.subscription_to_no_message, "Forgotten is not a message: it needs @message above it"),
        (wrong.reserved_parameter, "Door: 'name' is a name of every node, call it something else"),
        (wrong.reserved_publisher, "Door: 'log' is a name of every node, call it something else"),
        (wrong.reserved_subscription, "Door: 'count' is a name of every node, call it something else"),
        (wrong.reserved_timer, "Door: 'finish' is a name of every node, call it something else"),
        (wrong.reserved_method, "Door: 'call_soon' is a name of every node, call it something else"),
        (wrong.hook_as_a_timer, "Door: 'on_activate' is a name of every node, call it something else"),
        (wrong.private_topic, "Door: '_tracks' is a name of every node, call it something else"),
        (wrong.capital_topic, "Door: 'Tracks' is not a topic: use a-z, 0-9 and _, beginning with a letter"),
        (wrong.parameter_and_port, "Door: 'tracks' is declared twice, it is a parameter too"),
        (wrong.hidden_parameter, "Door.min_age hides a parameter that it inherits: declare it again, or rename it"),
        (
            wrong.hidden_subscription,
            "Door.tracks hides a subscription that it inherits: declare it again, or rename it",
        ),
        (wrong.timer_backwards, "a timer's period must be 0 seconds or more, not -1"),
        (wrong.timer_that_never_comes, "a timer's period must be 0 seconds or more, not nan"),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_a_class_that_is_written_wrongly_is_refused(define: Callable[[], object], sentence: str) -> None:
    with pytest.raises(DeclarationError) as caught:
        define()
    assert str(caught.value) == sentence


def test_a_type_that_cannot_be_checked_is_refused() -> None:
    with pytest.raises(DeclarationError, match="parameter 'min_age' has a type that cannot be checked: "):
        wrong.type_that_cannot_be_checked()


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
