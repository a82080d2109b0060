"""How long the owner's figures take, in every state of the cameras.

A store with 63 days of made-up footfall is asked as an open page asks it, once a tick, while events arrive in order,
while they arrive late, while a camera is off, and after a start. For each state it prints the median and the 95th
percentile of one tick, the numbers and all charts, and the largest age of an answer: what takes longer than
`PATIENCE` is answered as it last was.

    python -m benchmarks.figures [--visitors 1000] [--ticks 60]
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np

from benchmarks.harness import figure
from metrica.dashboard.kpis.events import HOUR, MINUTE, SECOND
from metrica.dashboard.kpis.store import Store
from metrica.dashboard.reports.answers import PATIENCE, Answers
from metrica.dashboard.reports.reports import Reports
from metrica.dashboard.store.database import Database
from metrica.dashboard.store.records import Event, Span

_DAYS = 63
_TODAY = date(2026, 11, 22)
_NOON = round(datetime(2026, 11, 22, 12, tzinfo=UTC).timestamp()) * SECOND
_GOAL = "< 50 ms"


def main() -> int:
    """Run every state and print its figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--visitors", type=int, default=1000, help="visitors a day (default: %(default)s)")
    parser.add_argument("--ticks", type=int, default=60, help="how often each state is asked (default: %(default)s)")
    args = parser.parse_args()
    with _store(args.visitors) as (database, store):
        answers = Answers(Reports(database), patience=PATIENCE)
        began = time.perf_counter()
        _ask(answers, store, _NOON)
        figure("first_answer_ms", (time.perf_counter() - began) * 1e3, "ms", goal="-")
        for name, change in _STATES.items():
            seconds: list[float] = []
            oldest = 0
            for tick in range(args.ticks):
                now = _NOON + (tick + 1) * 5 * SECOND
                change(database, store.id, now, tick)
                began = time.perf_counter()
                oldest = max(oldest, now - _ask(answers, store, now))
                seconds.append(time.perf_counter() - began)
            p50, p95 = np.percentile(seconds, (50, 95)) * 1e3
            figure(f"{name}_p50_ms", float(p50), "ms", goal=_GOAL)
            figure(f"{name}_p95_ms", float(p95), "ms", goal=_GOAL)
            figure(f"{name}_oldest_s", oldest / SECOND, "s", goal="-")
    return 0


def _ask(answers: Answers, store: Store, now: int) -> int:
    """Ask as a page does, and return the moment of the oldest answer."""
    numbers = answers.ask(store, "numbers", now, lambda reports: reports.headline(store, now))
    charts = answers.ask(store, "charts", now, lambda reports: reports.charts(store, now))
    return min(numbers.moment, charts.moment)


def _nothing(database: Database, store: str, now: int, tick: int) -> None:
    """Cameras look, nobody comes."""
    database.coverage.add(store, [Span(camera="door", start=now - MINUTE, end=now)]).result()


def _in_order(database: Database, store: str, now: int, tick: int) -> None:
    """Somebody comes at each tick."""
    _nothing(database, store, now, tick)
    database.events.add(store, [_event(f"in-order-{tick}", "door", "in", now)]).result()


def _late(database: Database, store: str, now: int, tick: int) -> None:
    """A second camera sends each event half a minute later than the first."""
    _in_order(database, store, now, tick)
    late = _event(f"late-{tick}", "back", "out", now - 30 * SECOND)
    database.events.add(store, [late]).result()


def _hours_late(database: Database, store: str, now: int, tick: int) -> None:
    """A camera that was offline sends this morning's events."""
    _nothing(database, store, now, tick)
    late = _event(f"hours-late-{tick}", "back", "in", now - 3 * HOUR + tick * MINUTE)
    database.events.add(store, [late]).result()


def _days_late(database: Database, store: str, now: int, tick: int) -> None:
    """A camera that was offline sends yesterday's events."""
    _nothing(database, store, now, tick)
    late = _event(f"days-late-{tick}", "back", "in", now - 24 * HOUR + tick * MINUTE)
    database.events.add(store, [late]).result()


def _outage(database: Database, store: str, now: int, tick: int) -> None:
    """No camera looks, and nothing arrives."""


_STATES: dict[str, Callable[[Database, str, int, int], None]] = {
    "quiet": _nothing,
    "in_order": _in_order,
    "half_a_minute_late": _late,
    "hours_late": _hours_late,
    "days_late": _days_late,
    "outage": _outage,
}


def _event(name: str, camera: str, way: str, at: int) -> Event:
    return Event(id=name, camera=camera, line="main", direction="in" if way == "in" else "out", track=1, time=at)


@contextmanager
def _store(visitors: int) -> Iterator[tuple[Database, Store]]:
    """A store that opens from 9:00 to 21:00; its camera is off at night, and was off for an hour on some days."""
    rng = random.Random(1)
    store = Store("shop", "UTC")
    with tempfile.TemporaryDirectory() as folder, Database(Path(folder) / "metrica.db") as database:
        database.stores.put(store)
        for back in range(_DAYS, -1, -1):
            midnight = round(datetime.combine(_TODAY - timedelta(days=back), datetime.min.time(), UTC).timestamp())
            opens, closes = midnight * SECOND + 9 * HOUR, midnight * SECOND + 21 * HOUR
            crossings: list[tuple[int, str]] = []
            for _ in range(visitors):
                came = rng.randrange(opens, closes - HOUR)
                crossings += [(came, "in"), (came + round(rng.lognormvariate(2.3, 0.7) * MINUTE), "out")]
            events = [
                _event(f"{back}-{n}", "door", way, at) for n, (at, way) in enumerate(sorted(crossings)) if at <= _NOON
            ]
            for first in range(0, len(events), 5000):
                database.events.add(store.id, events[first : first + 5000]).result()
            off = opens + rng.randrange(0, 10) * HOUR if back % 9 == 0 else closes
            spans = [Span(camera="door", start=opens, end=min(off, _NOON))]
            if off + HOUR < min(closes, _NOON):
                spans.append(Span(camera="door", start=off + HOUR, end=min(closes, _NOON)))
            database.coverage.add(store.id, [span for span in spans if span.start < span.end]).result()
        yield database, store


if __name__ == "__main__":
    raise SystemExit(main())
