"""Since when a store has a history: zero visitors before that time are no data."""

from __future__ import annotations

from dataclasses import dataclass

from metrica.dashboard.database.interface import Engine
from metrica.dashboard.kpis.events import HOUR

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


def history_of(file: Engine, store: str) -> History | None:
    """Return the store's history; None before the first event that belongs to it.

    It begins when the store's box was first heard of, or with the events that reach back from there without a long
    silence: not with the oldest stamp, which may come from a clock that was wrong by years.
    """
    newest: int | None = file.rows("SELECT max(time) FROM events WHERE store = ?", store)[0][0]
    found = file.rows("SELECT first_heard FROM stores WHERE id = ?", store)
    if newest is None or not found:
        return None
    first = _reach(file, store, newest + 1, _SILENCE)
    heard: int | None = found[0][0]
    if heard is None or first >= heard:
        return History(first, newest)
    if newest < heard - _BEFORE:  # nothing has come yet that happened after the box was first heard of
        return History(_reach(file, store, newest + 1, _BEFORE), newest) if newest >= heard - _SILENCE else None
    begin = max(first, _reach(file, store, heard, _BEFORE, coverage=True))
    first = file.rows("SELECT min(time) FROM events WHERE store = ? AND time >= ?", store, begin)[0][0]
    return History(first, newest)


def _reach(file: Engine, store: str, start: int, silence: int, *, coverage: bool = False) -> int:
    """Go back from `start` (ns UTC) from event to event, over silences of at most `silence` (ns). Returns how far.

    coverage: whether a time in which a camera looked is no silence, though nobody came.
    """
    while True:
        # Two queries and not one, because SQLite answers a single min() from an index.
        found = [
            file.rows(
                "SELECT min(time) FROM events WHERE store = ? AND time >= ? AND time < ?", store, start - silence, start
            )[0][0]
        ]
        if coverage:
            found += file.rows(
                'SELECT min(start) FROM watched WHERE store = ? AND "end" >= ? AND start < ?',
                *(store, start - silence, start),
            )[0]
        earlier = min((time for time in found if time is not None), default=start)
        if earlier == start:
            return start
        start = earlier
