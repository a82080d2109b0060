"""What is known of each store at one look: its history, and what has changed (table `histories`).

Whoever changes a store's events or its coverage says so here, in the same write. Days that have taught something
already, and of which this may be wrong now, are marked, and computed anew when they are asked for.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from metrica.dashboard.database.interface import Connection, Engine
from metrica.dashboard.kpis.events import END_OF_TIME, HOUR
from metrica.dashboard.kpis.gaps import TAKEN_AWAY
from metrica.dashboard.store.history import History, find_history

_DAY = 24 * HOUR
_DAYS_COMPARED = 29 * _DAY
"""For how long the gaps of later days depend on the traffic of a day, ns."""
_DAYS_EXPECTED = 64 * _DAY
"""For how long the gaps of later days depend on what a camera looked at, ns."""
_LONGEST_DAY = 49 * HOUR  # a day that a country leaves out when it changes its time zone makes one of 48 hours

_COLUMNS = "known, first, last, newest_look, closed, changes, past"


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a store."""

    history: History | None
    """None before the first event that belongs to it."""
    newest_look: int | None
    """Up to when any of its cameras looked, ns UTC."""
    closed: int = 0
    """Days that end by this time were computed, ns UTC."""
    changes: int = 0
    """Grows with every change of its events or its coverage."""
    past: int = 0
    """Grows with every change of them before `closed`."""


class HistoryTable:
    """What is known of the stores of a database."""

    def __init__(self, file: Engine) -> None:
        self._file = file

    def get(self, store: str) -> Known:
        """Return what is known of a store. It takes the same time however long its history is."""
        rows = self._file.rows(f"SELECT {_COLUMNS} FROM histories WHERE store = ?", store)
        if rows and rows[0][0]:
            return _known(rows[0])
        if not rows:
            return Known(None, None)

        def find(db: Connection) -> Known:
            self._file.lock_store(db, store)
            _write_history(db, store, find_history(db, store))
            return _known(db.execute(f"SELECT {_COLUMNS} FROM histories WHERE store = ?", (store,)).fetchone())

        return self._file.write(find).result()


def known_now(db: Connection, store: str) -> Known:
    """Return what is known of a store, inside a write or a snapshot, without finding a history that is not known."""
    row = db.execute(f"SELECT {_COLUMNS} FROM histories WHERE store = ?", (store,)).fetchone()
    return Known(None, None) if row is None else _known(row)


def note_events(db: Connection, store: str, times: Collection[int], *, removed: bool = False) -> None:
    """Note that events of a store with these times (ns UTC) were added or removed, inside that write."""
    oldest, newest = min(times), max(times)
    row, heard = _read(db, store)
    before = _known(row)
    history = before.history
    if removed or not row[0] or heard is None or history is None or not history.holds(oldest, newest, heard):
        history = find_history(db, store, history)
    else:
        history = History(history.first, max(history.last, newest))
    if history != before.history or not row[0]:
        _write_history(db, store, history)
    stretch = list(_stretches(times)) if oldest < before.closed else []
    if row[0]:
        stretch += _moved(before.history, history)
    _note(db, store, before.closed, stretch)


def note_look(db: Connection, store: str, start: int, end: int, *, removed: bool = False) -> None:
    """Note that cameras looked from `start` to `end` (ns UTC), or that this was removed, inside that write."""
    row, _ = _read(db, store)
    before = _known(row)
    newest = end if before.newest_look is None else max(end, before.newest_look)
    if removed:
        newest = db.execute('SELECT max("end") FROM watched WHERE store = ?', (store,)).fetchone()[0]
        if newest is not None and newest != before.newest_look:
            # A camera that stopped in the days before seemed to be taken away, and is only broken now.
            start = min(start, newest - TAKEN_AWAY)
    if newest != before.newest_look:
        db.execute("UPDATE histories SET newest_look = ? WHERE store = ?", (newest, store))
    stretch = [(start, end + _DAYS_EXPECTED)] if start < before.closed else []
    if row[0] and (removed or before.history is None or start < before.history.first):
        history = find_history(db, store, before.history)  # a time in which a camera looked connects two times
        if history != before.history:
            _write_history(db, store, history)
            stretch += _moved(before.history, history)
    _note(db, store, before.closed, stretch)


def _stretches(times: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Return the days that events change, as stretches (ns UTC): one event of a wrong clock changes few."""
    first = last = None
    for time in sorted(times):
        if first is None or last is None:
            first = time
        elif time - last > _DAYS_COMPARED:
            yield first, last + _DAYS_COMPARED
            first = time
        last = time
    if first is not None and last is not None:
        yield first, last + _DAYS_COMPARED


def _moved(before: History | None, after: History | None) -> list[tuple[int, int]]:
    """Return which days are others because the history begins at another time, as a stretch (ns UTC)."""
    begins = sorted({history.first for history in (before, after) if history is not None})
    if len(begins) == 2:
        return [(begins[0], begins[1] + _DAYS_COMPARED)]
    # Without a history no day was compared with weeks in which nobody came.
    return [(begins[0], END_OF_TIME)] if (before is None) != (after is None) else []


def note_closed(db: Connection, store: str, until: int) -> None:
    """Note that the days up to a time (ns UTC) were computed, inside that write."""
    _read(db, store)
    db.execute("UPDATE histories SET closed = ? WHERE store = ? AND closed < ?", (until, store, until))


def _note(db: Connection, store: str, closed: int, stretches: list[tuple[int, int]]) -> None:
    """Count a change, and mark the days that begin or lie within the stretches (ns UTC)."""
    past = [(since, until) for since, until in stretches if since < closed]
    db.execute("UPDATE histories SET changes = changes + 1, past = past + ? WHERE store = ?", (1 if past else 0, store))
    for since, until in past:
        # Days whose events are gone keep what they have taught.
        db.execute(
            "UPDATE days SET stale = 1 WHERE store = ? AND since > ? AND since <= ? AND stale = 0"
            " AND since >= coalesce((SELECT r.since FROM retention r WHERE r.store = ?), 0)",
            (store, since - _LONGEST_DAY, until, store),
        )


def _read(db: Connection, store: str) -> tuple[tuple[int | None, ...], int | None]:
    """Return the store's row, which is made if it is missing, and when its box was first heard of."""
    while True:
        row = db.execute(
            f"SELECT {_COLUMNS}, first_heard FROM histories h JOIN stores s ON s.id = h.store WHERE h.store = ?",
            (store,),
        ).fetchone()
        if row is not None:
            return row[:-1], row[-1]
        db.execute("INSERT INTO histories (store, known) VALUES (?, 0)", (store,))


def _known(row: tuple[int | None, ...]) -> Known:
    _, first, last, newest_look, closed, changes, past = row
    history = None if first is None or last is None else History(first, last)
    return Known(history, newest_look, closed or 0, changes or 0, past or 0)


def _write_history(db: Connection, store: str, history: History | None) -> None:
    first, last = (history.first, history.last) if history else (None, None)
    db.execute("UPDATE histories SET known = 1, first = ?, last = ? WHERE store = ?", (first, last, store))
