"""The figures of each clock hour of any period, one after the other: neither memory nor a server feels how many."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from metrica.dashboard.kpis.business_day import Hour
from metrica.dashboard.kpis.counts import Quarters
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
    gap: int
    """For how long a camera did not look at a time at which people usually come, ns: the figure of the day is too low.
    Before any camera looked there are no such times, unless people were silent for long."""


def hours_between(database: Database, store: Store, since: int, until: int) -> Iterator[HourFigures]:
    """Give the figures of the clock hours that touch `since` to `until` (ns UTC), from the store's history on.

    Of the time before its history only hours are given in which somebody was counted. The last hour is the present one.
    """
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
        known = _pauses(database, view, day, last)
        for one in (day + timedelta(days=n) for n in range((last - day).days + 1)):
            if calendar.bounds(one)[1] <= first and not counts.crossings(*calendar.bounds(one)):
                continue
            pauses = known.get(one, [])
            gaps = [*unlooked, *(gap for gap, _ in pauses)]
            busy = [gap for gap, busy in pauses if busy]
            for hour in calendar.hours(one):
                if hour.end <= begin or hour.start >= end:
                    continue
                figures = _figures(one, hour, counts, gaps, busy, now)
                if hour.end > first or figures.entered or figures.left:
                    yield figures
        day = last + timedelta(days=1)


def _figures(day: date, hour: Hour, counts: Quarters, gaps: list[Gap], busy: list[Gap], now: int) -> HourFigures:
    edges = np.array((hour.start, hour.end), np.int64)
    entered, left = int(counts.entered(edges)[0]), int(counts.left(edges)[0])
    over = min(hour.end, now + 1)
    missing = min(1.0, time_in_gaps(gaps, hour.start, over) / (over - hour.start))
    unseen = missing > 0 and not entered and not left
    gap = time_in_gaps(busy, hour.start, over)
    return HourFigures(hour, day, None if unseen else entered, None if unseen else left, missing, gap)


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


def _pauses(database: Database, view: View, first: date, last: date) -> dict[date, list[tuple[Gap, bool]]]:
    """Return all times of some days at which a camera did not look, each with whether people usually come then."""
    known = None if view.since is None else view.calendar.day_of(view.since)
    wanted = Wanted(view.store, first, min(last, view.day - timedelta(days=1)), known)
    found = {day: list(taught.pauses) for day, taught in database.days.get(wanted, view.known).items()}
    if last == view.day:
        found[view.day] = view.pauses_today
    return found


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
