"""The rows of an export: a store's events, its coverage, and its figures per quarter of an hour, hour and business day.

All of it is in the store's own local time, and read piece by piece, so that neither the memory nor a running server
feels how much there is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from metrica.dashboard.kpis.business_day import Calendar
from metrica.dashboard.kpis.coverage import Coverage
from metrica.dashboard.kpis.events import END_OF_TIME, HOUR, IN, MINUTE, OUT, SECOND, Events
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
_QUARTER = 15 * MINUTE
_DAY = 24 * HOUR
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


def quarters(database: Database, store: Store, since: int, until: int) -> Iterator[Row]:
    """Give the counts of each quarter of an hour, camera and line at which somebody was counted, in order of time.

    A quarter that is not listed had no crossing, or nobody looked: `coverage` knows which.
    """
    times = database.events.first_and_last(store.id)
    if times is None:
        return
    calendar = Calendar(store.timezone, store.cutoff_hour)
    begin, end = max(since, times[0]), min(until, times[1] + 1)
    while begin < end:
        stop = min(begin - begin % _DAY + _DAY, end)
        rows = database.rows(
            f"SELECT time / {_QUARTER}, camera, line, sum(CASE WHEN direction = {IN} THEN 1 ELSE 0 END), count(*)"
            " FROM events WHERE store = ? AND time >= ? AND time < ? GROUP BY 1, 2, 3 ORDER BY 1, 2, 3",
            store.id, begin, stop,
        )  # fmt: skip
        for quarter, camera, line, entered, crossed in rows:
            moment = int(quarter) * _QUARTER
            yield {
                "quarter": local_time(moment, store.timezone),
                "business_day": calendar.day_of(moment).isoformat(),
                "camera": camera,
                "line": line,
                "entered": int(entered),
                "left": int(crossed) - int(entered),
            }
        begin = stop


def hours(database: Database, store: Store, since: int, until: int) -> Iterator[Row]:
    """Give the figures of each clock hour, from the store's first event on and up to now.

    An hour without a count in which a camera did not look has no figure: it is not zero.
    """
    for seen in _days(database, store, since, until):
        for hour in seen.calendar.hours(seen.day):
            if hour.end > seen.begin and hour.start < seen.end:
                figures, missing = _figures(seen, hour.start, hour.end)
                share = missing / (min(hour.end, seen.end) - hour.start)
                begins = local_time(hour.start, store.timezone)
                yield {"hour": begins, "business_day": seen.day.isoformat(), **figures, "missing": round(share, 3)}


def days(database: Database, store: Store, since: int, until: int) -> Iterator[Row]:
    """Give the figures of each business day that begins in the time asked for, likewise; the last is today so far."""
    for seen in _days(database, store, since, END_OF_TIME):
        start, stop = seen.calendar.bounds(seen.day)
        if start >= until:
            return
        if start >= since:
            figures, missing = _figures(seen, start, stop)
            yield {"business_day": seen.day.isoformat(), **figures, "missing_hours": round(missing / HOUR, 3)}


@dataclass(frozen=True, slots=True)
class _Seen:
    """What is known of a business day."""

    day: date
    calendar: Calendar
    events: Events
    gaps: list[Gap]
    begin: int
    """No figure before this time is asked for, or known; ns UTC."""
    end: int
    """None after it."""


def _days(database: Database, store: Store, since: int, until: int) -> Iterator[_Seen]:
    """Give the business days from the first event on and up to now, that have a part in the time asked for."""
    times = database.events.first_and_last(store.id)
    if times is None:
        return
    calendar, now, first = Calendar(store.timezone, store.cutoff_hour), database.clock(), times[0]
    begin, end = max(since, first), min(until, now + 1)
    looked = database.coverage.since(store.id, 0)
    known = _gaps(looked, first, now) if looked else None
    day = calendar.day_of(begin)
    while calendar.start(day) < end:
        block = [day + timedelta(days=n) for n in range(_BLOCK)]
        day = block[-1] + timedelta(days=1)
        stop = min(calendar.start(day), end)
        read = database.events.between(store.id, calendar.start(block[0]) - _WEEKS_BEFORE, stop)
        for one in block:
            if calendar.start(one) < end:
                gaps = _silences(read, calendar, one, now, first) if known is None else known
                yield _Seen(one, calendar, read, gaps, begin, end)


def _figures(seen: _Seen, start: int, stop: int) -> tuple[Row, int]:
    """Return the counts between two times of a day, and for how long a camera did not look, ns."""
    stop = min(stop, seen.end)
    within = seen.events.between(start, stop)
    missing = time_in_gaps([gap for gap in seen.gaps if gap.start < stop and gap.end > start], start, stop)
    unseen = missing > 0 and not len(within)
    counts: Row = {
        "entered": None if unseen else within.count(IN),
        "left": None if unseen else within.count(OUT),
    }
    return counts, missing


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
    "quarters": (quarters, ("quarter", "business_day", "camera", "line", "entered", "left")),
    "hours": (hours, ("hour", "business_day", "entered", "left", "missing")),
    "days": (days, ("business_day", "entered", "left", "missing_hours")),
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
