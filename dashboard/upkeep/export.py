"""The rows of an export: a store's events, its coverage, and its figures per hour, in its own local time.

Everything is read piece by piece, so that neither the memory nor a running server feels how much there is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from metrica.dashboard.kpis.business_day import Calendar
from metrica.dashboard.kpis.coverage import Coverage
from metrica.dashboard.kpis.events import HOUR, IN, OUT, SECOND, Events
from metrica.dashboard.kpis.gaps import Gap, gaps_in_coverage, gaps_in_silence, time_in_gaps
from metrica.dashboard.kpis.store import Store
from metrica.dashboard.store.database import Database

Cell = str | int | float | None
"""One value of a row; None is "no data"."""
Row = dict[str, Cell]
"""One row, by the names of its columns."""
Rows = Callable[[Database, Store, int, int], Iterator[Row]]
"""Gives the rows of a store from a time up to another one, ns UTC."""

_PIECE = 5000  # rows that are read at a time
_BLOCK = 28  # business days whose hours are computed at a time
_WEEKS_BEFORE = 5 * 7 * 24 * HOUR  # what the silences of a day are compared with


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
    last = database.rows("SELECT coalesce(max(n), 0) FROM events")[0][0]
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
    times = database.events.first_and_last(store.id)
    if times is None:
        return
    calendar, now, first = Calendar(store.timezone, store.cutoff_hour), database.clock(), times[0]
    begin, end = max(since, first), min(until, now + 1)
    looked = database.coverage.since(store.id, 0)
    known = _gaps(looked, first, now) if looked else None
    day = calendar.day_of(begin)
    while calendar.start(day) < end:
        days = [day + timedelta(days=n) for n in range(_BLOCK)]
        day = days[-1] + timedelta(days=1)
        read = database.events.between(store.id, calendar.start(days[0]) - _WEEKS_BEFORE, min(calendar.start(day), end))
        for one in days:
            gaps = _silences(read, calendar, one, now, first) if known is None else known
            yield from _hours_of(one, read, calendar, gaps, begin, end)


def _hours_of(day: date, read: Events, calendar: Calendar, gaps: list[Gap], begin: int, end: int) -> Iterator[Row]:
    start, stop = calendar.bounds(day)
    near = [gap for gap in gaps if gap.start < stop and gap.end > start]
    for hour in calendar.hours(day):
        if hour.end <= begin or hour.start >= end:
            continue
        within = read.between(hour.start, min(hour.end, end))
        over = min(hour.end, end)
        missing = time_in_gaps(near, hour.start, over) / (over - hour.start)
        unseen = missing > 0 and not len(within)
        yield {
            "hour": local_time(hour.start, calendar.timezone),
            "business_day": day.isoformat(),
            "entered": None if unseen else within.count(IN),
            "left": None if unseen else within.count(OUT),
            "missing": round(missing, 3),
        }


def _gaps(looked: Coverage, first: int, now: int) -> list[Gap]:
    """Return the gaps of a store with coverage; also the time before it, of which nobody said that a camera looked."""
    begin = min(start for spans in looked.values() for start, _ in spans)
    before = [Gap(first, begin)] if first < begin else []
    return before + gaps_in_coverage(looked, now)


def _silences(read: Events, calendar: Calendar, day: date, now: int, first: int) -> list[Gap]:
    start, end = calendar.bounds(day)
    begin, stop = max(start, first), min(end, now)
    return gaps_in_silence(read, calendar, begin, stop, first) if begin < stop else []


KINDS: dict[str, tuple[Rows, tuple[str, ...]]] = {
    "events": (events, ("time", "camera", "line", "direction", "id", "track", "received")),
    "coverage": (coverage, ("camera", "start", "end", "seconds")),
    "hours": (hours, ("hour", "business_day", "entered", "left", "missing")),
}
"""What can be exported: what gives its rows, and its columns."""
