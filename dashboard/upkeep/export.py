"""The rows of an export: a store's events, its coverage, and its figures per hour, in its own local time.

Everything is read piece by piece, so that neither the memory nor a running server feels how much there is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from metrica.dashboard.kpis.events import IN, SECOND
from metrica.dashboard.kpis.store import Store
from metrica.dashboard.reports.hours import hours_between
from metrica.dashboard.store.database import Database

Cell = str | int | float | None
"""One value of a row; None is "no data"."""
Row = dict[str, Cell]
"""One row, by the names of its columns."""
Rows = Callable[[Database, Store, int, int], Iterator[Row]]
"""Gives the rows of a store from a time up to another one, ns UTC."""

_PIECE = 5000  # rows that are read at a time


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
    last = database.rows("SELECT coalesce(max(n), 0) FROM events WHERE store = ?", store.id)[0][0]
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


KINDS: dict[str, tuple[Rows, tuple[str, ...]]] = {
    "events": (events, ("time", "camera", "line", "direction", "id", "track", "received")),
    "coverage": (coverage, ("camera", "start", "end", "seconds")),
    "hours": (hours, ("hour", "business_day", "entered", "left", "missing")),
}
"""What can be exported: what gives its rows, and its columns."""
