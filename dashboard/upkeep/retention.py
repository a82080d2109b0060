"""For how long a store's events are kept: what is older goes, and is not taken again (table `retention`).

What they have taught stays: the sums per quarter of an hour, and what each business day said. So no figure changes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from metrica.dashboard.database.errors import DatabaseBusyError
from metrica.dashboard.database.interface import Connection, Engine
from metrica.dashboard.kpis.business_day import Calendar
from metrica.dashboard.kpis.store import Store
from metrica.dashboard.store.audit import COMMAND, Scalar, record
from metrica.dashboard.store.days import MOST, DayTable, Wanted, read_days
from metrica.dashboard.store.gone import bump
from metrica.dashboard.store.histories import HistoryTable, known_now, note_events
from metrica.dashboard.store.teaching import kept_since, known_day
from metrica.dashboard.upkeep.chunks import delete_in_chunks

DEFAULT_DAYS = 400
"""For how many days events are kept unless chosen otherwise: a year, and a month to look into it."""
SHORTEST = 8
"""Fewest days that can be chosen: today is compared with the same day of last week, to the minute."""
LONGEST = 36_500
"""Most days that can be chosen, a century."""

_TRIES = 5

# The tables with a time of a store, and when a row is too old. The last time at which each camera
# looked before that stays: without it nobody would know that the camera was expected to go on.
_LAST_LOOK = (
    '(SELECT max(w."end") FROM watched w WHERE w.store = watched.store AND w.camera = watched.camera AND w."end" < ?)'
)
_TIMES = (
    ("events", "time < ?"),
    ("watched", f'"end" < ? AND "end" < {_LAST_LOOK}'),
    ("empties", "time < ?"),
    ("removed_events", "time < ?"),
    ("removed_watched", '"end" < ?'),
)
_SUMS = (
    ("quarters", "quarter"),
    ("looked", "quarter"),
    ("days", "since"),
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
        self._days, self._histories = DayTable(file), HistoryTable(file)

    def days(self, store: str) -> int:
        """Return how many days are kept of a store."""
        rows = self._file.rows("SELECT days FROM retention WHERE store = ?", store)
        return max(rows[0][0], SHORTEST) if rows and rows[0][0] is not None else DEFAULT_DAYS

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
            self._file.rows(
                f"SELECT count(*) FROM {table} WHERE store = ? AND {over}", store.id, *[since] * over.count("?")
            )[0][0]
            for table, over in _TIMES
        ]
        oldest = self._file.rows("SELECT min(time) FROM events WHERE store = ? AND time < ?", store.id, since)[0][0]
        return Expired(store, days, day, since, counts[0], oldest, sum(counts))

    def remove(self, expired: Expired, *, actor: str = COMMAND) -> int:
        """Remove what is too old, in short writes; sent again, it is not taken. Returns how many rows went.

        No figure changes: first all that the days have taught is computed. Raises DatabaseError if it cannot be kept.
        """
        store, since, now = expired.store.id, expired.since, self._file.clock()

        def begin(db: Connection) -> bool:
            self._file.lock_store(db, store)
            if len(read_days(db, wanted, known_now(db, store))) < len(wanted.bounds()):
                return False  # something late has come just now
            db.execute(
                "INSERT INTO retention (store, days, since) VALUES (?, NULL, ?)"
                " ON CONFLICT (store) DO UPDATE SET since = excluded.since WHERE retention.since < excluded.since",
                (store, since),
            )
            # What a camera saw without its events would look as if nobody had come.
            db.execute(
                'UPDATE watched SET start = ? WHERE store = ? AND start < ? AND "end" >= ?',
                (since, store, since, since),
            )
            return True

        for _ in range(_TRIES):
            wanted = self._teach(expired.store, expired.day)
            if self._file.write(begin).result():
                break
        else:
            raise DatabaseBusyError(f"late events of {store} come all the time: nothing is removed, try again later")
        gone = 0
        for table, over in _TIMES:
            where = f"store = ? AND {over}"
            gone += delete_in_chunks(self._file, table, where, store, *[since] * over.count("?"))

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
        self._file.tidy(since)
        return gone

    def sums_days(self, store: str) -> int | None:
        """Return how many days the sums of a store are kept; None: without end."""
        rows = self._file.rows("SELECT sums_days FROM retention WHERE store = ?", store)
        return rows[0][0] if rows else None

    def choose_sums(self, store: str, days: int | None, *, actor: str = COMMAND) -> None:
        """Choose how many days the sums of a store are kept, None: without end; nothing is removed yet."""
        if days is not None and checked_days(days) < self.days(store):
            raise ValueError(f"sums of {days} days cannot be kept: events are kept for {self.days(store)}, choose more")
        now = self._file.clock()

        def write(db: Connection) -> None:
            db.execute(
                "INSERT INTO retention (store, since, sums_days) VALUES (?, 0, ?)"
                " ON CONFLICT (store) DO UPDATE SET sums_days = excluded.sums_days",
                (store, days),
            )
            record(db, now, actor, "retention of sums chosen", store, detail={"days": days})

        self._file.write(write).result()

    def remove_sums(self, store: Store, *, actor: str = COMMAND) -> int:
        """Remove the sums that are too old: their days become "no data". Returns how many rows went.

        Sums of events that are kept stay: they go with their events, or after them.
        """
        days = self.sums_days(store.id)
        if days is None:
            return 0
        calendar, now = Calendar(store.timezone, store.cutoff_hour), self._file.clock()
        day = calendar.day_of(now) - timedelta(days=max(days, self.days(store.id)))
        with self._file.snapshot() as db:
            since, gone = min(calendar.start(day), kept_since(db, store.id)), 0
        for table, over in _SUMS:
            gone += delete_in_chunks(self._file, table, f"store = ? AND {over} < ?", store.id, since)

        def end(db: Connection) -> None:
            self._file.lock_store(db, store.id)
            db.execute(
                "UPDATE retention SET sums_since = ? WHERE store = ? AND sums_since < ?", (since, store.id, since)
            )
            history = known_now(db, store.id).history
            # Also if they went the last time, and the program was killed before it came here.
            if gone or (history is not None and history.first < since):
                note_events(db, store.id, [since], removed=True)
                before = calendar.day_of(since).isoformat()
                detail: dict[str, Scalar] = {"before": before, "days": days, "rows": gone}
                record(db, now, actor, "old sums removed", store.id, detail=detail)
                bump(db)

        self._file.write(end).result()
        return gone

    def _teach(self, store: Store, before: date) -> Wanted:
        """Compute what the days up to one have taught, as long as their events are there. Returns these days.

        Also that day itself, with which a day of another time zone may overlap.
        """
        known, day = self._histories.get(store.id), None
        with self._file.snapshot() as db:
            first = known.history.first if known.history else None
            _, day = known_day(db, store, first, self._file.clock())
            kept = kept_since(db, store.id)
        if day is not None and kept:
            day = max(day, Calendar(store.timezone, store.cutoff_hour).day_of(kept))
        begin = before + timedelta(days=1) if day is None else day
        for n in range(0, (before - begin).days + 1, MOST):
            last = min(begin + timedelta(days=n + MOST - 1), before)
            self._days.get(Wanted(store, begin + timedelta(days=n), last, begin), self._histories.get(store.id))
        return Wanted(store, min(begin, before + timedelta(days=1)), before, begin)


def checked_days(days: int) -> int:
    """Return a number of days that can be kept. Raises ValueError, as one sentence, for another."""
    if not SHORTEST <= days <= LONGEST:
        raise ValueError(f"{days} days cannot be kept: give a number from {SHORTEST} to {LONGEST}")
    return days
