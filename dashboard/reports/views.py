"""What the figures of a store are made of at a moment: sums of the past, events of today, and its gaps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

import numpy as np

from metrica.dashboard.kpis import footfall
from metrica.dashboard.kpis.business_day import Calendar
from metrica.dashboard.kpis.counts import PastAndToday, Quarters
from metrica.dashboard.kpis.days import Day, Looks, pauses_between
from metrica.dashboard.kpis.estimator import measured_rates
from metrica.dashboard.kpis.events import HOUR, NO_EVENTS, QUARTER, Events
from metrica.dashboard.kpis.gaps import Gap, UsualTraffic
from metrica.dashboard.kpis.history import DAYS as CALIBRATION_DAYS
from metrica.dashboard.kpis.history import Calibration, calibrate
from metrica.dashboard.kpis.store import Store
from metrica.dashboard.store.database import Database
from metrica.dashboard.store.days import Wanted
from metrica.dashboard.store.histories import Known
from metrica.dashboard.store.quarters import quarter_of
from metrica.dashboard.store.teaching import PAST_DAYS, known_day, read_coverage, read_events, read_quarters

WEEKS = 8
"""How many weeks the heat map is the mean of."""


@dataclass(slots=True)
class Past:
    """The last weeks of a store before today, in a few kilobytes."""

    quarters: Quarters
    days: dict[date, Day]
    """What the days taught; days of which nothing is known are left out."""
    gaps: list[Gap]
    calibration: Calibration
    usual: UsualTraffic
    heats: dict[object, footfall.HeatMap] = field(default_factory=dict)
    """The heat maps that were asked for."""

    @property
    def again(self) -> int | None:
        """When a camera has looked later than this, ns UTC, one of the days is to be computed anew."""
        return min((day.again for day in self.days.values() if day.again is not None), default=None)


@dataclass(frozen=True, slots=True)
class View:
    """A store at a moment."""

    store: Store
    now: int
    """ns UTC."""
    calendar: Calendar
    day: date
    """The business day of `now`."""
    known: Known
    since: int | None
    """From when on the store is known, ns UTC; None if never."""
    events: Events
    """Those of today, and of the quarter of an hour before `now`."""
    past: Past
    pauses_today: list[tuple[Gap, bool]]
    """The times of today at which a camera did not look; each with whether people usually come then."""

    @property
    def begin(self) -> int:
        """When the business day began, ns UTC."""
        return self.calendar.start(self.day)

    @property
    def gaps_today(self) -> list[Gap]:
        """The gaps of today."""
        return [gap for gap, busy in self.pauses_today if busy]

    @property
    def gaps(self) -> list[Gap]:
        """The gaps of the last weeks and of today."""
        return self.past.gaps + self.gaps_today

    @property
    def counts(self) -> PastAndToday:
        """The crossings of the last weeks and of today."""
        return PastAndToday(self.past.quarters, self.events.between(self.begin, self.now + 1))

    def hourly(self) -> list[footfall.HourRow]:
        """Count visitors per clock hour, today and a week ago."""
        return footfall.hourly(self.counts, self.calendar, self.now, self.since, self.gaps)

    def today(self) -> list[footfall.DayRow]:
        """Count visitors of today so far: one row."""
        return footfall.daily(self.counts, self.calendar, self.now, self.since, 1, self.gaps_today)

    def heat(self, weeks: int) -> footfall.HeatMap:
        """Return mean visitors by weekday and clock hour; it changes only when a past day does."""
        key = weeks, self.since
        found = self.past.heats.get(key)
        if found is None:
            found = footfall.heat_map(self.past.quarters, self.calendar, self.now, self.since, weeks, self.past.gaps)
            self.past.heats[key] = found
        return found


class Views:
    """Reads what one store's figures are made of. What has not changed since it was read last is kept."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._past: tuple[object, Past] | None = None
        self._events: tuple[object, Events] | None = None

    @property
    def memory(self) -> int:
        """About how much memory this takes, bytes."""
        past = self._past[1].quarters.memory + 500 * len(self._past[1].days) if self._past is not None else 0
        events = self._events[1].times.nbytes + self._events[1].signs.nbytes if self._events is not None else 0
        return past + events

    def at(self, store: Store, now: int) -> View:
        """Read what the figures at `now` (ns UTC) are made of."""
        calendar = calendar_of(store)
        day = calendar.day_of(now)
        begin = calendar.start(day)
        # First of all: what comes while the rest is read is seen the next time.
        known = self._database.histories.get(store.id)
        first = known.history.first if known.history else None
        with self._database.snapshot() as db:
            since, known_from = known_day(db, store, first, now)
            looks = Looks(read_coverage(db, store.id, begin, now + 1), known.newest_look)
        past = self._read_past(store, calendar, day, known, known_from)
        events = self._read_events(store, min(begin, now - QUARTER), known)
        today = events.between(begin, now + 1)
        pauses = pauses_between(begin, now + 1, today, past.usual, looks, now)
        return View(store, now, calendar, day, known, since, events, past, pauses)

    def cut_last_week(self, view: View) -> PastAndToday:
        """Return the crossings, those of the past so that they can be cut a week ago, to the nanosecond."""
        then = view.calendar.week_before(view.now) + 1
        piece = NO_EVENTS
        if then % QUARTER:
            piece = self._database.events.between(view.store.id, quarter_of(then), quarter_of(then) + QUARTER)
        return replace(view.counts, piece=piece)

    def _read_events(self, store: Store, begin: int, known: Known) -> Events:
        """Return the events from `begin` (ns UTC) on."""
        since = begin - begin % HOUR
        key = (since, known.changes)
        if self._events is None or self._events[0] != key:
            with self._database.snapshot() as db:
                self._events = key, read_events(db, store.id, since, 1 << 62)
        return self._events[1]

    def _read_past(self, store: Store, calendar: Calendar, day: date, known: Known, known_from: date | None) -> Past:
        """Return the weeks before today."""
        first = known.history.first if known.history else None
        wanted = Wanted(
            store,
            day - timedelta(days=PAST_DAYS),
            day - timedelta(days=1),
            known_from,
        )
        key = (store, day, known.past, first, wanted.known, known.closed >= calendar.start(day))
        if self._past is not None and self._past[0] == key:
            again = self._past[1].again
            if again is None or (known.newest_look or 0) <= again:
                return self._past[1]
        begin = calendar.start(day)
        with self._database.snapshot() as db:
            quarters = read_quarters(db, store.id, calendar.start(wanted.first), begin)
        days = self._database.days.get(wanted, known)
        taught = [days[one].past_day for one in sorted(days) if one >= day - timedelta(days=CALIBRATION_DAYS)]
        past = Past(
            quarters=quarters,
            days=days,
            gaps=[gap for one in sorted(days) for gap in days[one].gaps],
            calibration=calibrate([one for one in taught if one is not None], measured_rates(store)),
            usual=UsualTraffic(quarters, calendar, first),
        )
        self._past = key, past
        return past


