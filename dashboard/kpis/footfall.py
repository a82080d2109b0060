"""The figures that an owner looks at, as pure functions of events, a calendar and the present time.

All of them take `events` (those of the whole store, every camera and line together), may be given more than
they need, and look only at what happened up to and including `now` (ns UTC). A visitor is somebody who came in:
people are anonymous, so whoever comes in twice counts twice. docs/kpis.md explains each to the owner.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt

from metrica.dashboard.kpis.business_day import Calendar, labels
from metrica.dashboard.kpis.events import HOUR, IN, MINUTE, OUT, Events
from metrica.dashboard.kpis.gaps import Gap, is_touched, missing


@dataclass(frozen=True, slots=True)
class Flow:
    """How many came in and went out."""

    entered: int
    left: int


@dataclass(frozen=True, slots=True)
class HourRow:
    """One clock hour of today and of the same weekday last week. None: not yet, or no data from then."""

    hour: int
    today: int | None
    reference: int | None
    missing: float = 0.0
    """For how much of today's hour a camera did not look, 0 to 1: the figure is then too low, or None."""


@dataclass(frozen=True, slots=True)
class DayRow:
    """The visitors of one business day; None before the first event ever, and without any data."""

    day: date
    visitors: int | None
    missing: float = 0.0
    """For how many hours a camera did not look although the shop is usually busy then."""


@dataclass(frozen=True, slots=True)
class Peak:
    """The clock hour with the most visitors."""

    hour: int
    visitors: float


@dataclass(frozen=True, slots=True)
class HeatMap:
    """Mean visitors by weekday and clock hour.

    cells[weekday][i], Monday first, belongs to hours[i]; None where there is no complete day to take a mean of.
    """

    hours: tuple[int, ...]
    cells: tuple[tuple[float | None, ...], ...]


def flow(events: Events, calendar: Calendar, now: int) -> Flow:
    """In and out since the business day began."""
    today = _today(events, calendar, now)
    return Flow(today.count(IN), today.count(OUT))


def visitors_by_now_last_week(
    events: Events, calendar: Calendar, now: int, first: int | None, gaps: Sequence[Gap] = ()
) -> int | None:
    """Visitors of the same weekday last week up to the same time of the clock; None without all data from then.

    first: the time of the store's first event ever, ns UTC.
    """
    then = calendar.week_before(now)
    begin = calendar.start(calendar.day_of(now) - timedelta(days=7))
    if first is None or first > then or is_touched(gaps, begin, then):
        return None
    return events.between(begin, then + 1).count(IN)


def inflow_rate(events: Events, now: int, window: int = 15 * MINUTE) -> float:
    """Visitors per hour, at the pace of the last `window` (ns)."""
    return events.between(now - window + 1, now + 1).count(IN) * HOUR / window


def hourly(events: Events, calendar: Calendar, now: int, first: int | None, gaps: Sequence[Gap] = ()) -> list[HourRow]:
    """Visitors per clock hour, today and on the same weekday last week, in the order of the business day.

    24 rows always. An hour that came twice is one row with both; one that was skipped is None, and so is one in
    which no camera looked and nobody was counted.
    """
    day, last_week = calendar.day_of(now), calendar.day_of(now) - timedelta(days=7)
    seen = events.between(0, now + 1)
    today = _by_hour(seen, calendar, day, before=now + 1)
    reference = _by_hour(seen, calendar, last_week, since=now if first is None else first)
    unseen, unseen_then = (_missing_by_hour(gaps, calendar, d, now) for d in (day, last_week))
    return [
        HourRow(
            hour,
            _or_none(today.get(hour), unseen.get(hour, 0.0)),
            _or_none(reference.get(hour), unseen_then.get(hour, 0.0)),
            unseen.get(hour, 0.0),
        )
        for hour in labels(calendar)
    ]


