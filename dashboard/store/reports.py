"""From the store to the figures: the one way that the API and the pages both take."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import date, timedelta

from metrica.dashboard.kpis import footfall
from metrica.dashboard.kpis.business_day import Calendar
from metrica.dashboard.kpis.events import MINUTE, Events
from metrica.dashboard.kpis.gaps import Gap
from metrica.dashboard.kpis.insight import Insight, People
from metrica.dashboard.kpis.store import Store
from metrica.dashboard.store.coverage import coverage
from metrica.dashboard.store.database import Database
from metrica.dashboard.store.empties import Emptied, empties

DAYS = 28
"""Days of the daily chart."""
WEEKS = 8
"""Weeks that the heat map is the mean of."""

_KEPT_DAYS = 7 * WEEKS + 7
_KEPT = timedelta(days=_KEPT_DAYS)


@dataclass(frozen=True, slots=True)
class Headline:
    """The figures that are one number."""

    now: int
    day: date
    people: People
    flow: footfall.Flow
    last_week: int | None
    """Visitors by this time on the same weekday last week."""
    inflow_rate: float
    peak: footfall.Peak | None
    usual_peak: footfall.Peak | None
    first_event: int | None
    last_event: int | None
    emptied: Emptied | None
    """When somebody last said, today, that nobody is inside."""


@dataclass(slots=True)
class _Kept:
    since: int
    n: int
    events: Events


class Reports:
    """Computes the figures of the stores in a database.

    The events of the last weeks stay in memory, and each question reads only what came in since the last one.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._kept: dict[str, _Kept] = {}
        self._insights: dict[str, Insight] = {}
        self._lock = threading.Lock()

    def revision(self, store: Store, now: int) -> str:
        """Changes when a chart might: a new event, or a new minute."""
        kept = self._refresh(store, now)
        return f"{store}/{kept.n}/{now // MINUTE}"

    def headline(self, store: Store, now: int) -> Headline:
        calendar, events = calendar_of(store), self._refresh(store, now).events
        first, last = self._database.first_and_last(store.id) or (None, None)
        day = calendar.day_of(now)
        gaps = self._gaps(store, events, now, first)
        said = [e for e in empties(self._database, store.id, calendar.start(day)) if e.time <= now]
        with self._lock:
            people = self._insight(store).people(store, events, calendar, now, gaps, [e.time for e in said])
        heat = footfall.heat_map(events, calendar, now, first, WEEKS, gaps)
        return Headline(
            now=now,
            day=day,
            people=people,
            flow=footfall.flow(events, calendar, now),
            last_week=footfall.visitors_by_now_last_week(events, calendar, now, first, gaps),
            inflow_rate=footfall.inflow_rate(events, now),
            peak=footfall.peak_hour(events, calendar, now),
            usual_peak=footfall.usual_peak(heat, day.weekday()),
            first_event=first,
            last_event=last,
            emptied=said[-1] if said else None,
        )

    def hourly(self, store: Store, now: int) -> list[footfall.HourRow]:
        events, first = self._refresh(store, now).events, self._first(store)
        return footfall.hourly(events, calendar_of(store), now, first, self._gaps(store, events, now, first))

    def daily(self, store: Store, now: int, days: int = DAYS) -> list[footfall.DayRow]:
        calendar, kept, first = calendar_of(store), self._refresh(store, now).events, self._first(store)
        events = kept
        if days > _KEPT_DAYS:
            since = calendar.start(calendar.day_of(now) - timedelta(days=days))
            events = self._database.events(store.id, since, now + 1)
        return footfall.daily(events, calendar, now, first, days, self._gaps(store, kept, now, first))

    def heat_map(self, store: Store, now: int, weeks: int = WEEKS) -> footfall.HeatMap:
        events, first = self._refresh(store, now).events, self._first(store)
        return footfall.heat_map(events, calendar_of(store), now, first, weeks, self._gaps(store, events, now, first))

    def _gaps(self, store: Store, events: Events, now: int, first: int | None) -> list[Gap]:
        covered = coverage(self._database, store.id, calendar_of(store).start(calendar_of(store).day_of(now) - _KEPT))
        with self._lock:
            return self._insight(store).gaps(events, calendar_of(store), now, first, covered)

    def _insight(self, store: Store) -> Insight:
        return self._insights.setdefault(store.id, Insight())

    def _first(self, store: Store) -> int | None:
        span = self._database.first_and_last(store.id)
        return None if span is None else span[0]

    def _refresh(self, store: Store, now: int) -> _Kept:
        calendar = calendar_of(store)
        since = calendar.start(calendar.day_of(now) - timedelta(days=_KEPT_DAYS))
        with self._lock:
            kept = self._kept.get(store.id)
            if kept is None or since < kept.since:  # the first time, or the clock went back
                events, n = self._database.events_after(store.id, 0, since)
            else:
                new, n = self._database.events_after(store.id, kept.n, since)
                events = kept.events.merged(new)
                if since > kept.since:
                    events = events.between(since, 1 << 62)
            kept = self._kept[store.id] = _Kept(since, n, events)
        return kept


def calendar_of(store: Store) -> Calendar:
    """The store's business days."""
    return Calendar(store.timezone, store.cutoff_hour)
