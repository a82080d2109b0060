"""Reads one store's events from the database and computes its figures."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import date, timedelta

from metrica.dashboard.kpis import footfall
from metrica.dashboard.kpis.business_day import Calendar
from metrica.dashboard.kpis.coverage import known_since
from metrica.dashboard.kpis.estimator import StoreEstimator, TodayEstimate
from metrica.dashboard.kpis.events import END_OF_TIME, MINUTE, Events
from metrica.dashboard.kpis.gaps import Gap
from metrica.dashboard.kpis.store import Store
from metrica.dashboard.store.database import Database
from metrica.dashboard.store.empty_marks import EmptyMark

DAYS = 28
"""How many business days the daily chart shows."""
WEEKS = 8
"""How many weeks the heat map is the mean of."""

RECENT_DAYS = 7 * WEEKS + 7
"""For how many business days events stay in memory; longer reports read the database."""


@dataclass(frozen=True, slots=True)
class Headline:
    """The figures of a store that are one number each."""

    now: int
    """The moment for which they are computed, ns UTC."""
    day: date
    """The business day of that moment."""
    estimate: TodayEstimate
    """People inside and their dwell."""
    traffic: footfall.Traffic
    """INs and OUTs since the business day began."""
    last_week: int | None
    """Visitors by this time on the same weekday last week."""
    inflow_rate: float
    """Visitors per hour, at the rate of the last 15 minutes."""
    peak: footfall.Peak | None
    """Today's busiest hour so far."""
    usual_peak: footfall.Peak | None
    """The hour that is busiest on average on this weekday."""
    first_event: int | None
    """Time of the first event of the store's history, ns UTC."""
    last_event: int | None
    """Time of the store's last event, ns UTC."""
    empty_mark: EmptyMark | None
    """Today's last empty mark."""


@dataclass(frozen=True, slots=True)
class ChartData:
    """The figures of the charts."""

    revision: str
    """Changes whenever one of them may change."""
    hours: list[footfall.HourRow]
    """Visitors per clock hour."""
    days: list[footfall.DayRow]
    """Visitors on each of the last `DAYS` business days."""
    heat: footfall.HeatMap
    """Mean visitors by weekday and clock hour over the last `WEEKS`."""


@dataclass(slots=True)
class _RecentEvents:
    """A store's events that are in memory."""

    since: int
    """Events before this time are left out, ns UTC."""
    last_row: int
    """The number of the last database row that was read."""
    events: Events


