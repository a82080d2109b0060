"""The bench that nodes are tested on: exact time, real lifecycle, real checks, and threads that hand over."""

from __future__ import annotations

import threading
from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrica import EVENTS, Context, Header, Node, Publisher, param, publisher, subscription, testing, timer
from metrica.errors import NodeError
from metrica.messages import Crossing, Detections, Health, Tracks


def seen(camera: str = "door", rows: int = 0) -> Detections:
    boxes = np.zeros((rows, 4), np.float32)
    return Detections(header=Header(camera=camera), boxes=boxes, scores=np.zeros(rows, np.float32), size=(10, 10))


class Counter(Node):
    """Publishes a Crossing for each message that shows anybody."""

    period: float = param(default=0.1, gt=0)
    crossings: ClassVar[Publisher[Crossing]] = publisher(Crossing, qos=EVENTS)
    beats: ClassVar[Publisher[Health]] = publisher(Health)

    def on_configure(self) -> None:
        self.ticks: list[int] = []
        self.spins = 0
        self.threads: list[threading.Thread] = []

    @subscription(Detections)
    def detections(self, msg: Detections) -> None:
        if len(msg.boxes):
            self.cross(msg.header, str(len(self.ticks)))

    @timer(seconds=lambda node: node.period)
    def tick(self) -> None:
        self.ticks.append(self.clock.monotonic())
        if len(self.ticks) == 50:
            self.finish()

    @timer(seconds=1)
    def second(self) -> None:
        self.ticks.append(-1)

    @timer(seconds=0)
    def idle(self) -> None:
        self.spins += 1
        if self.spins == 5:
            self.finish()

    def cross(self, header: Header, id: str) -> None:
        self.crossings.publish(Crossing(header=header, id=id, line="a", direction="in", track=1, time=2))

    def work(self, id: str) -> None:
        """In a thread, as an inference would run: the result is handed over."""
        thread = threading.Thread(target=self.call_soon, args=(self.cross, Header(camera="door"), id))
        self.threads.append(thread)
        thread.start()

    def on_deactivate(self) -> None:
        for thread in self.threads:
            thread.join()


def test_what_is_sent_is_handed_over_and_what_is_published_is_kept() -> None:
    with testing.run(Counter()) as bench:
        bench.send("detections", seen(rows=1), seen(), seen(rows=2))
        assert [c.header.camera for c in bench.sent("crossings")] == ["door", "door"]
        assert bench.sent("beats") == []


def test_names_and_types_that_do_not_exist_are_errors_of_the_test() -> None:
    with testing.run(Counter()) as bench:
        with pytest.raises(KeyError, match="tracks"):
            bench.send("tracks", seen())
        with pytest.raises(KeyError, match="crossing"):
            bench.sent("crossing")
        with pytest.raises(TypeError, match="'detections' takes Detections, not Health"):
            bench.send("detections", Health(node="/a", state="active"))


def test_a_message_that_could_not_travel_is_refused_on_the_bench_too() -> None:
    wrong: Any = np.zeros((0, 4), np.float64)
    bad = Detections(boxes=wrong, scores=np.zeros(0, np.float32), size=(1, 1))
    with (
        testing.run(Counter()) as bench,
        pytest.raises(TypeError, match=r"Detections\.boxes must be an array of float32"),
    ):
        bench.send("detections", bad)

    class Careless(Node):
        detections = publisher(Detections)

        @subscription(Tracks)
        def tracks(self, msg: Tracks) -> None:
            self.detections.publish(bad)

    nobody = Tracks(
        boxes=np.zeros((0, 4), np.float32),
        ids=np.zeros(0, np.int64),
        scores=np.zeros(0, np.float32),
        ages=np.zeros(0, np.int32),
        size=(1, 1),
    )
    with testing.run(Careless()) as bench, pytest.raises(TypeError, match="not float64"):
        bench.send("tracks", nobody)


def test_timers_are_called_at_the_very_moments_they_are_due() -> None:
    node = Counter(period=0.1)
    with testing.run(node) as bench:
        bench.advance(0.3)
        assert node.ticks == [100_000_000, 200_000_000, 300_000_000]
        bench.advance(0.65)
        assert len(node.ticks) == 9
        bench.advance(0.05)
        assert node.ticks[9:] in ([1_000_000_000, -1], [-1, 1_000_000_000])
        assert node.clock.now() == testing.START + 1_000_000_000


@given(st.lists(st.integers(1, 400), max_size=20))
def test_time_in_many_steps_is_the_same_as_in_one(steps: list[int]) -> None:
    one, many = Counter(period=0.007), Counter(period=0.007)
    with testing.run(one) as bench:
        bench.advance(sum(steps) / 1000)
    with testing.run(many) as bench:
        for step in steps:
            bench.advance(step / 1000)
    if len(one.ticks) < 50:
        assert one.ticks == many.ticks


def test_a_node_that_has_finished_is_left_alone() -> None:
    node = Counter(period=0.01)
    with testing.run(node) as bench:
        bench.advance(10)
        assert bench.finished
        assert len(node.ticks) == 50
        bench.spin(3)
        assert node.spins == 0


def test_spinning_calls_the_idle_timers_until_the_node_has_finished() -> None:
    node = Counter()
    with testing.run(node) as bench:
        bench.spin(3)
        assert node.spins == 3 and not bench.finished
        bench.spin(10)
        assert node.spins == 5 and bench.finished


def test_the_result_of_a_thread_is_waited_for() -> None:
    node = Counter()
    with testing.run(node) as bench:
        node.work("a")
        node.work("b")
        assert {c.id for c in bench.wait_for("crossings", 2)} == {"a", "b"}


def test_waiting_for_what_never_comes_ends() -> None:
    with testing.run(Counter()) as bench, pytest.raises(TimeoutError, match="0 of 1 messages on 'crossings'"):
        bench.wait_for("crossings", 1, timeout=0.1)


def test_what_a_thread_hands_over_while_the_node_is_deactivated_is_still_published() -> None:
    node = Counter()
    with testing.run(node) as bench:
        node.work("late")
    assert [c.id for c in bench.sent("crossings")] == ["late"]


def test_the_surroundings_can_be_given_and_are_temporary_otherwise() -> None:
    with testing.run(Counter()) as bench:
        folder = bench.node.context.data_dir
        assert folder.is_dir()
        assert (bench.node.name, bench.node.context.camera) == ("/door/node", "door")
    assert not folder.exists()
    clock = testing.FakeClock(nanoseconds=testing.START + 5)
    with testing.run(Counter(), name="/back/counter", context=Context(camera="back"), clock=clock) as bench:
        assert (bench.node.name, bench.node.context.camera, bench.node.clock.now()) == (
            "/back/counter",
            "back",
            testing.START + 5,
        )


def test_an_error_in_a_callback_reaches_the_test_and_the_node_is_still_shut_down() -> None:
    ended: list[str] = []

    class Broken(Node):
        @subscription(Detections)
        def detections(self, msg: Detections) -> None:
            raise NodeError("broken")

        def on_shutdown(self) -> None:
            ended.append("yes")

    with pytest.raises(NodeError, match="broken"), testing.run(Broken()) as bench:
        bench.send("detections", seen())
    assert ended == ["yes"]
