"""Footfall: visitors per hour, per day and by weekday, as pure functions of events, a calendar and the present time.

Common to all functions: `events` and `counts` are those of the whole store, every camera and line together. There may
be more of them than needed: only those up to and including `now` (ns UTC) count. `first` is the time from which on the
store is known (ns UTC): that of its first event or of the first look of a camera, whichever was earlier; None before
both. An hour or a day that ended by then, and in which nobody was counted, is no data. A visitor is somebody who came
in; people are anonymous, so a person who comes in twice counts twice. docs/kpis.md explains each figure to the owner.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from metrica.dashboard.kpis.business_day import Calendar, clock_hours
from metrica.dashboard.kpis.counts import Counts
from metrica.dashboard.kpis.events import END_OF_TIME, HOUR, IN, MINUTE, OUT, Events
from metrica.dashboard.kpis.gaps import Gap, overlaps_gap, time_in_gaps


@dataclass(frozen=True, slots=True)
class Traffic:
    """How many people came in and went out, as counted."""

    entered: int
    """INs."""
    left: int
    """OUTs."""


@dataclass(frozen=True, slots=True)
class HourRow:
    """The visitors in one clock hour, today and on the same weekday last week."""

    hour: int
    """Local hour at which it begins, 0 to 23."""
    today: int | None
    """Visitors today; None if the hour has not begun, or if nobody was counted and no camera looked, or none yet."""
    last_week: int | None
    """Visitors a week ago; None without data."""
    missing: float = 0.0
    """Share of today's hour in which a camera did not look, 0 to 1. Above 0, `today` is too low or None."""


@dataclass(frozen=True, slots=True)
class DayRow:
    """The visitors of one business day."""

    day: date
    visitors: int | None
    """None if nobody was counted before the store was known, or while no camera looked."""
    missing: float = 0.0
    """For how many hours a camera did not look at a time at which people usually come."""


@dataclass(frozen=True, slots=True)
class Peak:
    """The clock hour with the most visitors."""

    hour: int
    """Local hour at which it begins, 0 to 23."""
    visitors: float


@dataclass(frozen=True, slots=True)
class HeatMap:
    """Mean visitors by weekday and clock hour."""

    hours: tuple[int, ...]
    """The 24 clock hours in the order of the business day."""
    cells: tuple[tuple[float | None, ...], ...]
    """cells[weekday][i] belongs to hours[i]; weekday 0 is Monday. None without a complete day to take the mean of."""


class HeatMeans:
    """Takes the means of a heat map over complete business days, in any order. Hours with a gap are left out."""

    def __init__(self, calendar: Calendar, first: int | None) -> None:
        """first: from when on the store is known, ns UTC; None if never."""
        self._calendar, self._first = calendar, first
        self._sums = [[0] * 24 for _ in range(7)]
        self._days = [[0] * 24 for _ in range(7)]

    def add(self, day: date, counts: Counts, gaps: Sequence[Gap]) -> None:
        """Add a business day that is over. counts, gaps: those of the day, and others."""
        if self._first is None:
            return
        missing = _missing_by_hour(gaps, self._calendar, day, END_OF_TIME)
        for hour, count in _by_hour(counts, self._calendar, day, since=self._first).items():
            if hour not in missing:
                self._sums[day.weekday()][hour] += count
                self._days[day.weekday()][hour] += 1

    def heat_map(self) -> HeatMap:
        """Return the means of the days so far."""
        hours = clock_hours(self._calendar)
        cells = tuple(
            tuple(total[hour] / days[hour] if days[hour] else None for hour in hours)
            for total, days in zip(self._sums, self._days, strict=True)
        )
        return HeatMap(tuple(hours), cells)


def traffic_today(events: Events, calendar: Calendar, now: int) -> Traffic:
    """Count INs and OUTs since the business day began."""
    today = _today(events, calendar, now)
    return Traffic(today.count(IN), today.count(OUT))


def visitors_by_now_last_week(
    counts: Counts, calendar: Calendar, now: int, first: int | None, gaps: Sequence[Gap] = ()
) -> int | None:
    """Count the visitors of the same weekday last week up to the same clock time; None if data are missing there."""
    then = calendar.week_before(now)
    begin = calendar.start(calendar.day_of(now) - timedelta(days=7))
    if first is None or first > begin or overlaps_gap(gaps, begin, then):
        return None
    return int(counts.entered(np.array((begin, then + 1)))[0])


def inflow_rate(events: Events, now: int, window: int = 15 * MINUTE) -> float:
    """Return visitors per hour, at the rate of the last `window` (ns)."""
    return events.between(now - window + 1, now + 1).count(IN) * HOUR / window


