"""The figures of each clock hour and business day of any period, one after the other.

Neither memory nor a server feels how many.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from metrica.dashboard.kpis.business_day import Hour
from metrica.dashboard.kpis.counts import Quarters
from metrica.dashboard.kpis.days import Day
from metrica.dashboard.kpis.events import END_OF_TIME, HOUR, QUARTER
from metrica.dashboard.kpis.gaps import Gap, time_in_gaps
from metrica.dashboard.kpis.store import Store
from metrica.dashboard.reports.views import View, Views
from metrica.dashboard.store.database import Database
from metrica.dashboard.store.days import Wanted
from metrica.dashboard.store.quarters import summed
from metrica.dashboard.store.teaching import read_quarters

_BLOCK = 28  # business days that are read at a time


@dataclass(frozen=True, slots=True)
class HourFigures:
    """What was counted in one clock hour."""

    hour: Hour
    day: date
    """The business day that it belongs to."""
    entered: int | None
    """INs; None if nobody was counted while a camera did not look: that is not zero."""
    left: int | None
    """OUTs, likewise."""
    missing: float
    """The share of the hour in which a camera did not look, 0 to 1, also at times at which nobody usually comes."""


@dataclass(frozen=True, slots=True)
class DayFigures:
    """What was counted on one business day; of the first and the last, in the hours that were asked for."""

    day: date
    hours: list[HourFigures]
    """In order."""
    missing: float
    """For how many hours a camera did not look at a time at which people usually come, as on the pages: a camera that
    is off at night, when nobody comes, makes no figure too low."""
    mean_dwell: float | None
    """Mean dwell, seconds; None before the day is over, for one with a gap and for one with few crossings."""

    @property
    def seen(self) -> bool:
        """Whether it has figures: if nobody was counted while a camera did not look, that is not zero."""
        return self.missing <= 0 or any(hour.entered or hour.left for hour in self.hours)

    @property
    def entered(self) -> int | None:
        """INs; None if there were none and a camera did not look."""
        count = sum(hour.entered or 0 for hour in self.hours)
        return count if count or self.missing <= 0 else None

    @property
    def left(self) -> int | None:
        """OUTs; None if it was not seen."""
        return sum(hour.left or 0 for hour in self.hours) if self.seen else None

    @property
    def visits(self) -> float | None:
        """Mean of INs and OUTs; None if it was not seen."""
        return None if self.entered is None or self.left is None else (self.entered + self.left) / 2

    @property
    def peak(self) -> HourFigures | None:
        """The clock hour with the most INs, of equal ones the first; None without any."""
        best = max(self.hours, key=lambda hour: hour.entered or 0, default=None)
        return best if best is not None and best.entered else None


def hours_between(database: Database, store: Store, since: int, until: int) -> Iterator[HourFigures]:
    """Give the figures of the clock hours that touch `since` to `until` (ns UTC), from the store's history on.

    Of the time before its history only hours are given in which somebody was counted. The last hour is the present one.
    """
    for day in days_between(database, store, since, until):
        yield from day.hours


def days_between(database: Database, store: Store, since: int, until: int) -> Iterator[DayFigures]:
    """Give the figures of the business days with such hours, with these hours. The last day is today so far."""
    now = database.clock()
    view = Views(database).at(store, now)
    oldest, before_looks = _oldest(database, store.id)
    if oldest is None:
        return
    calendar, history = view.calendar, view.known.history
    first = history.first if history is not None else now + 1
    begin, end = max(since, oldest), min(until, now + 1)
    unlooked = [Gap(oldest, before_looks)] if before_looks is not None and oldest < before_looks else []
    day = calendar.day_of(begin)
    while day <= view.day and calendar.start(day) < end:
        if calendar.bounds(day)[1] <= first:  # before the history there is little, perhaps years apart
            day = max(day, calendar.day_of(min(_next(database, store.id, calendar.start(day)), first, now)))
        last = min(day + timedelta(days=_BLOCK - 1), view.day)
        counts = _counts(database, view, day, last)
        known = _taught(database, view, day, last)
        for one in (day + timedelta(days=n) for n in range((last - day).days + 1)):
            if calendar.bounds(one)[1] <= first and not counts.crossings(*calendar.bounds(one)):
                continue
            pauses = view.pauses_today if one == view.day else known[one].pauses if one in known else ()
            gaps = [*unlooked, *(gap for gap, _ in pauses)]
            figures = [
                _figures(one, hour, counts, gaps, now)
                for hour in calendar.hours(one)
                if hour.end > begin and hour.start < end
            ]
            listed = [each for each in figures if each.hour.end > first or each.entered or each.left]
            if listed:
                yield _day(one, listed, known.get(one), view)
        day = last + timedelta(days=1)


def _day(day: date, hours: list[HourFigures], taught: Day | None, view: View) -> DayFigures:
    if day == view.day:
        missing = time_in_gaps(view.gaps_today, view.begin, view.now + 1)
    else:
        missing = taught.missing if taught is not None else 0
    past = taught.past_day if taught is not None else None
    return DayFigures(day, hours, missing / HOUR, past.mean_dwell if past is not None else None)


def _figures(day: date, hour: Hour, counts: Quarters, gaps: list[Gap], now: int) -> HourFigures:
    edges = np.array((hour.start, hour.end), np.int64)
    entered, left = int(counts.entered(edges)[0]), int(counts.left(edges)[0])
    over = min(hour.end, now + 1)
    missing = min(1.0, time_in_gaps(gaps, hour.start, over) / (over - hour.start))
    unseen = missing > 0 and not entered and not left
    return HourFigures(hour, day, None if unseen else entered, None if unseen else left, missing)


def _counts(database: Database, view: View, first: date, last: date) -> Quarters:
    """Return the sums of some days; those of today up to now."""
    begin, end = view.calendar.start(first), view.calendar.bounds(last)[1]
    with database.snapshot() as db:
        past = read_quarters(db, view.store.id, begin, min(end, view.begin))
    if last < view.day:
        return past
    today = view.events.between(view.begin, view.now + 1)
    sums = summed(("", "", sign, time) for time, sign in zip(today.times.tolist(), today.signs.tolist(), strict=True))
    rows = [
        *zip(past.starts.tolist(), np.diff(past.ins).tolist(), np.diff(past.outs).tolist(), strict=True),
        *((quarter, entered, left) for (quarter, _, _), (entered, left) in sorted(sums.items())),
    ]
    return Quarters.from_rows(rows)


def _taught(database: Database, view: View, first: date, last: date) -> dict[date, Day]:
    """Return what some days taught, those of which something is known and that are over."""
    known = None if view.since is None else view.calendar.day_of(view.since)
    return database.days.get(Wanted(view.store, first, min(last, view.day - timedelta(days=1)), known), view.known)


def _next(database: Database, store: str, begin: int) -> int:
    """Return the first quarter of an hour from `begin` on with a count, ns UTC."""
    found = database.rows("SELECT min(quarter) FROM quarters WHERE store = ? AND quarter >= ?", store, begin)[0][0]
    return END_OF_TIME if found is None else int(found)


def _oldest(database: Database, store: str) -> tuple[int | None, int | None]:
    """Return the store's first clock hour with a count, and when a camera looked first, both ns UTC."""
    oldest = database.rows("SELECT min(quarter) FROM quarters WHERE store = ?", store)[0][0]
    looks = database.rows("SELECT quarter, ns FROM looked WHERE store = ? ORDER BY quarter, ns DESC LIMIT 1", store)
    look = looks[0][0] + QUARTER - looks[0][1] if looks else None
    return None if oldest is None else oldest - oldest % HOUR, look
