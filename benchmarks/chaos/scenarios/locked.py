"""A journal that another process holds locked for a minute and a half, by SQLite's lock or by the lock file's."""

from __future__ import annotations

import fcntl
import sqlite3
import time
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path

from benchmarks.chaos import graphs
from benchmarks.chaos.result import Result
from benchmarks.chaos.shop import Shop, free_ports
from benchmarks.chaos.stores import corrupt, deliver_rest
from benchmarks.chaos.truth import compare, read_events, read_walks

_FPS = 25.0
"""As many as a camera gives: a loop that waits two seconds for a lock loses tracks then."""

_LEAST = 0.6
"""Share of the tracks that must be taken in meanwhile; some are late or on their way on a busy machine."""


def run(folder: Path, *, seconds: float = 90.0, how: str = "sqlite") -> Result:
    """Hold the lock so long while two cameras count. how: sqlite, or file for the lock beside the journal."""
    result = Result(faults=1)
    graph = graphs.small(folder / "shop" / "truth", free_ports(1)[0], cameras=2, pause=0.3, fps=_FPS)
    with Shop(folder / "shop", graph) as shop:
        shop.wait_active(6)
        time.sleep(3.0)
        missed, taken = _counted(shop, "lost"), _counted(shop, "received.tracks")
        with _held(shop.journal, how):
            time.sleep(seconds)
            taken = _counted(shop, "received.tracks") - taken
        freed = time.monotonic()
        before = len(read_events(shop.database))
        if shop.wait_until(lambda: len(read_events(shop.database)) > before, 30):
            result.recoveries.append(round(time.monotonic() - freed, 2))
        else:
            result.problems.append("no event arrives within 30 s after the lock")
        time.sleep(2.0)
        missed = _counted(shop, "lost") - missed
        if not deliver_rest(shop):
            result.problems.append("events stay unsent")
    result.add(compare(read_walks(shop.truth), read_events(shop.database), by_track=True))
    result.corrupt = corrupt(shop.data)
    sent = int(2 * _FPS * seconds)
    if taken < _LEAST * sent:
        result.problems.append(f"the counters took in {taken} of about {sent} tracks while the journal was locked")
    result.detail |= {"how": how, "tracks_sent_meanwhile": sent, "tracks_taken_in": taken, "tracks_missed": missed}
    return result


def _counted(shop: Shop, what: str) -> int:
    """The sum of one number of the counters' heartbeats."""
    beats = [health for name, health in shop.monitor.health.items() if name.endswith("/counter")]
    return sum(health.counters.get(what, 0) for health in beats)


@contextmanager
def _held(journal: Path, how: str) -> Generator[None]:
    if how == "file":
        with journal.with_name(f"{journal.name}.lock").open("rb+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield
        return
    with closing(sqlite3.connect(journal, timeout=20, isolation_level=None)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        yield
        connection.execute("ROLLBACK")