def daily(
    events: Events, calendar: Calendar, now: int, first: int | None, days: int = 28, gaps: Sequence[Gap] = ()
) -> list[DayRow]:
    """Visitors of each of the last `days` business days, the oldest first; the last is today so far."""
    today = calendar.day_of(now)
    listed = [today - timedelta(days=n) for n in range(days - 1, -1, -1)]
    edges = np.array([calendar.start(day) for day in listed] + [now + 1], np.int64)
    counts = _counts(events, edges)
    unseen = [missing(gaps, start, end) / HOUR for start, end in itertools.pairwise(edges.tolist())]
    return [
        DayRow(day, _or_none(int(count), hours) if first is not None and end > first else None, hours)
        for day, end, count, hours in zip(listed, edges[1:], counts, unseen, strict=True)
    ]


def peak_hour(events: Events, calendar: Calendar, now: int) -> Peak | None:
    """Today's busiest clock hour so far (of several the earliest); None without visitors."""
    return _busiest([(row.hour, row.today) for row in hourly(events, calendar, now, None)])


def usual_peak(heat: HeatMap, weekday: int) -> Peak | None:
    """The clock hour that is busiest on average on a weekday (0 is Monday); None without data."""
    return _busiest(list(zip(heat.hours, heat.cells[weekday], strict=True)))


def heat_map(
    events: Events, calendar: Calendar, now: int, first: int | None, weeks: int = 8, gaps: Sequence[Gap] = ()
) -> HeatMap:
    """Mean visitors by weekday and clock hour over the complete business days of the last `weeks` weeks.

    Hours in which a camera did not look are left out.
    """
    hours = labels(calendar)
    sums = [[0] * 24 for _ in range(7)]
    days = [[0] * 24 for _ in range(7)]
    today = calendar.day_of(now)
    for back in range(1, 7 * weeks + 1):
        if first is None:
            break
        day = today - timedelta(days=back)
        unseen = _missing_by_hour(gaps, calendar, day, now)
        for hour, count in _by_hour(events, calendar, day, since=first).items():
            if hour in unseen:
                continue
            sums[day.weekday()][hour] += count
            days[day.weekday()][hour] += 1
    cells = tuple(
        tuple(sums[weekday][hour] / days[weekday][hour] if days[weekday][hour] else None for hour in hours)
        for weekday in range(7)
    )
    return HeatMap(tuple(hours), cells)


def _today(events: Events, calendar: Calendar, now: int) -> Events:
    return events.between(calendar.start(calendar.day_of(now)), now + 1)


def _by_hour(
    events: Events, calendar: Calendar, day: date, *, since: int = 0, before: int | None = None
) -> dict[int, int]:
    """Visitors per clock hour of one business day: only hours that end after `since` and begin before `before`."""
    hours = calendar.hours(day)
    edges = np.array([hour.start for hour in hours] + [hours[-1].end], np.int64)
    found: dict[int, int] = {}
    for hour, count in zip(hours, _counts(events, edges), strict=True):
        if hour.end > since and (before is None or hour.start < before):
            found[hour.hour] = found.get(hour.hour, 0) + int(count)
    return found


def _missing_by_hour(gaps: Sequence[Gap], calendar: Calendar, day: date, now: int) -> dict[int, float]:
    """For which clock hours a camera did not look, and for what share of what has passed of them."""
    start, end = calendar.bounds(day)
    near = [gap for gap in gaps if gap.start < end and gap.end > start]
    found: dict[int, float] = {}
    for hour in calendar.hours(day) if near else ():
        until = min(hour.end, now)
        unseen = missing(near, hour.start, until)
        if unseen > 0:
            found[hour.hour] = max(found.get(hour.hour, 0.0), unseen / (until - hour.start))
    return found


def _or_none(count: int | None, unseen: float) -> int | None:
    """A zero that nobody looked for is no zero."""
    return None if not count and unseen > 0 else count


def _counts(events: Events, edges: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """INs between each two neighbours of `edges` (ns UTC, ascending), int64 [len(edges) - 1]."""
    few = events.between(int(edges[0]), int(edges[-1]))
    return np.diff(np.searchsorted(few.times[few.signs == IN], edges))


def _busiest(hours: Sequence[tuple[int, float | None]]) -> Peak | None:
    best: Peak | None = None
    for hour, visitors in hours:
        if visitors and (best is None or visitors > best.visitors):
            best = Peak(hour, visitors)
    return best
