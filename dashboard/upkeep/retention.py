"""For how long a store's data are kept: what is older goes, and is not taken again (table `retention`)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from metrica.dashboard.database.interface import Connection, Engine
from metrica.dashboard.kpis.business_day import Calendar
from metrica.dashboard.kpis.store import Store
from metrica.dashboard.store.audit import COMMAND, Scalar, record
from metrica.dashboard.store.gone import bump
from metrica.dashboard.upkeep.chunks import delete_in_chunks

DEFAULT_DAYS = 730
"""How many days are kept of a store unless chosen otherwise: two years, so that a month has one to compare it with."""
LONGEST = 36_500
"""Most days that can be chosen, a century."""

# The tables with a time of a store, how a row is named, and when it is over.
_TIMES = (
    ("events", "n", "time"),
    ("watched", "n", '"end"'),
    ("empties", "n", "time"),
    ("removed_events", "store, id", "time"),
    ("removed_watched", 'removal, camera, start, "end"', '"end"'),
)


@dataclass(frozen=True, slots=True)
class Expired:
    """What of a store is older than it is kept."""

    store: Store
    days: int
    """How many days are kept."""
    day: date
    """The first business day that is kept."""
    since: int
    """When that day begins, ns UTC; all before it goes."""
    events: int
    oldest: int | None
    """The time of the oldest event, ns UTC; None if none goes."""
    rows: int
    """How many rows go in all, with coverage, empty marks and what was removed before."""


class Retention:
    """The retention of the stores of a database."""

    def __init__(self, file: Engine) -> None:
        self._file = file

    def days(self, store: str) -> int:
        """Return how many days are kept of a store."""
        rows = self._file.rows("SELECT days FROM retention WHERE store = ?", store)
        return rows[0][0] if rows and rows[0][0] is not None else DEFAULT_DAYS

    def choose(self, store: str, days: int, *, actor: str = COMMAND) -> None:
        """Choose how many days are kept of a store; nothing is removed yet. Raises ValueError for what cannot be."""
        checked_days(days)
        now = self._file.clock()

        def write(db: Connection) -> None:
            db.execute(
                "INSERT INTO retention (store, days, since) VALUES (?, ?, 0)"
                " ON CONFLICT (store) DO UPDATE SET days = excluded.days",
                (store, days),
            )
            record(db, now, actor, "retention chosen", store, detail={"days": days})

        self._file.write(write).result()

    def expired(self, store: Store, days: int) -> Expired:
        """Return what of a store is older than `days` whole business days before today."""
        calendar = Calendar(store.timezone, store.cutoff_hour)
        day = calendar.day_of(self._file.clock()) - timedelta(days=checked_days(days))
        since = calendar.start(day)
        counts = [
            self._file.rows(f"SELECT count(*) FROM {table} WHERE store = ? AND {over} < ?", store.id, since)[0][0]
            for table, _, over in _TIMES
        ]
        oldest = self._file.rows("SELECT min(time) FROM events WHERE store = ? AND time < ?", store.id, since)[0][0]
        return Expired(store, days, day, since, counts[0], oldest, sum(counts))

    def remove(self, expired: Expired, *, actor: str = COMMAND) -> int:
        """Remove what is too old, in short writes; sent again, it is not taken. Returns how many rows went."""
        store, since, now = expired.store.id, expired.since, self._file.clock()

        def begin(db: Connection) -> None:
            db.execute(
                "INSERT INTO retention (store, days, since) VALUES (?, NULL, ?)"
                " ON CONFLICT (store) DO UPDATE SET since = max(since, excluded.since)",
                (store, since),
            )
            # What a camera saw without its events would look as if nobody had come.
            db.execute(
                'UPDATE watched SET start = ? WHERE store = ? AND start < ? AND "end" >= ?',
                (since, store, since, since),
            )

        self._file.write(begin).result()
        gone = 0
        for table, key, over in _TIMES:
            sql = (
                f"DELETE FROM {table} WHERE ({key}) IN"
                f" (SELECT {key} FROM {table} WHERE store = ? AND {over} < ? LIMIT ?)"
            )
            gone += delete_in_chunks(self._file, sql, store, since)

        def end(db: Connection) -> None:
            db.execute(
                "DELETE FROM removals WHERE store = ? AND until <= ?"
                " AND NOT EXISTS (SELECT 1 FROM removed_events e WHERE e.removal = removals.n)"
                " AND NOT EXISTS (SELECT 1 FROM removed_watched w WHERE w.removal = removals.n)",
                (store, since),
            )
            if gone:
                detail: dict[str, Scalar] = {"before": expired.day.isoformat(), "days": expired.days, "rows": gone}
                record(db, now, actor, "old data removed", store, detail=detail)
                bump(db)

        self._file.write(end).result()
        return gone


def checked_days(days: int) -> int:
    """Return a number of days that can be kept. Raises ValueError, as one sentence, for another."""
    if not 1 <= days <= LONGEST:
        raise ValueError(f"{days} days cannot be kept: give a number from 1 to {LONGEST}")
    return days
