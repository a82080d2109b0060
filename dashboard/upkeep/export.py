"""The rows of an export: a store's events, its coverage, and its figures per quarter of an hour, hour, day and weekday.

All of it is in the store's own local time, and read piece by piece, so that neither the memory nor a running server
feels how much there is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from metrica.dashboard.kpis.business_day import Calendar
from metrica.dashboard.kpis.events import END_OF_TIME, HOUR, IN, QUARTER, SECOND
from metrica.dashboard.kpis.hours import WEEKDAYS
from metrica.dashboard.kpis.store import Store
from metrica.dashboard.reports.heat import heat_between
from metrica.dashboard.reports.hours import days_between, hours_between
from metrica.dashboard.store.database import Database

Cell = str | int | float | None
"""One value of a row; None is "no data"."""
Row = dict[str, Cell]
"""One row, by the names of its columns."""
Rows = Callable[[Database, Store, int, int], Iterator[Row]]
"""Gives the rows of a store from a time up to another one, ns UTC."""

_PIECE = 5000  # rows that are read at a time
_DAY = 24 * HOUR


def local_time(moment: int, zone: str) -> str:
    """Write a time (ns UTC) by the clocks of a time zone, with the offset from UTC, to the nanosecond.

    The fraction has as many digits as it needs: 2026-11-28T14:30:05.25+01:00.
    """
    seconds, rest = divmod(moment, SECOND)
    local = datetime.fromtimestamp(seconds, UTC).astimezone(ZoneInfo(zone))
    fraction = f".{rest:09}".rstrip("0") if rest else ""
    offset = local.strftime("%z")
    return f"{local:%Y-%m-%dT%H:%M:%S}{fraction}{offset[:3]}:{offset[3:5]}"


def events(database: Database, store: Store, since: int, until: int) -> Iterator[Row]:
    """Give the events, in order of time."""
    # In SQLite the numbers of all stores grow in one row, and the last one is at hand; elsewhere that of a store is.
    of_all = database.kind == "sqlite"
    newest = "SELECT coalesce(max(n), 0) FROM events"
    last = database.rows(newest if of_all else f"{newest} WHERE store = ?", *(() if of_all else (store.id,)))[0][0]
    place = (since, -2, 0)  # before the first one with this time, in the order of the index
    while True:
        rows = database.rows(
            "SELECT time, direction, n, id, camera, line, track, received FROM events"
            " WHERE store = ? AND (time, direction, n) > (?, ?, ?) AND time >= ? AND time < ? AND n <= ?"
            " ORDER BY time, direction, n LIMIT ?",
            store.id, *place, since, until, last, _PIECE,
        )  # fmt: skip
        for time, direction, _, name, camera, line, track, received in rows:
            yield {
                "time": local_time(time, store.timezone),
                "camera": camera,
                "line": line,
                "direction": "in" if direction == IN else "out",
                "id": name,
                "track": track,
                "received": local_time(received, store.timezone),
            }
        if len(rows) < _PIECE:
            return
        place = rows[-1][:3]


def coverage(database: Database, store: Store, since: int, until: int) -> Iterator[Row]:
    """Give the times at which each camera looked; the first and the last are cut at the ends of the time asked for."""
    for camera, spans in database.coverage.since(store.id, since).items():
        for start, end in sorted(spans):
            first, last = max(start, since), min(end, until)
            if first < last:
                yield {
                    "camera": camera,
                    "start": local_time(first, store.timezone),
                    "end": local_time(last, store.timezone),
                    "seconds": round((last - first) / SECOND, 3),
                }


def quarters(database: Database, store: Store, since: int, until: int) -> Iterator[Row]:
    """Give the counts of each quarter of an hour, camera and line at which somebody was counted, in order of time.

    A quarter that is not listed had no crossing, or nobody looked: `coverage` knows which.
    """
    calendar = Calendar(store.timezone, store.cutoff_hour)
    ends = database.rows("SELECT min(quarter), max(quarter) FROM quarters WHERE store = ?", store.id)[0]
    if ends[0] is None:
        return
    begin, end = max(since, ends[0]), min(until, ends[1] + QUARTER)
    while begin < end:
        stop = min(begin - begin % _DAY + _DAY, end)
        rows = database.rows(
            "SELECT quarter, camera, line, entered, left_ FROM quarters"
            " WHERE store = ? AND quarter >= ? AND quarter < ? ORDER BY quarter, camera, line",
            store.id, begin, stop,
        )  # fmt: skip
        for quarter, camera, line, entered, left in rows:
            yield {
                "quarter": local_time(quarter, store.timezone),
                "business_day": calendar.day_of(quarter).isoformat(),
                "camera": camera,
                "line": line,
                "entered": entered,
                "left": left,
            }
        begin = stop


def hours(database: Database, store: Store, since: int, until: int) -> Iterator[Row]:
    """Give the figures of each clock hour, from the store's first event on and up to now.

    An hour without a count in which a camera did not look has no figure: it is not zero.
    """
    for row in hours_between(database, store, since, until):
        yield {
            "hour": local_time(row.hour.start, store.timezone),
            "business_day": row.day.isoformat(),
            "entered": row.entered,
            "left": row.left,
            "missing": round(row.missing, 3),
        }


def days(database: Database, store: Store, since: int, until: int) -> Iterator[Row]:
    """Give the figures of each business day that begins in the time asked for, as on the pages; the last is today."""
    calendar = Calendar(store.timezone, store.cutoff_hour)
    for day in days_between(database, store, since, END_OF_TIME):
        start = calendar.start(day.day)
        if start >= until:
            return
        if start >= since:
            yield {
                "business_day": day.day.isoformat(),
                "entered": day.entered,
                "left": day.left,
                "visits": day.visits,
                "mean_dwell": None if day.mean_dwell is None else round(day.mean_dwell, 1),
                "peak_hour": local_time(day.peak.hour.start, store.timezone) if day.peak else None,
                "peak_entered": day.peak.entered if day.peak else None,
                "missing_hours": round(day.missing, 3),
            }


def heat(database: Database, store: Store, since: int, until: int) -> Iterator[Row]:
    """Give the mean INs of each weekday and clock hour, over the business days that begin in the time asked for.

    Without a beginning (0), over the last weeks of it, as the page shows them. An hour without a complete day to take
    the mean of has no figure.
    """
    found = heat_between(database, store, since or None, until)
    for weekday, cells in zip(WEEKDAYS, found.cells, strict=True):
        for hour, mean in zip(found.hours, cells, strict=True):
            yield {"weekday": weekday, "hour": hour, "visitors": mean}


KINDS: dict[str, tuple[Rows, tuple[str, ...]]] = {
    "events": (events, ("time", "camera", "line", "direction", "id", "track", "received")),
    "coverage": (coverage, ("camera", "start", "end", "seconds")),
    "quarters": (quarters, ("quarter", "business_day", "camera", "line", "entered", "left")),
    "hours": (hours, ("hour", "business_day", "entered", "left", "missing")),
    "days": (
        days,
        (
            "business_day",
            "entered",
            "left",
            "visits",
            "mean_dwell",
            "peak_hour",
            "peak_entered",
            "missing_hours",
        ),
    ),
    "heatmap": (heat, ("weekday", "hour", "visitors")),
}
"""What can be exported: what gives its rows, and its columns."""


def of_stores(database: Database, what: str, wanted: Sequence[tuple[Store, int, int]]) -> Iterator[Row]:
    """Give the rows of several stores, one store after the other, each row with its `store`.

    what: one of `KINDS`. wanted: the stores, each with the time from which on and the one up to which, ns UTC.
    """
    give, _ = KINDS[what]
    for store, since, until in wanted:
        for row in give(database, store, since, until):
            yield {"store": store.id, **row}
