"""Real processes whose clock is set while they count: the journal, a kill and a server that is away included."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Generator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import pytest

from metrica.dashboard.ingest.app import create_app
from metrica.dashboard.kpis.store import Store
from metrica.dashboard.service.serving import AioServer
from metrica.dashboard.store.database import Database
from metrica.files.whole import write_whole
from metrica.journal import Counts, Journal
from tests.launch.harness import launching

TOKEN = "mt_test"
SECOND = 1_000_000_000
_SET_CLOCK = """
import os, time
from pathlib import Path
_file, _time_ns = Path(os.environ["SET_CLOCK"]), time.time_ns
time.time_ns = lambda: _time_ns() + int(_file.read_text())
time.time = lambda: time.time_ns() / 1e9
"""
"""Python runs it first in each process: its clock is wrong by the nanoseconds in a file, and can be set by it."""


@contextmanager
def ingest(file: Path, port: int) -> Generator[str]:
    with Database(file) as database:
        database.stores.put(Store("test", "UTC"))
        database.tokens.put("test", TOKEN)
        server = AioServer(create_app(database), "127.0.0.1", port)
        try:
            yield server.address
        finally:
            server.stop()


def arrived(file: Path) -> list[int]:
    with Database(file) as database:
        return [row[0] for row in database.rows("SELECT time FROM events ORDER BY time")]


def counts(journal: Path) -> Counts:
    with Journal(journal) as opened:
        return opened.counts()


def set_clock(file: Path, ahead: int) -> None:
    """Set the clock of all processes at once: they never read half a number."""
    write_whole(file, str(ahead).encode())


def watched(file: Path) -> list[tuple[int, int]]:
    with Database(file) as database:
        return database.coverage.since("test", 0).get("door", [])


@pytest.mark.timeout(120)
def test_a_box_that_starts_in_1970_loses_and_misdates_nothing(tmp_path: Path) -> None:
    """Then the server is away, the clock jumps two hours ahead and is set right again."""
    (tmp_path / "sitecustomize.py").write_text(_SET_CLOCK)
    clock, truth, database = tmp_path / "clock", tmp_path / "truth", tmp_path / "server.db"
    clock.write_text(str(-time.time_ns()))
    truth.touch()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    graph = (
        f"  uploader:\n    type: watching_uploader\n    remap: {{heartbeats: '*/counter/health'}}\n"
        f"    params: {{url: 'http://127.0.0.1:{port}', token: {TOKEN}, max_age: 0, retry_limit: 1}}\n"
        "cameras: {door: {}}\n"
        "per_camera:\n"
        f"  walkers: {{type: 'walkers:Walkers', params: {{file: {truth}}}}}\n"
        "  counter: {type: line_counter, params: {line: [640, 720, 640, 0]}}\n"
    )
    folders = os.pathsep.join([str(tmp_path), str(Path(__file__).parent)])
    with launching(graph, environment={"SET_CLOCK": str(clock), "PYTHONPATH": folders}) as launch:
        journal = launch.run_dir.parent / "data" / "journal.db"

        def more(crossings: int) -> None:
            """Wait until so many more are in the journal: on a busy machine some walk by while the nodes start."""
            enough = sum(counts(journal)) + crossings
            launch.wait_until(lambda: sum(counts(journal)) >= enough, f"{enough} events")

        with ingest(database, port):
            launch.wait_for("which cannot be")
            more(2)
            assert arrived(database) == []
            for pid in launch.processes():
                os.kill(pid, signal.SIGKILL)
            launch.wait_for("it is restarted in", times=3)
            more(2)
            set_clock(clock, 0)
            launch.wait_until(lambda: counts(journal).unsent == 0, "delivery")
            assert len(arrived(database)) >= 4
        set_clock(clock, 7200 * SECOND)
        more(2)
        set_clock(clock, 0)
        more(1)
        assert counts(journal).unsent >= 2
        with ingest(database, port):
            launch.wait_until(lambda: counts(journal).unsent == 0, "delivery of the rest")
            assert launch.stop() == 0, launch.output
        recorded = counts(journal)
    true = [int(line) + time.time_ns() - time.monotonic_ns() for line in truth.read_text().split()]
    found = arrived(database)
    assert all(min(abs(t - moment) for moment in true) < SECOND // 2 for t in found), [t - true[0] for t in found]
    assert recorded == (0, len(found), 0)  # none lost, none twice
    assert all(later - earlier > SECOND for earlier, later in pairwise(found))
    assert all(true[0] - 5 * SECOND < start <= end < true[-1] + 5 * SECOND for start, end in watched(database))
    assert watched(database)
