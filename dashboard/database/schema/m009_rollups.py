"""Sums that are kept beside the rows they are made of, so that figures cost the same however long a history is."""

from __future__ import annotations

from collections.abc import Iterator

from metrica.dashboard.database.interface import Connection
from metrica.dashboard.database.schema.step import Step

_QUARTER = 900 * 10**9  # ns; every time zone's hours and days are sums of quarters of an hour
_AT_ONCE = 5000  # rows


def _fill(db: Connection) -> None:
    """Sum what is there. The history of each store is found when it is first asked for (`known` is 0)."""
    db.execute(
        "INSERT INTO quarters (store, quarter, camera, line, entered, left_)"
        " SELECT store, time - time % ?, camera, line,"
        " sum(CASE WHEN direction = 1 THEN 1 ELSE 0 END), sum(CASE WHEN direction = -1 THEN 1 ELSE 0 END)"
        " FROM events GROUP BY 1, 2, 3, 4",
        (_QUARTER,),
    )
    last = 0
    while True:
        rows = db.execute(
            'SELECT n, store, camera, start, "end" FROM watched WHERE n > ? ORDER BY n LIMIT ?', (last, _AT_ONCE)
        ).fetchall()
        for n, store, camera, start, end in rows:
            last = n
            db.executemany(
                "INSERT INTO looked (store, quarter, camera, ns) VALUES (?, ?, ?, ?)"
                " ON CONFLICT (store, quarter, camera) DO UPDATE SET ns = looked.ns + excluded.ns",
                [(store, quarter, camera, ns) for quarter, ns in _cut(start, end)],
            )
        if len(rows) < _AT_ONCE:
            break
    db.execute(
        "INSERT INTO histories (store, newest_look)"
        ' SELECT id, (SELECT max("end") FROM watched WHERE watched.store = stores.id) FROM stores'
    )


def _cut(start: int, end: int) -> Iterator[tuple[int, int]]:
    while start < end:
        quarter = start - start % _QUARTER
        stop = min(end, quarter + _QUARTER)
        yield quarter, stop - start
        start = stop


ROLLUPS = Step(
    "m009_rollups",
    (
        # Crossings per quarter of an hour (UTC), kept in the transaction that keeps the event, and longer than it.
        """
            CREATE TABLE quarters (
                store TEXT NOT NULL REFERENCES stores(id),
                quarter {integer} NOT NULL,     -- when it begins, ns UTC
                camera TEXT NOT NULL,
                line TEXT NOT NULL,
                entered {integer} NOT NULL,
                left_ {integer} NOT NULL,
                PRIMARY KEY (store, quarter, camera, line)
            ) {compact}
        """,
        # Coverage per quarter of an hour.
        """
            CREATE TABLE looked (
                store TEXT NOT NULL REFERENCES stores(id),
                quarter {integer} NOT NULL,     -- when it begins, ns UTC
                camera TEXT NOT NULL,
                ns {integer} NOT NULL,          -- how much of it the camera looked
                PRIMARY KEY (store, quarter, camera)
            ) {compact}
        """,
        # What a business day has taught once it was closed. Other settings of the store make other days.
        """
            CREATE TABLE days (
                store TEXT NOT NULL REFERENCES stores(id),
                since {integer} NOT NULL,       -- the day: since <= time < until, ns UTC
                until {integer} NOT NULL,
                zone TEXT NOT NULL,           -- the store's time zone when it was computed
                entered {integer} NOT NULL,
                left_ {integer} NOT NULL,
                dwell {real},                   -- mean, s; NULL: the counts give none
                peak {integer},                 -- when the clock hour with the most visitors began, ns UTC
                peak_visitors {integer},
                gaps TEXT NOT NULL,           -- JSON: [[start, end, no camera looked, a busy time], ...]
                missing {integer} NOT NULL,     -- for how long a camera did not look at a busy time, ns
                again {integer},                -- computed anew when a camera has looked later than this, ns UTC
                stale {integer} NOT NULL,       -- 1: something has come since
                PRIMARY KEY (store, since)
            ) {compact}
        """,
        # One row for each store: what would take many looks at its rows.
        """
            CREATE TABLE histories (
                store TEXT PRIMARY KEY REFERENCES stores(id),
                known {integer} NOT NULL DEFAULT 0,     -- whether `first` and `last` are right
                first {integer},                        -- the history's first event, ns UTC; NULL: there is none
                last {integer},                         -- its last one
                newest_look {integer},                  -- up to when any camera looked, ns UTC
                closed {integer} NOT NULL DEFAULT 0,    -- days up to this time were computed, ns UTC
                changes {integer} NOT NULL DEFAULT 0,   -- grows with every change of the store's events or coverage
                past {integer} NOT NULL DEFAULT 0       -- grows with every change before `closed`
            ) {strict}
        """,
        "ALTER TABLE retention ADD COLUMN sums_days {integer}",  # how many days sums are kept; NULL: without end
        "ALTER TABLE retention ADD COLUMN sums_since {integer} NOT NULL DEFAULT 0",  # sums before this are gone, ns UTC
    ),
    fill=_fill,
)
