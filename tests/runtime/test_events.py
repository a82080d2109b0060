"""Events are in the journal before they are published, whatever happens to the node or to the disk."""

from __future__ import annotations

import resource
import signal
from collections.abc import Generator
from pathlib import Path

import pytest

from metrica.executors.control import Exit
from metrica.journal import Journal
from metrica.messages import Crossing, decode
from metrica.qos import EVENTS, STREAM
from tests.runtime.processes import NodeProcess, Processes
from tests.runtime.sockets import Bus, seen
from tests.small_disk import fill, small_disk


@pytest.fixture
def bus(processes: Processes) -> Generator[Bus]:
    """The topics to which the node subscribes; the test publishes on them."""
    bus = Bus(processes.folder)
    yield bus
    bus.close()


def events_node(processes: Processes, **params: object) -> NodeProcess:
    return processes.start(
        processes.spec(
            "/door/events",
            "Events",
            params=dict(params),
            connections={"detections": ("/door/detections", "lossless")},
            bindings={"crossings": ("/door/crossings", "events")},
        )
    )


def test_an_event_that_was_published_is_in_the_journal_even_if_the_node_dies_at_once(
    processes: Processes, bus: Bus
) -> None:
    source = bus.publisher(bus.endpoint("door.detections"))
    node = events_node(processes, dies_after=5)
    bus.matched(source)
    tap = processes.reader("/door/crossings", EVENTS, Crossing)
    processes.matched("/door/events", "/door/crossings")
    processes.activate(node)
    for n in range(1, 6):
        source.send(seen(n))
    assert node.end() == -signal.SIGKILL
    assert processes.journalled() == [f"event-{n}" for n in range(1, 6)]
    heard = [c.id for c in tap.rest()]
    assert heard == [f"event-{n}" for n in range(1, len(heard) + 1)], "only what is in the journal, in its order"


def test_whoever_hears_of_an_event_finds_it_in_the_journal(processes: Processes, bus: Bus) -> None:
    source = bus.publisher(bus.endpoint("door.detections"))
    node = events_node(processes)
    bus.matched(source)
    tap = processes.reader("/door/crossings", STREAM, Crossing)
    processes.matched("/door/events", "/door/crossings")
    processes.activate(node)
    for n in range(1, 11):
        source.send(seen(n))
        heard = tap.take(1)[0]
        with Journal(processes.data / "journal.db") as journal:
            entries = {entry.id: entry for entry in journal.unsent(100)}
        assert heard.id in entries
        kept = decode(entries[heard.id].payload)
        assert isinstance(kept, Crossing)
        assert (kept.id, kept.line, kept.time, entries[heard.id].kind) == (heard.id, "a", n, "Crossing")


def test_the_same_event_twice_is_one_in_the_journal(processes: Processes, bus: Bus) -> None:
    source = bus.publisher(bus.endpoint("door.detections"))
    node = events_node(processes)
    bus.matched(source)
    tap = processes.reader("/door/crossings", EVENTS, Crossing)
    processes.matched("/door/events", "/door/crossings")
    processes.activate(node)
    for n in (1, 2, 1, 2, 3):
        source.send(seen(n))
    assert [c.track for c in tap.take(5)] == [1, 2, 1, 2, 3]
    assert processes.journalled() == ["event-1", "event-2", "event-3"]


def through_a_full_disk(processes: Processes, bus: Bus) -> Generator[str, None, NodeProcess]:
    """Publish events before, while and after the disk is full; the caller fills it at "full" and frees it at "free"."""
    source = bus.publisher(bus.endpoint("door.detections"))
    node = events_node(processes)
    bus.matched(source)
    tap = processes.reader("/door/crossings", EVENTS, Crossing)
    processes.matched("/door/events", "/door/crossings")
    processes.activate(node)
    source.send(seen(1))
    assert [c.track for c in tap.take(1)] == [1]
    yield "full"
    for n in range(2, 31):
        source.send(seen(n))
    health = processes.wait_until(lambda h: "29 events wait in memory" in h.detail, "it says what is wrong")
    assert health.detail.startswith("the journal") and " cannot be written: disk" in health.detail, "and why"
    assert tap.rest() == [], "nobody hears of an event that is not on the disk"
    yield "free"
    assert [c.track for c in tap.take(29)] == list(range(2, 31))
    processes.wait_until(lambda h: h.node == "/door/events" and h.detail == "", "all is well again")
    source.send(seen(31))
    assert [c.track for c in tap.take(1)] == [31]
    assert processes.stop(node) == [Exit.DONE]
    assert processes.journalled() == [f"event-{n}" for n in range(1, 32)]
    return node


def test_events_wait_in_memory_while_the_disk_is_full_and_are_delivered_in_order(
    processes: Processes, bus: Bus, tmp_path: Path
) -> None:
    with small_disk(tmp_path) as disk:
        processes.data = disk
        steps = through_a_full_disk(processes, bus)
        assert next(steps) == "full"
        filler = fill(disk)
        assert next(steps) == "free"
        filler.unlink()
        with pytest.raises(StopIteration):
            next(steps)


def test_the_same_where_writing_fails_for_another_reason(processes: Processes, bus: Bus) -> None:
    """A limit on the size of files: an input/output error, and no root is needed."""
    steps = through_a_full_disk(processes, bus)
    assert next(steps) == "full"
    pid = processes.nodes[0].process.pid
    soft, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, hard))
    assert next(steps) == "free"
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (soft, hard))
    with pytest.raises(StopIteration):
        next(steps)


def test_events_that_still_wait_when_the_node_stops_are_written_if_they_can_be(processes: Processes, bus: Bus) -> None:
    steps = through_a_full_disk(processes, bus)
    assert next(steps) == "full"
    pid = processes.nodes[0].process.pid
    soft, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, hard))
    assert next(steps) == "free"
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (soft, hard))
    assert processes.stop(processes.nodes[0]) == [Exit.DONE]
    assert processes.journalled() == [f"event-{n}" for n in range(1, 31)]
