"""Several nodes in one process: nothing is lost, nothing overlaps, and everything ends."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from metrica import Context, Header, Node, Publisher, param, publisher, subscription, timer
from metrica.errors import JournalError, NodeError, TopicError
from metrica.executors.inline import InlineGraph
from metrica.journal import Journal
from metrica.messages import Crossing, Detections, Tracks
from metrica.qos import EVENTS, LATEST, STREAM


def boxes(n: int) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    return np.zeros((n, 4), np.float32)


class Source(Node):
    """Publishes `count` messages as fast as it can."""

    total: int = param(default=5)
    detections: ClassVar[Publisher[Detections]] = publisher(Detections, qos=LATEST)

    def on_configure(self) -> None:
        self.sent = 0

    @timer(seconds=0)
    def go(self) -> None:
        if self.sent == self.total:
            self.finish()
            return
        self.sent += 1
        header = Header(stamp=self.sent, camera="camera")
        self.detections.publish(
            Detections(header=header, boxes=boxes(1), scores=np.zeros(1, np.float32), size=(100, 50))
        )


class ThreadedTracker(Node):
    """Answers from a thread, late, and keeps one answer until it is deactivated."""

    tracks: ClassVar[Publisher[Tracks]] = publisher(Tracks)

    def on_configure(self) -> None:
        self.inside = False
        self.threads: list[threading.Thread] = []
        self.kept: Detections | None = None

    @subscription(Detections, qos=STREAM)
    def detections(self, msg: Detections) -> None:
        assert not self.inside
        self.inside = True
        late, self.kept = self.kept, msg
        if late:
            thread = threading.Thread(target=lambda: self.call_soon(self.answer, late))
            thread.start()
            self.threads.append(thread)
        self.inside = False

    def on_deactivate(self) -> None:
        for thread in self.threads:
            thread.join()
        if self.kept:
            self.answer(self.kept)

    def answer(self, msg: Detections) -> None:
        assert not self.inside
        self.inside = True
        self.tracks.publish(
            Tracks(
                header=msg.header,
                boxes=msg.boxes,
                ids=np.ones(1, np.int64),
                scores=msg.scores,
                ages=np.ones(1, np.int32),
                size=msg.size,
            )
        )
        self.inside = False


class Counter(Node):
    """Publishes one event for each message."""

    crossings: ClassVar[Publisher[Crossing]] = publisher(Crossing, qos=EVENTS)

    @subscription(Tracks)
    def tracks(self, msg: Tracks) -> None:
        n = msg.header.stamp
        self.crossings.publish(Crossing(header=msg.header, id=f"e{n}", line="line", direction="in", track=n, time=n))


class Ticker(Node):
    """A source that finishes after some ticks of a slow timer."""

    detections: ClassVar[Publisher[Detections]] = publisher(Detections)

    def on_configure(self) -> None:
        self.ticks = 0

    @timer(seconds=0.05)
    def tick(self) -> None:
        self.ticks += 1
        if self.ticks == 3:
            self.finish()


def graph_of(total: int = 5, journal: Path | None = None) -> InlineGraph:
    nodes = {"counter": Counter(), "tracker": ThreadedTracker(), "source": Source(total=total)}
    return InlineGraph(nodes, context=Context(camera="camera"), journal=journal)


def test_every_message_arrives_also_what_a_node_kept_to_the_end() -> None:
    events: list[Crossing] = []
    frames: list[int] = []
    with graph_of(200) as graph:
        graph.tap("crossings", events.append)
        graph.tap("detections", lambda msg: frames.append(msg.header.seq))
        graph.run()
    assert sorted(e.track for e in events) == list(range(1, 201))
    assert frames == list(range(1, 201))
    assert [e.header.seq for e in events] == list(range(1, 201))
    assert len({e.header.epoch for e in events}) == 1


def test_a_periodic_timer_is_called_and_the_graph_waits_for_it() -> None:
    node = Ticker()
    start = time.monotonic()
    with InlineGraph({"ticker": node}) as graph:
        graph.run()
    assert node.ticks == 3
    assert time.monotonic() - start >= 0.15


def test_events_are_written_to_a_journal_that_is_given(tmp_path: Path) -> None:
    with graph_of(3, journal=tmp_path / "journal.db") as graph:
        graph.run()
    with Journal(tmp_path / "journal.db") as journal:
        assert {e.id for e in journal.unsent(10)} == {"e1", "e2", "e3"}


def test_events_that_a_journal_could_not_take_are_tried_again_while_the_graph_runs(tmp_path: Path) -> None:
    """The journal is held by another program for the first events, and let go of while later ones come."""
    path = tmp_path / "journal.db"
    Journal(path).close()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    heard: list[int] = []
    waited: list[int] = []

    def look(msg: Detections) -> None:
        if msg.header.seq == 5:
            waited.append(len(heard))
            other.execute("ROLLBACK")
        time.sleep(0.1)

    with graph_of(20, journal=path) as graph:
        graph.tap("detections", look)
        graph.tap("crossings", lambda msg: heard.append(msg.track))
        graph.run()
        assert waited == [0], "nothing was delivered that is not on the disk"
        assert heard == sorted(heard) and len(heard) == 20, "each once, in order, before the end of the graph"
    other.close()
    with Journal(path) as journal:
        assert len(journal.unsent(100)) == 20


def test_events_that_a_journal_never_took_are_there_for_the_next_graph(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    Journal(path).close()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with graph_of(3, journal=path) as graph:
        graph.run()
    other.execute("ROLLBACK")
    other.close()
    with graph_of(0, journal=path) as graph:
        graph.run()
    with Journal(path) as journal:
        assert {e.id for e in journal.unsent(10)} == {"e1", "e2", "e3"}


def test_a_file_that_is_no_journal_is_an_error_when_the_graph_is_entered(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE something (id)")
    other.close()
    with pytest.raises(JournalError, match="not a journal"), graph_of(3, journal=path):
        pass


def test_without_a_journal_nothing_is_written(tmp_path: Path) -> None:
    nodes = {"source": Source(), "tracker": ThreadedTracker(), "counter": Counter()}
    with InlineGraph(nodes, context=Context(data=tmp_path)) as graph:
        graph.run()
    assert list(tmp_path.iterdir()) == []


def test_stop_ends_an_endless_source_and_delivers_what_is_under_way() -> None:
    seen: list[int] = []

    def stop_after_ten(msg: Detections) -> None:
        seen.append(msg.header.stamp)
        if len(seen) == 10:
            graph.stop()

    events: list[Crossing] = []
    with graph_of(10**9) as graph:
        graph.tap("detections", stop_after_ten)
        graph.tap("crossings", events.append)
        graph.run()
    assert {e.track for e in events} == set(range(1, 11))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: {"a": Source(), "b": Ticker()}, "two nodes publish 'detections'"),
        (lambda: {"a": Counter()}, "nobody publishes 'tracks' for 'a'"),
    ],
)
def test_topics_that_do_not_fit_are_named(make: Callable[[], dict[str, Node]], words: str) -> None:
    with pytest.raises(TopicError, match=words):
        InlineGraph(make())


def test_a_tap_on_a_topic_that_is_not_there_names_the_nearest() -> None:
    graph = graph_of()
    with pytest.raises(TopicError, match="did you mean 'crossings'"):
        graph.tap("crossing", print)


def test_an_error_in_a_callback_ends_the_run_and_still_shuts_down_every_node() -> None:
    class Broken(Counter):
        closed = False

        @subscription(Tracks)
        def tracks(self, msg: Tracks) -> None:
            raise NodeError("the counter is broken")

        def on_shutdown(self) -> None:
            type(self).closed = True

    nodes = {"source": Source(), "tracker": ThreadedTracker(), "counter": Broken()}
    with pytest.raises(NodeError, match="broken"), InlineGraph(nodes) as graph:
        graph.run()
    assert Broken.closed