def calendar_of(store: Store) -> Calendar:
    """Return the store's business days."""
    return Calendar(store.timezone, store.cutoff_hour)


def past_rows(database: Database, view: View, first: date, last: date) -> list[footfall.DayRow]:
    """Count visitors on each of some days before today."""
    if first > last:
        return []
    if first >= view.day - timedelta(days=PAST_DAYS):
        taught = view.past.days
    else:
        known = None if view.since is None else view.calendar.day_of(view.since)
        taught = database.days.get(Wanted(view.store, first, last, known), view.known)
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    strange = _counts_of(database, view, [day for day in days if day not in taught])
    return [_row(day, taught.get(day), strange.get(day)) for day in days]


def _row(day: date, taught: Day | None, count: int | None) -> footfall.DayRow:
    if taught is None:
        return footfall.DayRow(day, count)
    missing = taught.missing
    return footfall.DayRow(day, taught.entered or (None if missing else 0), missing / HOUR)


def _counts_of(database: Database, view: View, days: Sequence[date]) -> dict[date, int]:
    """Count the visitors of days before the store was known: there are few, from clocks that were wrong."""
    if not days:
        return {}
    # Of all days from the first to the last, so that each begins where the one before ends; a day is looked up, not
    # each of its quarters: if the history is younger than the question, there are thousands.
    every = [days[0] + timedelta(days=n) for n in range((days[-1] - days[0]).days + 2)]
    edges = [view.calendar.start(day) for day in every]
    with database.snapshot() as db:
        quarters = read_quarters(db, view.store.id, edges[0], edges[-1])
    counts = quarters.entered(np.array(edges))
    wanted = set(days)
    return {day: int(count) for day, count in zip(every[:-1], counts, strict=True) if count and day in wanted}
