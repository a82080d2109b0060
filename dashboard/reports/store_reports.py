"""Computes the figures of one store, from the sums of its past days and the events of today."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import date, timedelta

from metrica.dashboard.kpis import footfall
from metrica.dashboard.kpis.estimator import StoreEstimator, TodayEstimate
from metrica.dashboard.kpis.events import MINUTE
from metrica.dashboard.kpis.store import Store
from metrica.dashboard.reports.views import WEEKS, View, Views, past_rows
from metrica.dashboard.store.database import Database
from metrica.dashboard.store.empty_marks import EmptyMark
from metrica.dashboard.store.histories import Known

DAYS = 28
"""How many business days the daily chart shows."""

MANY = 400
"""A report of so many days has a row for each of them, of longer ones those days have that can have data."""


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


class StoreReports:
    """Computes the figures of one store. Safe to call from several threads; one of them computes at a time.

    Past days are read as sums, and today's events only when some have come. The store is given with each question,
    because its settings may change.
    """

    def __init__(self, database: Database, version: int = 0) -> None:
        """version: of the rows in the database, see `Database.version`; a part of the revision."""
        self._database = database
        self._version = version
        self._views = Views(database)
        self._estimator = StoreEstimator()
        self._lock = threading.Lock()

    @property
    def memory(self) -> int:
        """About how much memory this takes, bytes."""
        return self._views.memory + self._estimator.memory

    def revision(self, store: Store, now: int) -> str:
        """Return a text that changes whenever a chart may change: with each new event and each new minute."""
        return self._revision(store, self._database.histories.get(store.id), now)

    def headline(self, store: Store, now: int) -> Headline:
        """Compute the figures that are one number each, at `now` (ns UTC)."""
        with self._lock:
            view = self._views.at(store, now)
            begin = view.calendar.start(view.day)
            marks = [mark for mark in self._database.empty_marks.since(store.id, begin) if mark.time <= now]
            estimate = self._estimator.today(
                store,
                view.events,
                view.calendar,
                now,
                view.past.calibration,
                view.past.usual,
                view.gaps_today,
                [mark.time for mark in marks],
            )
            heat = view.heat(WEEKS)
            counts = self._views.cut_last_week(view)
        history = view.known.history
        return Headline(
            now=now,
            day=view.day,
            estimate=estimate,
            traffic=footfall.traffic_today(view.events, view.calendar, now),
            last_week=footfall.visitors_by_now_last_week(counts, view.calendar, now, view.since, view.gaps),
            inflow_rate=footfall.inflow_rate(view.events, now),
            peak=footfall.peak_hour(view.events, view.calendar, now),
            usual_peak=footfall.usual_peak(heat, view.day.weekday()),
            first_event=history.first if history else None,
            last_event=history.last if history else None,
            empty_mark=marks[-1] if marks else None,
        )

    def charts(self, store: Store, now: int) -> ChartData:
        """Compute the figures of all charts, at `now` (ns UTC)."""
        view = self._view(store, now)
        return ChartData(
            self._revision(store, view.known, now), view.hourly(), self._last_days(view, DAYS), view.heat(WEEKS)
        )

    def hourly(self, store: Store, now: int) -> list[footfall.HourRow]:
        """Count visitors per clock hour, today and a week ago, at `now` (ns UTC)."""
        return self._view(store, now).hourly()

    def daily(self, store: Store, now: int, days: int = DAYS) -> list[footfall.DayRow]:
        """Count visitors on each of the last `days` business days, at `now` (ns UTC).

        Of more than `MANY` days, those are left out that lie before anything is known of the store.
        """
        view = self._view(store, now)
        if days > MANY:
            first = max(_back(view, days), min(self._first_day(view), _back(view, MANY)))
            return self._between(view, first, view.day)
        return self._last_days(view, days)

    def daily_between(self, store: Store, now: int, first: date | None, last: date | None) -> list[footfall.DayRow]:
        """Count visitors on each business day from `first` to `last`, at `now` (ns UTC).

        None: from the first day of which anything is known, up to today. Days before and after these are left out.
        """
        view = self._view(store, now)
        return self._between(view, max(first or date.min, self._first_day(view)), min(last or date.max, view.day))

    def heat_map(self, store: Store, now: int, weeks: int = WEEKS) -> footfall.HeatMap:
        """Return mean visitors by weekday and clock hour over the last `weeks` (1 to `WEEKS`), at `now` (ns UTC)."""
        return self._view(store, now).heat(weeks)

    def _view(self, store: Store, now: int) -> View:
        with self._lock:
            return self._views.at(store, now)

    def _revision(self, store: Store, known: Known, now: int) -> str:
        return f"{store}/{self._version}/{known.changes}/{now // MINUTE}"

    def _last_days(self, view: View, days: int) -> list[footfall.DayRow]:
        return self._between(view, _back(view, days), view.day)

    def _between(self, view: View, first: date, last: date) -> list[footfall.DayRow]:
        """Count visitors on each of the days, none of them after today."""
        if first > last:
            return []
        rows = past_rows(self._database, view, first, min(last, view.day - timedelta(days=1)))
        return rows + (view.today() if last == view.day else [])

    def _first_day(self, view: View) -> date:
        """Return the first business day of which anything is known; today if there is none."""
        rows = self._database.rows(
            "SELECT (SELECT min(quarter) FROM quarters WHERE store = ?),"
            " (SELECT min(quarter) FROM looked WHERE store = ?)",
            *(view.store.id, view.store.id),
        )
        times = [time for time in (*rows[0], view.begin) if time is not None]
        return view.calendar.day_of(min(times))


def _back(view: View, days: int) -> date:
    """Return the first one of the last `days` business days."""
    return view.day - timedelta(days=days - 1)
