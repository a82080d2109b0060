"""What the business days of the stores have taught, in the database (table `days`).

A day is computed once, when it is over and somebody asks for it, and again when something late has come. Its figures
outlive its events.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from typing import Any

from metrica.dashboard.database.errors import DatabaseBusyError, DatabaseError
from metrica.dashboard.database.interface import Connection, Engine
from metrica.dashboard.kpis.business_day import Calendar
from metrica.dashboard.kpis.days import Day
from metrica.dashboard.kpis.store import Store
from metrica.dashboard.store.histories import HistoryTable, Known, note_closed
from metrica.dashboard.store.teaching import kept_since, pauses_of, taught

MOST = 420
"""How many days one question computes at most; the others when it is asked again."""
_TOGETHER = 7  # days that are computed in one write: some milliseconds

_COLUMNS = "since, until, entered, left_, dwell, peak, peak_visitors, gaps, again"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Some business days of a store, all of them over."""

    store: Store
    first: date
    last: date
    """The last one, included."""
    known: date | None
    """The first day of which something is known; None if there is none."""

    @property
    def calendar(self) -> Calendar:
        """The store's business days."""
        return Calendar(self.store.timezone, self.store.cutoff_hour)

    def bounds(self) -> dict[date, tuple[int, int]]:
        """Return when each begins and ends, ns UTC."""
        starts = [self.calendar.start(self.first + timedelta(days=n)) for n in range((self.last - self.first).days + 2)]
        return {
            self.first + timedelta(days=n): (since, until)
            for n, (since, until) in enumerate(itertools.pairwise(starts))
        }


class DayTable:
    """The days of a database."""

    def __init__(self, file: Engine) -> None:
        self._file = file
        self._histories = HistoryTable(file)

    def get(self, wanted: Wanted, known: Known, *, most: int = MOST) -> dict[date, Day]:
        """Return the days of which something is known. Those that are missing are computed, the last ones first.

        known: what is known of the store. Raises DatabaseBusyError if more than `most` have to be computed; as many
        are then done.
        """
        bounds = wanted.bounds()
        if not bounds:
            return {}
        with self._file.snapshot() as db:
            found = read_days(db, wanted, known)
        missing = [] if wanted.known is None else [day for day in bounds if day >= wanted.known and day not in found]
        todo = missing[-most:]
        for some in _runs(todo):
            found |= self._teach(wanted.store, some)
        end = bounds[wanted.last][1]
        if known.closed < end:
            with suppress(DatabaseError):  # a full disk, for example: what is asked for is known all the same
                self._file.write(partial(_close, self._file, wanted.store.id, end)).result()
        if len(todo) < len(missing):
            raise DatabaseBusyError(
                f"{len(missing) - len(todo)} past days of {wanted.store.id} are still being summed: try again"
            )
        # Of the time before that a day may have been kept that nobody would know now.
        return {day: found[day] for day in bounds if day in found and wanted.known is not None and day >= wanted.known}

    def _teach(self, store: Store, days: Sequence[date]) -> dict[date, Day]:
        """Compute days that follow each other, and keep what they taught."""
        now = self._file.clock()

        def work(db: Connection) -> list[Day]:
            self._file.lock_store(db, store.id)
            made = taught(db, store, days, now)
            _write(db, store, made)
            note_closed(db, store.id, made[-1].until)
            return made

        try:
            made = self._file.write(work).result()
        except DatabaseError:  # nothing can be written: then it is computed again the next time
            with self._file.snapshot() as db:
                made = taught(db, store, days, now)
        return dict(zip(days, made, strict=True))


def read_days(db: Connection, wanted: Wanted, known: Known) -> dict[date, Day]:
    """Return the days that were computed, and about which nothing has come since."""
    bounds = wanted.bounds()
    if not bounds:
        return {}
    rows = db.execute(
        f"SELECT {_COLUMNS}, zone, stale FROM days WHERE store = ? AND since >= ? AND since < ?",
        (wanted.store.id, bounds[wanted.first][0], bounds[wanted.last][1]),
    ).fetchall()
    kept = kept_since(db, wanted.store.id)
    by_bounds = {(row[0], row[1]): row for row in rows}
    found: dict[date, Day] = {}
    for day, edges in bounds.items():
        row = by_bounds.get(edges)
        if row is None:
            continue
        *_, again, zone, stale = row
        late = again is not None and known.newest_look is not None and known.newest_look > again
        # Days whose events are gone are as they are.
        if edges[0] < kept or not (stale or late or zone != wanted.store.timezone):
            found[day] = _day(row)
    return found


def _runs(days: Sequence[date]) -> Iterator[list[date]]:
    """Give days in groups that follow each other, the last group first."""
    run: list[date] = []
    for day in reversed(days):
        if run and (run[-1] - day != timedelta(days=1) or len(run) == _TOGETHER):
            yield run[::-1]
            run = []
        run.append(day)
    if run:
        yield run[::-1]


def _close(file: Engine, store: str, until: int, db: Connection) -> None:
    file.lock_store(db, store)
    if db.execute("SELECT 1 FROM stores WHERE id = ?", (store,)).fetchone():
        note_closed(db, store, until)


def _write(db: Connection, store: Store, days: Sequence[Day]) -> None:
    names = ["store", *_COLUMNS.split(", "), "missing", "zone", "stale"]
    changes = ", ".join(f"{name} = excluded.{name}" for name in names if name not in ("store", "since"))
    db.executemany(
        f"INSERT INTO days ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"
        f" ON CONFLICT (store, since) DO UPDATE SET {changes}",
        [(store.id, *_row(day), day.missing, store.timezone, 0) for day in days],
    )


def _row(day: Day) -> tuple[Any, ...]:
    pauses = [[gap.start, gap.end, int(gap.whole), int(busy)] for gap, busy in day.pauses]
    peak, visitors = day.peak or (None, None)
    gaps = json.dumps(pauses, separators=(",", ":"))
    return day.since, day.until, day.entered, day.left, day.dwell, peak, visitors, gaps, day.again


def _day(row: Sequence[Any]) -> Day:
    since, until, entered, left, dwell, peak, visitors, gaps, again = row[:9]
    return Day(since, until, entered, left, dwell, None if peak is None else (peak, visitors), pauses_of(gaps), again)
