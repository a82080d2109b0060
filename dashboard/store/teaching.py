"""Reads what is needed to compute past days of a store: their events, sums, and the coverage around them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date, timedelta

from metrica.dashboard.database.interface import Connection
from metrica.dashboard.kpis.business_day import Calendar
from metrica.dashboard.kpis.counts import Quarters
from metrica.dashboard.kpis.coverage import Coverage, known_since
from metrica.dashboard.kpis.days import COMPARED, Day, Looks, close_day, sum_day
from metrica.dashboard.kpis.events import Events
from metrica.dashboard.kpis.gaps import Gap, UsualTraffic
from metrica.dashboard.kpis.store import Store

PAST_DAYS = 63
"""The business days before today of which most figures are made."""

_LONGEST_DAY = 49 * 3600 * 10**9  # ns, see histories.py


def taught(db: Connection, store: Store, days: Sequence[date], now: int) -> list[Day]:
    """Compute days that follow each other and are over. Of those whose events are gone, sums and gaps stay.

    db: sees all of the database at one moment. now: ns UTC.
    """
    calendar = Calendar(store.timezone, store.cutoff_hour)
    begin, end = calendar.start(days[0]), calendar.bounds(days[-1])[1]
    kept = kept_since(db, store.id)
    first, newest = db.execute(
        "SELECT max(first), max(newest_look) FROM histories WHERE store = ?", (store.id,)
    ).fetchone()
    counts = read_quarters(db, store.id, begin - COMPARED, end)
    events = read_events(db, store.id, max(begin, kept), end)
    usual = UsualTraffic(counts, calendar, first)
    looks = Looks(read_coverage(db, store.id, begin, end), newest)
    pauses = _kept_pauses(db, store.id, begin, end) if begin < kept else []
    return [
        sum_day(calendar, day, counts, pauses)
        if calendar.start(day) < kept
        else close_day(calendar, day, events, usual, looks, now)
        for day in days
    ]


def known_day(db: Connection, store: Store, first: int | None, now: int) -> tuple[int | None, date | None]:
    """Return from when on a store is known (ns UTC), and the business day of that time; None if never.

    first: the first event of its history. now: ns UTC; a camera that looked long before that, and before anybody came,
    says nothing any more.
    """
    calendar = Calendar(store.timezone, store.cutoff_hour)
    look = first_look(db, store.id, calendar.start(calendar.day_of(now) - timedelta(days=PAST_DAYS)))
    since = known_since(first, look)
    return since, None if since is None else calendar.day_of(since)


def kept_since(db: Connection, store: str) -> int:
    """Return from when on the events of a store are kept, ns UTC."""
    found: int | None = db.execute("SELECT max(since) FROM retention WHERE store = ?", (store,)).fetchone()[0]
    return found or 0


def read_events(db: Connection, store: str, since: int, until: int) -> Events:
    """Return a store's events with `since` <= time < `until`, ns UTC."""
    sql = "SELECT time, direction FROM events WHERE store = ? AND time >= ? AND time < ?"
    return Events.from_pairs(db.execute(sql, (store, since, until)).fetchall())


def read_quarters(db: Connection, store: str, since: int, until: int) -> Quarters:
    """Return a store's sums of the quarters of an hour with `since` <= beginning < `until`, ns UTC."""
    return Quarters.from_rows(
        db.execute(
            "SELECT quarter, CAST(sum(entered) AS BIGINT), CAST(sum(left_) AS BIGINT) FROM quarters"
            " WHERE store = ? AND quarter >= ? AND quarter < ? GROUP BY quarter ORDER BY quarter",
            (store, since, until),
        ).fetchall()
    )


def read_coverage(db: Connection, store: str, begin: int, end: int) -> Coverage:
    """Return each camera's spans that touch `begin` to `end` (ns UTC), the last one before, and the first one after.

    It costs the same however much coverage the store has.
    """
    found: Coverage = {}
    camera = ""
    while (following := _next_camera(db, store, camera)) is not None:
        camera = following
        # Spans of a camera lie apart, so they are in the same order by start and by end: of the first two that end
        # later, the first one may have begun before, the second one has not.
        found[camera] = [
            *_spans(db, '"end" < ? ORDER BY "end" DESC LIMIT 1', store, camera, begin),
            *_spans(db, '"end" >= ? AND "end" < ? ORDER BY "end"', store, camera, begin, end),
            *_spans(db, '"end" >= ? ORDER BY "end" LIMIT 2', store, camera, max(begin, end)),
        ]
    return found


def _next_camera(db: Connection, store: str, camera: str) -> str | None:
    sql = "SELECT min(camera) FROM watched WHERE store = ? AND camera > ?"
    found: str | None = db.execute(sql, (store, camera)).fetchone()[0]
    return found


def _spans(db: Connection, which: str, *values: object) -> list[tuple[int, int]]:
    return db.execute(f'SELECT start, "end" FROM watched WHERE store = ? AND camera = ? AND {which}', values).fetchall()


def first_look(db: Connection, store: str, since: int) -> int | None:
    """Return the first quarter of an hour from `since` on in which a camera looked, ns UTC; None if none did."""
    found: int | None = db.execute(
        "SELECT min(quarter) FROM looked WHERE store = ? AND quarter >= ?", (store, since)
    ).fetchone()[0]
    return found


def _kept_pauses(db: Connection, store: str, begin: int, end: int) -> list[tuple[Gap, bool]]:
    """Return the pauses around a time that days of this store have kept, also days of other settings."""
    rows = db.execute(
        "SELECT until, gaps FROM days WHERE store = ? AND since > ? AND since < ? AND until > ? ORDER BY since",
        (store, begin - _LONGEST_DAY, end, begin),
    ).fetchall()
    found: list[tuple[Gap, bool]] = []
    done = 0
    for until, gaps in rows:
        for gap, busy in pauses_of(gaps):
            start, stop = max(gap.start, done), min(gap.end, until)
            if start < stop:
                found.append((Gap(start, stop, gap.whole), busy))
        done = max(done, until)
    return found


def pauses_of(gaps: str) -> tuple[tuple[Gap, bool], ...]:
    """Return what the column `gaps` of `days` says."""
    if gaps == "[]":
        return ()
    return tuple((Gap(start, end, bool(whole)), bool(busy)) for start, end, whole, busy in json.loads(gaps))
