"""Since when a store has a history: zero visitors before that time are no data (table `histories`).

The history is found from the sums per quarter of an hour, in the write that changes it. So looking it up costs the
same however long it is, and it stays when the events themselves are too old to be kept.
"""

from __future__ import annotations

from dataclasses import dataclass

from metrica.dashboard.database.interface import Connection
from metrica.dashboard.kpis.events import HOUR, QUARTER
from metrica.dashboard.store.quarters import quarter_of

_DAY = 24 * HOUR
_BEFORE = 14 * _DAY
"""Events from before the box was first heard of belong to the history if no silence up to that time is longer, ns.
A box that was offline for weeks sends what it counted then; one event far from all others is that of a wrong clock."""
_SILENCE = 400 * _DAY
"""What comes before a longer silence does not belong to the history, ns."""


@dataclass(frozen=True, slots=True)
class History:
    """A store's events, from the first to the last one that count as its history."""

    first: int
    """The first event, ns UTC."""
    last: int
    """The last event, ns UTC."""

    def holds(self, oldest: int, newest: int, heard: int) -> bool:
        """Whether events from `oldest` to `newest` (ns UTC) leave its beginning where it is.

        heard: when the box was first heard of, ns UTC.
        """
        if oldest < self.first or newest > self.last + _SILENCE:
            return False
        if self.last >= heard - _BEFORE:
            return True
        return newest < heard - _BEFORE and newest <= self.last + _BEFORE


def find_history(db: Connection, store: str, known: History | None = None) -> History | None:
    """Find the store's history, inside a write; None before the first event that belongs to it.

    It begins when the store's box was first heard of, or with the events that reach back from there without a long
    silence: not with the oldest stamp, which may come from a clock that was wrong by years.

    known: what it was before. Its times are exact, also where only sums are left.
    """
    newest: int | None = _one(db, "SELECT max(quarter) FROM quarters WHERE store = ?", store)
    if newest is None:
        return None
    last = _exact(db, store, newest, "max", known.last if known else None)
    heard: int | None = _one(db, "SELECT first_heard FROM stores WHERE id = ?", store)
    if heard is not None and last < heard - _SILENCE:
        return None
    begin = _reach(db, store, newest + QUARTER, _SILENCE)
    first = _exact(db, store, begin, "min", known.first if known else None)
    if heard is None or first >= heard:
        return History(first, last)
    if last < heard - _BEFORE:  # nothing has come yet that happened after the box was first heard of
        begin = _reach(db, store, newest + QUARTER, _BEFORE)
    else:
        reached = quarter_of(max(begin, _reach(db, store, heard, _BEFORE, coverage=True)))
        found = _one(db, "SELECT min(quarter) FROM quarters WHERE store = ? AND quarter >= ?", store, reached)
        begin = newest if found is None else found
    return History(_exact(db, store, begin, "min", known.first if known else None), last)


def _reach(db: Connection, store: str, start: int, silence: int, *, coverage: bool = False) -> int:
    """Go back from `start` (ns UTC) from event to event, over silences of at most `silence` (ns). Returns how far.

    coverage: whether a time in which a camera looked is no silence, though nobody came.
    """
    while True:
        found: list[int | None] = [
            _one(db, f"SELECT min(quarter) FROM {table} WHERE store = ? AND quarter >= ? AND quarter < ?",
                 store, quarter_of(start - silence), start)
            for table in (("quarters", "looked") if coverage else ("quarters",))
        ]  # fmt: skip
        earlier = min((time for time in found if time is not None), default=start)
        if earlier == start:
            return start
        start = earlier


def _exact(db: Connection, store: str, quarter: int, which: str, known: int | None) -> int:
    """Return the time of the first (`min`) or last (`max`) event of a quarter of an hour, ns UTC.

    If only its sum is left: what was known before, or else when the quarter begins.
    """
    time: int | None = _one(
        db,
        f"SELECT {which}(time) FROM events WHERE store = ? AND time >= ? AND time < ?",
        *(store, quarter, quarter + QUARTER),
    )
    if time is not None:
        return time
    return known if known is not None and quarter_of(known) == quarter else quarter


def _one(db: Connection, sql: str, *values: object) -> int | None:
    found: int | None = db.execute(sql, values).fetchone()[0]
    return found
