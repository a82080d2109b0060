"""The crossings that the boxes sent, in the database; each event is kept once."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial

from metrica.dashboard.database.interface import Connection, Engine, EventRow
from metrica.dashboard.kpis.events import IN, OUT, Events
from metrica.dashboard.store.gone import sift_events
from metrica.dashboard.store.histories import HistoryTable, note_events
from metrica.dashboard.store.history import History
from metrica.dashboard.store.quarters import add_crossings
from metrica.dashboard.store.records import Event

_TOGETHER = 500
"""Events that are written in one part. So a batch holds the writer for some milliseconds at a time."""


@dataclass(frozen=True, slots=True)
class Added:
    """What became of a batch of events."""

    accepted: int
    """Events that are new."""
    duplicates: int
    """Events that were in the database already; they changed nothing."""


class EventTable:
    """The events of a database."""

    def __init__(self, file: Engine) -> None:
        self._file = file

    def add(self, store: str, events: Sequence[Event]) -> Future[Added]:
        """Write a store's events. An event whose id the store has sent before is a duplicate and changes nothing."""
        received = self._file.clock()

        def insert(some: Sequence[Event], db: Connection) -> int:
            rows: list[EventRow] = [
                (store, e.id, e.camera, e.line, IN if e.direction == "in" else OUT, e.track, e.time, received)
                for e in some
            ]
            self._file.lock_store(db, store)
            wanted, apart = sift_events(db, store, rows)
            if wanted or apart:
                sql = "UPDATE stores SET first_heard = ? WHERE id = ? AND first_heard IS NULL"
                db.execute(sql, (received, store))
            return insert_events(self._file, db, store, wanted) + apart

        def whole(accepted: list[int]) -> Added:
            return Added(sum(accepted), len(events) - sum(accepted))

        # In parts, because the others wait meanwhile. If one of them fails, what is written already is a duplicate
        # when the sender sends it again.
        parts = (partial(insert, events[at : at + _TOGETHER]) for at in range(0, max(len(events), 1), _TOGETHER))
        return self._file.write_parts(parts, whole, store)

    def between(self, store: str, since: int, until: int) -> Events:
        """Return the store's events with `since` <= time < `until`, ns UTC."""
        rows = self._file.rows(
            "SELECT time, direction FROM events WHERE store = ? AND time >= ? AND time < ?", store, since, until
        )
        return Events.from_pairs(rows)

    def history(self, store: str) -> History | None:
        """Return the first and the last event of the store's history; None before it."""
        return HistoryTable(self._file).get(store).history

    def count(self, store: str) -> int:
        """Return how many events the store has."""
        return int(self._file.rows("SELECT count(*) FROM events WHERE store = ?", store)[0][0])


def insert_events(file: Engine, db: Connection, store: str, rows: Sequence[EventRow]) -> int:
    """Insert those of a store's events that it does not have, and count them, inside a write. Returns how many."""
    new = file.insert_events(db, rows) if rows else []
    if new:
        add_crossings(db, store, [(camera, line, direction, time) for _, _, camera, line, direction, _, time, _ in new])
        note_events(db, store, [row[6] for row in new])
    return len(new)
