"""From the store to the figures: the one way that the API and the pages both take."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import date, timedelta

from metrica.dashboard import kpis
from metrica.dashboard.businessday import Calendar
from metrica.dashboard.events import MINUTE, Events
from metrica.dashboard.gaps import Gap
from metrica.dashboard.insight import Insight, People
from metrica.dashboard.marks import Emptied, empties, watched
from metrica.dashboard.store import Shop, Store

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
    flow: kpis.Flow
    last_week: int | None
    """Visitors by this time on the same weekday last week."""
    inflow_rate: float
    peak: kpis.Peak | None
    usual_peak: kpis.Peak | None
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

    def __init__(self, store: Store) -> None:
        self._store = store
        self._kept: dict[str, _Kept] = {}
        self._insights: dict[str, Insight] = {}
        self._lock = threading.Lock()

    def revision(self, shop: Shop, now: int) -> str:
        """Changes when a chart might: a new event, or a new minute."""
        kept = self._refresh(shop, now)
        return f"{shop}/{kept.n}/{now // MINUTE}"

    def headline(self, shop: Shop, now: int) -> Headline:
        calendar, events = calendar_of(shop), self._refresh(shop, now).events
        first, last = self._store.first_and_last(shop.id) or (None, None)
        day = calendar.day_of(now)
        gaps = self._gaps(shop, events, now, first)
        said = [e for e in empties(self._store, shop.id, calendar.start(day)) if e.time <= now]
        with self._lock:
            people = self._insight(shop).people(shop, events, calendar, now, gaps, [e.time for e in said])
        heat = kpis.heat_map(events, calendar, now, first, WEEKS, gaps)
        return Headline(
            now=now,
            day=day,
            people=people,
            flow=kpis.flow(events, calendar, now),
            last_week=kpis.visitors_by_now_last_week(events, calendar, now, first, gaps),
            inflow_rate=kpis.inflow_rate(events, now),
            peak=kpis.peak_hour(events, calendar, now),
            usual_peak=kpis.usual_peak(heat, day.weekday()),
            first_event=first,
            last_event=last,
            emptied=said[-1] if said else None,
        )

    def hourly(self, shop: Shop, now: int) -> list[kpis.HourRow]:
        events, first = self._refresh(shop, now).events, self._first(shop)
        return kpis.hourly(events, calendar_of(shop), now, first, self._gaps(shop, events, now, first))

    def daily(self, shop: Shop, now: int, days: int = DAYS) -> list[kpis.DayRow]:
        calendar, kept, first = calendar_of(shop), self._refresh(shop, now).events, self._first(shop)
        events = kept
        if days > _KEPT_DAYS:
            since = calendar.start(calendar.day_of(now) - timedelta(days=days))
            events = self._store.events(shop.id, since, now + 1)
        return kpis.daily(events, calendar, now, first, days, self._gaps(shop, kept, now, first))

    def heat_map(self, shop: Shop, now: int, weeks: int = WEEKS) -> kpis.HeatMap:
        events, first = self._refresh(shop, now).events, self._first(shop)
        return kpis.heat_map(events, calendar_of(shop), now, first, weeks, self._gaps(shop, events, now, first))

    def _gaps(self, shop: Shop, events: Events, now: int, first: int | None) -> list[Gap]:
        watches = watched(self._store, shop.id, calendar_of(shop).start(calendar_of(shop).day_of(now) - _KEPT))
        with self._lock:
            return self._insight(shop).gaps(events, calendar_of(shop), now, first, watches)

    def _insight(self, shop: Shop) -> Insight:
        return self._insights.setdefault(shop.id, Insight())

    def _first(self, shop: Shop) -> int | None:
        span = self._store.first_and_last(shop.id)
        return None if span is None else span[0]

    def _refresh(self, shop: Shop, now: int) -> _Kept:
        calendar = calendar_of(shop)
        since = calendar.start(calendar.day_of(now) - timedelta(days=_KEPT_DAYS))
        with self._lock:
            kept = self._kept.get(shop.id)
            if kept is None or since < kept.since:  # the first time, or the clock went back
                events, n = self._store.events_after(shop.id, 0, since)
            else:
                new, n = self._store.events_after(shop.id, kept.n, since)
                events = kept.events.merged(new)
                if since > kept.since:
                    events = events.between(since, 1 << 62)
            kept = self._kept[shop.id] = _Kept(since, n, events)
        return kept


def calendar_of(shop: Shop) -> Calendar:
    """The store's business days."""
    return Calendar(shop.timezone, shop.cutoff_hour)
