"""A real counter beside a locked journal, or on a full disk: it sees every message and loses no event."""

from __future__ import annotations

import os
import time
from collections.abc import Generator
from pathlib import Path

import numpy as np
import pytest

from metrica.executors.control import Exit
from metrica.journal import Journal
from metrica.messages import Crossing, Header, Tracks
from metrica.qos import EVENTS
from tests.runtime.journal.holders import held
from tests.runtime.processes import NodeProcess, Processes, processes
from tests.runtime.sockets import PATIENCE, Bus, eventually, seen
from tests.small_disk import fill, small_disk

__all__ = ["processes"]

STEPS = 10  # messages in which a person passes the line


@pytest.fixture
def bus(processes: Processes) -> Generator[Bus]:
    bus = Bus(processes.folder)
    yield bus
    bus.close()


def tracks(n: int) -> Tracks:
    """Message n of one person after the other who walks from left to right."""
    x = 100.0 + 45 * (n % STEPS)
    return Tracks(
        header=Header(stamp=n * 40_000_000, mono=n * 40_000_000, camera="door"),
        boxes=np.array([[x - 40, 200, x + 40, 400]], np.float32),
        ids=np.array([n // STEPS + 1], np.int64),
        scores=np.ones(1, np.float32),
        ages=np.array([n % STEPS + 1], np.int32),
        size=(640, 480),
    )


def counter(processes: Processes) -> NodeProcess:
    return processes.start(
        processes.spec(
            "/door/counter",
            "line_counter",
            params={"line": [300, 480, 300, 0], "handover": 0},
            connections={"tracks": ("/door/tracks", "lossless")},  # the machine may be too slow for any rate
            bindings={"crossings": ("/door/crossings", "events")},
        )
    )


@pytest.mark.parametrize("how", ["transaction", "lock file"])
def test_a_counter_sees_every_message_while_another_process_holds_the_journal(
    processes: Processes, bus: Bus, how: str
) -> None:
    source = bus.publisher(bus.endpoint("door.tracks"))
    node = counter(processes)
    bus.matched(source)
    tap = processes.reader("/door/crossings", EVENTS, Crossing)
    processes.matched("/door/counter", "/door/crossings")
    processes.activate(node)
    people = 60
    for n in range(100):
        source.send(tracks(n))
    with held(processes.data / "journal.db", how):
        # Each message is acknowledged when it is handled: a loop that waited for the lock would need many minutes.
        begin = time.monotonic()
        for n in range(100, 500):
            source.send(tracks(n))
        processes.wait_until(lambda h: h.counters.get("received.tracks") == 500, "every message is seen")
        assert time.monotonic() - begin < PATIENCE
        processes.wait_until(
            lambda h: "another process keeps it locked; 40 events wait beside it on the disk" in h.detail,
            "and it says so",
        )
    for n in range(500, people * STEPS):
        source.send(tracks(n))
    heard = [c.track for c in tap.take(people)]
    assert heard == list(range(1, people + 1)), "each once, in order"
    health = processes.wait_until(
        lambda h: h.counters.get("received.tracks") == people * STEPS and not h.detail, "all is well"
    )
    assert health.counters.get("lost", 0) == 0
    assert processes.stop(node) == [Exit.DONE]
    assert len(processes.journalled()) == len(set(processes.journalled())) == people


@pytest.mark.parametrize("how", ["transaction", "lock file"])
def test_a_counter_that_is_killed_while_the_journal_is_held_loses_nothing(
    processes: Processes, bus: Bus, how: str
) -> None:
    source = bus.publisher(bus.endpoint("door.tracks"))
    node = counter(processes)
    bus.matched(source)
    processes.activate(node)
    with held(processes.data / "journal.db", how):
        for n in range(50 * STEPS):
            source.send(tracks(n))
        processes.wait_until(lambda h: "50 events wait beside it on the disk" in h.detail, "they are on the disk")
        node.kill()
    again = counter(processes)
    eventually(lambda: len(processes.journalled()) == 50, "the next one takes them over")
    assert processes.stop(again) == [Exit.DONE]
    assert [path.name for path in processes.data.iterdir() if "waiting" in path.name] == []


def test_a_node_that_is_killed_on_a_full_disk_loses_nothing(processes: Processes, bus: Bus, tmp_path: Path) -> None:
    """240 events of which 240 were lost: they have room that was set aside, whoever else fills the disk."""
    with small_disk(tmp_path) as disk:
        processes.data = disk
        source = bus.publisher(bus.endpoint("door.detections"))
        node = processes.start(
            processes.spec(
                "/door/events",
                "Events",
                connections={"detections": ("/door/detections", "lossless")},
                bindings={"crossings": ("/door/crossings", "events")},
            )
        )
        bus.matched(source)
        processes.activate(node)
        source.send(seen(1))
        fill(disk)
        for n in range(2, 241):
            source.send(seen(n))
            if n % 20 == 0:
                fill(disk, "more")  # what the reserve frees is not there for others
        health = processes.wait_until(lambda h: h.counters.get("sent.crossings") == 240, "all are on the disk")
        assert "is full: about" in health.detail and "more events fit, free some space" in health.detail
        node.kill()
        assert "reserve" in node.log and "is used now, free some space" in node.log
        assert os.statvfs(disk).f_bavail < 64
        assert processes.journalled() == [f"event-{n}" for n in range(1, 241)]


def test_the_reserve_is_made_again_when_there_is_room(tmp_path: Path) -> None:
    with small_disk(tmp_path) as disk, Journal(disk / "journal.db") as journal:
        before = journal.room()
        assert before.reserved > 0 and not before.is_full
        filler = fill(disk)
        for n in range(50):
            journal.append(f"e{n}", "Crossing", bytes(300))
        in_use = journal.room()
        assert in_use.reserved == 0 and in_use.is_full and in_use.events > 100
        assert not journal.set_aside()
        filler.unlink()
        (disk / "more").unlink(missing_ok=True)
        assert journal.set_aside()
        assert journal.room().reserved == before.reserved