class StoreReports:
    """Computes the figures of one store. Safe to call from several threads; one of them computes at a time.

    The events of the last weeks stay in memory, so each question reads only what arrived since the last one. The
    store is given with each question, because its settings may change.
    """

    def __init__(self, database: Database, version: int = 0) -> None:
        """version: of the rows in the database, see `Database.version`; a part of the revision."""
        self._database = database
        self._version = version
        self._recent: _RecentEvents | None = None
        self._estimator = StoreEstimator()
        self._lock = threading.Lock()

    @property
    def memory(self) -> int:
        """About how much memory this takes, bytes."""
        recent = self._recent
        events = recent.events.times.nbytes + recent.events.signs.nbytes if recent is not None else 0
        return events + self._estimator.memory

    def revision(self, store: Store, now: int) -> str:
        """Return a text that changes whenever a chart may change: with each new event and each new minute."""
        return f"{store}/{self._version}/{len(self._read_new_events(store, now).events)}/{now // MINUTE}"

    def headline(self, store: Store, now: int) -> Headline:
        """Compute the figures that are one number each, at `now` (ns UTC)."""
        calendar, events = calendar_of(store), self._read_new_events(store, now).events
        history = self._database.events.history(store.id)
        first = history.first if history else None
        day = calendar.day_of(now)
        gaps, since = self._gaps(store, events, now, first)
        marks = [mark for mark in self._database.empty_marks.since(store.id, calendar.start(day)) if mark.time <= now]
        with self._lock:
            estimate = self._estimator.today(store, events, calendar, now, first, gaps, [mark.time for mark in marks])
        heat = footfall.heat_map(events, calendar, now, since, WEEKS, gaps)
        return Headline(
            now=now,
            day=day,
            estimate=estimate,
            traffic=footfall.traffic_today(events, calendar, now),
            last_week=footfall.visitors_by_now_last_week(events, calendar, now, since, gaps),
            inflow_rate=footfall.inflow_rate(events, now),
            peak=footfall.peak_hour(events, calendar, now),
            usual_peak=footfall.usual_peak(heat, day.weekday()),
            first_event=first,
            last_event=history.last if history else None,
            empty_mark=marks[-1] if marks else None,
        )

    def charts(self, store: Store, now: int) -> ChartData:
        """Compute the figures of all charts, at `now` (ns UTC)."""
        return ChartData(
            self.revision(store, now), self.hourly(store, now), self.daily(store, now), self.heat_map(store, now)
        )

    def hourly(self, store: Store, now: int) -> list[footfall.HourRow]:
        """Count visitors per clock hour, today and a week ago, at `now` (ns UTC)."""
        events = self._read_new_events(store, now).events
        gaps, since = self._gaps(store, events, now, self._first_event(store))
        return footfall.hourly(events, calendar_of(store), now, since, gaps)

    def daily(self, store: Store, now: int, days: int = DAYS) -> list[footfall.DayRow]:
        """Count visitors on each of the last `days` business days, at `now` (ns UTC)."""
        calendar, events = calendar_of(store), self._read_new_events(store, now).events
        gaps, since = self._gaps(store, events, now, self._first_event(store))
        if days > RECENT_DAYS:
            begin = calendar.start(calendar.day_of(now) - timedelta(days=days))
            events = self._database.events.between(store.id, begin, now + 1)
        return footfall.daily(events, calendar, now, since, days, gaps)

    def heat_map(self, store: Store, now: int, weeks: int = WEEKS) -> footfall.HeatMap:
        """Return mean visitors by weekday and clock hour over the last `weeks` (1 to `WEEKS`), at `now` (ns UTC)."""
        events = self._read_new_events(store, now).events
        gaps, since = self._gaps(store, events, now, self._first_event(store))
        return footfall.heat_map(events, calendar_of(store), now, since, weeks, gaps)

    def _gaps(self, store: Store, events: Events, now: int, first: int | None) -> tuple[list[Gap], int | None]:
        """Return the gaps, and from when on the store is known."""
        calendar = calendar_of(store)
        coverage = self._database.coverage.since(store.id, _recent_start(calendar, now))
        with self._lock:
            return self._estimator.gaps(events, calendar, now, first, coverage), known_since(first, coverage)

    def _first_event(self, store: Store) -> int | None:
        history = self._database.events.history(store.id)
        return history.first if history else None

    def _read_new_events(self, store: Store, now: int) -> _RecentEvents:
        """Read what arrived since the last call, and return the events of the last weeks."""
        since = _recent_start(calendar_of(store), now)
        with self._lock:
            recent = self._recent
            if recent is None or since < recent.since:  # the first call, or the clock went back
                events, last_row = self._database.events.received_after(store.id, 0, since)
            else:
                new, last_row = self._database.events.received_after(store.id, recent.last_row, since)
                events = recent.events.merged(new)
                if since > recent.since:
                    events = events.between(since, END_OF_TIME)
            recent = self._recent = _RecentEvents(since, last_row, events)
        return recent


def calendar_of(store: Store) -> Calendar:
    """Return the store's business days."""
    return Calendar(store.timezone, store.cutoff_hour)


def _recent_start(calendar: Calendar, now: int) -> int:
    """Return the start of the first business day whose events stay in memory, ns UTC."""
    return calendar.start(calendar.day_of(now) - timedelta(days=RECENT_DAYS))
