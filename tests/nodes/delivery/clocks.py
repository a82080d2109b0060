"""A counter, a server and a machine whose clock the test sets; the server's own clock is always right."""

from __future__ import annotations

import contextlib
from collections.abc import Generator
from pathlib import Path

import numpy as np

from metrica import testing
from metrica.context import Context
from metrica.dashboard.ingest.app import create_app
from metrica.dashboard.kpis.store import Store
from metrica.dashboard.service.serving import AioServer
from metrica.dashboard.store.database import Database
from metrica.journal import Journal
from metrica.messages import Header, Health, Tracks, encode
from metrica.nodes.counting.line_counter import LineCounter
from tests.nodes.delivery.test_uploader import TOKEN

SECOND = 1_000_000_000
HOUR = 3600 * SECOND
TO_1970 = -testing.START / SECOND
"""Seconds by which a clock is set back to 1970 at the bench's start."""


@contextlib.contextmanager
def ingest(folder: Path, clock: testing.FakeClock) -> Generator[tuple[str, Database]]:
    """A server whose clock is always right."""
    with Database(folder / "server.db", clock=lambda: clock.nanoseconds) as database:
        database.stores.put(Store("test", "Africa/Tunis"))
        database.tokens.put("test", TOKEN)
        server = AioServer(create_app(database), "127.0.0.1", 0)
        try:
            yield server.address, database
        finally:
            server.stop()


def context(folder: Path) -> Context:
    return Context(store="test", camera="door", timezone="UTC", data=folder)


def arrived(database: Database) -> dict[str, int]:
    return dict(database.rows("SELECT id, time FROM events"))


class Counter:
    """A line counter in front of which somebody walks in every four seconds, 10 pictures a second."""

    def __init__(self, bench: testing.Bench, clock: testing.FakeClock, journal: Path) -> None:
        self.bench, self.clock, self.journal = bench, clock, journal
        self.frame = 0
        self.true: dict[str, int] = {}
        """When each event truly happened, by its id, ns UTC."""

    def walk(self, seconds: float) -> None:
        """Pictures for so long, each counted a tenth of a second after it was taken; the events go to the journal."""
        for _ in range(round(seconds * 10)):
            stamp, mono, truth = self.clock.now(), self.clock.monotonic(), self.clock.nanoseconds
            self.clock.advance(0.1)
            walker, at = divmod(self.frame, 40)
            x = 440 + 10.0 * at
            tracks = Tracks(
                header=Header(stamp=stamp, mono=mono or 1, epoch=1, camera="door"),
                boxes=np.array([[x - 30, 340, x + 30, 500]], np.float32),
                ids=np.array([walker + 1], np.int64),
                scores=np.ones(1, np.float32),
                ages=np.array([at + 1], np.int32),
                size=(1280, 720),
            )
            self.frame += 1
            known = len(self.bench.sent("crossings"))
            self.bench.send("tracks", tracks)
            for crossing in self.bench.sent("crossings")[known:]:
                self.true[crossing.id] = truth
                with Journal(self.journal) as journal:
                    journal.append(crossing.id, "Crossing", encode(crossing))


@contextlib.contextmanager
def counter(folder: Path, clock: testing.FakeClock) -> Generator[Counter]:
    with testing.run(LineCounter(line=(640, 720, 640, 0)), clock=clock, context=context(folder)) as bench:
        yield Counter(bench, clock, folder / "journal.db")


def passed_line(true: int, found: int) -> bool:
    """Whether a time is that of a crossing that was sure at `true`: it is sure within two seconds."""
    return -2 * SECOND <= found - true <= SECOND // 10


def restarted(clock: testing.FakeClock, off: float, *, says: int) -> testing.FakeClock:
    """The clock after the machine was off for so many seconds and its clock says `says`, ns UTC."""
    truth = clock.nanoseconds + round(off * SECOND)
    return Machine(truth, ahead=says - truth, boot_number=clock.boot_number + 1, started=truth)


class Machine(testing.FakeClock):
    """A machine whose uptime begins anew."""

    def __init__(self, nanoseconds: int, *, ahead: int, boot_number: int, started: int) -> None:
        super().__init__(nanoseconds, ahead=ahead, boot_number=boot_number)
        self.started = started

    def monotonic(self) -> int:
        return self.nanoseconds - self.started


def beat(clock: testing.FakeClock, received: int) -> Health:
    return Health(
        header=Header(stamp=clock.now(), mono=clock.monotonic(), camera="door", epoch=1),
        node="/door/counter",
        state="active",
        counters={"received.tracks": received},
    )