def hourly(counts: Counts, calendar: Calendar, now: int, first: int | None, gaps: Sequence[Gap] = ()) -> list[HourRow]:
    """Count visitors per clock hour, today and on the same weekday last week: 24 rows in the order of the business day.

    When the clocks go back, an hour comes twice and its row has the visitors of both. When they go forward, the hour
    that is skipped has None.
    """
    day, day_last_week = calendar.day_of(now), calendar.day_of(now) - timedelta(days=7)
    counts = counts.before(now + 1)
    today = _known_by_hour(counts, calendar, day, first, before=now + 1)
    last_week = _known_by_hour(counts, calendar, day_last_week, first)
    missing, missing_then = (_missing_by_hour(gaps, calendar, d, now) for d in (day, day_last_week))
    return [
        HourRow(
            hour,
            _none_if_unseen(today.get(hour), missing.get(hour, 0.0)),
            _none_if_unseen(last_week.get(hour), missing_then.get(hour, 0.0)),
            missing.get(hour, 0.0),
        )
        for hour in clock_hours(calendar)
    ]


def daily(
    counts: Counts, calendar: Calendar, now: int, first: int | None, days: int = 28, gaps: Sequence[Gap] = ()
) -> list[DayRow]:
    """Count visitors on each of the last `days` business days, the oldest first; the last is today so far."""
    today = calendar.day_of(now)
    listed = [today - timedelta(days=n) for n in range(days - 1, -1, -1)]
    edges = np.array([calendar.start(day) for day in listed] + [now + 1], np.int64)
    entered = counts.entered(edges)
    missing = [time_in_gaps(gaps, start, end) / HOUR for start, end in itertools.pairwise(edges.tolist())]
    return [
        DayRow(day, int(count) if count or (first is not None and end > first and not hours) else None, hours)
        for day, end, count, hours in zip(listed, edges[1:], entered, missing, strict=True)
    ]


def peak_hour(events: Events, calendar: Calendar, now: int) -> Peak | None:
    """Return today's clock hour with the most visitors so far, of equal ones the first; None without visitors."""
    today = _by_hour(events.before(now + 1), calendar, calendar.day_of(now))
    return _busiest([(hour, today.get(hour)) for hour in clock_hours(calendar)])


def usual_peak(heat: HeatMap, weekday: int) -> Peak | None:
    """Return the clock hour with the most visitors on average on a weekday (0 is Monday); None without data."""
    return _busiest(list(zip(heat.hours, heat.cells[weekday], strict=True)))


def heat_map(
    counts: Counts, calendar: Calendar, now: int, first: int | None, weeks: int = 8, gaps: Sequence[Gap] = ()
) -> HeatMap:
    """Return mean visitors by weekday and clock hour over the complete business days of the last `weeks` weeks.

    Hours with a gap are left out of the mean.
    """
    today, means = calendar.day_of(now), HeatMeans(calendar, first)
    for back in range(1, 7 * weeks + 1):
        means.add(today - timedelta(days=back), counts, gaps)
    return means.heat_map()


def _today(events: Events, calendar: Calendar, now: int) -> Events:
    return events.between(calendar.start(calendar.day_of(now)), now + 1)


def _known_by_hour(
    counts: Counts, calendar: Calendar, day: date, first: int | None, *, before: int = END_OF_TIME
) -> dict[int, int]:
    """Count visitors per clock hour, without the hours of which nobody knows whether somebody came."""
    known = _by_hour(counts, calendar, day, since=END_OF_TIME if first is None else first, before=before)
    found = _by_hour(counts, calendar, day, before=before)
    return {hour: count for hour, count in found.items() if count or hour in known}


def _by_hour(
    counts: Counts, calendar: Calendar, day: date, *, since: int = 0, before: int = END_OF_TIME
) -> dict[int, int]:
    """Count visitors per clock hour of a business day, for hours that end after `since` and begin before `before`."""
    hours = calendar.hours(day)
    edges = np.array([hour.start for hour in hours] + [hours[-1].end], np.int64)
    found: dict[int, int] = {}
    for hour, count in zip(hours, counts.entered(edges), strict=True):
        if since < hour.end and hour.start < before:
            found[hour.hour] = found.get(hour.hour, 0) + int(count)
    return found


def _missing_by_hour(gaps: Sequence[Gap], calendar: Calendar, day: date, now: int) -> dict[int, float]:
    """Return the clock hours of a business day with a gap, each with the share of its time up to `now` in gaps."""
    start, end = calendar.bounds(day)
    near = [gap for gap in gaps if gap.start < end and gap.end > start]
    found: dict[int, float] = {}
    for hour in calendar.hours(day) if near else ():
        until = min(hour.end, now)
        in_gaps = time_in_gaps(near, hour.start, until)
        if in_gaps > 0:
            found[hour.hour] = max(found.get(hour.hour, 0.0), in_gaps / (until - hour.start))
    return found


def _none_if_unseen(count: int | None, missing: float) -> int | None:
    """Turn a zero into None where a camera did not look: nobody knows whether somebody came."""
    return None if not count and missing > 0 else count


def _busiest(hours: Sequence[tuple[int, float | None]]) -> Peak | None:
    best: Peak | None = None
    for hour, visitors in hours:
        if visitors and (best is None or visitors > best.visitors):
            best = Peak(hour, visitors)
    return best
