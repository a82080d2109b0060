"""The figures that are made of sums equal those that are computed from all events, and stay when events are removed."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from metrica.dashboard.kpis import footfall
from metrica.dashboard.kpis.business_day import Calendar
from metrica.dashboard.kpis.coverage import Coverage, known_since
from metrica.dashboard.kpis.days import Looks, pauses_between
from metrica.dashboard.kpis.estimator import StoreEstimator, measured_rates
from metrica.dashboard.kpis.events import HOUR, MINUTE, Events
from metrica.dashboard.kpis.gaps import Gap, UsualTraffic
from metrica.dashboard.kpis.history import calibrate
from metrica.dashboard.kpis.store import Store
from metrica.dashboard.reports.hours import hours_between
from metrica.dashboard.reports.reports import Reports
from metrica.dashboard.store.database import Database
from metrica.dashboard.store.records import Event, Span
from metrica.dashboard.upkeep import export
from metrica.dashboard.upkeep.removals import Removals, Stretch
from metrica.dashboard.upkeep.retention import Retention
from tests.dashboard.database.places import Place
from tests.dashboard.footfall import at
from tests.dashboard.footfall import footfall as made_up
from tests.dashboard.kpis.plain_past import past_days

DAY = 24 * HOUR
ZONES = (
    "Africa/Tunis",
    "Africa/Casablanca",  # its clocks change around Ramadan
    "Africa/Cairo",
    "Europe/Paris",
    "Asia/Kolkata",  # UTC+5:30
    "Asia/Kathmandu",  # UTC+5:45
    "Australia/Lord_Howe",  # its clocks change by half an hour
    "America/St_Johns",
)
NUMBERS = itertools.count()


class Oracle:
    """All figures from all events, as they were computed before there were sums."""

    def __init__(self, database: Database, store: Store, now: int) -> None:
        self.store, self.now = store, now
        self.calendar = Calendar(store.timezone, store.cutoff_hour)
        self.day = self.calendar.day_of(now)
        self.events = Events.from_pairs(database.rows("SELECT time, direction FROM events WHERE store = ?", store.id))
        self.coverage: Coverage = database.coverage.since(store.id, 0)
        history = database.events.history(store.id)
        self.first = history.first if history else None
        edge = self.calendar.start(self.day - timedelta(days=63))
        looks = [max(start, edge) for spans in self.coverage.values() for start, end in spans if end > edge]
        self.since = known_since(self.first, min(looks, default=None))
        self.usual = UsualTraffic(self.events, self.calendar, self.first)
        self.looks = Looks(
            self.coverage, max((end for spans in self.coverage.values() for _, end in spans), default=None)
        )

        self.known: dict[date, list[tuple[Gap, bool]]] = {}

    def pauses(self, day: date) -> list[tuple[Gap, bool]]:
        if day not in self.known:
            self.known[day] = self._pauses(day)
        return self.known[day]

    def _pauses(self, day: date) -> list[tuple[Gap, bool]]:
        begin, end = self.calendar.bounds(day)
        if self.since is None or end <= self.since:
            return []
        if day == self.day:
            end = self.now + 1
        return pauses_between(begin, end, self.events.between(begin, end), self.usual, self.looks, max(self.now, 0))

    def gaps(self, back: int) -> list[Gap]:
        days = [self.day - timedelta(days=n) for n in range(back, -1, -1)]
        return [gap for day in days for gap, busy in self.pauses(day) if busy]

    def everything(self) -> dict[str, Any]:
        events, calendar, now, since = self.events, self.calendar, self.now, self.since
        gaps = self.gaps(63)
        calibration = calibrate(past_days(events, calendar, now, gaps), measured_rates(self.store))
        today = [gap for gap in gaps if gap.start >= calendar.start(self.day)]
        estimate = StoreEstimator().today(self.store, events, calendar, now, calibration, self.usual, today)
        heat = footfall.heat_map(events, calendar, now, since, 8, gaps)
        return {
            "estimate": estimate,
            "traffic": footfall.traffic_today(events, calendar, now),
            "last week": footfall.visitors_by_now_last_week(events, calendar, now, since, gaps),
            "inflow": footfall.inflow_rate(events, now),
            "peak": footfall.peak_hour(events, calendar, now),
            "hourly": footfall.hourly(events, calendar, now, since, gaps),
            "daily": footfall.daily(events, calendar, now, since, 28, gaps),
            "many days": footfall.daily(events, calendar, now, since, 120, self.gaps(120)),
            "heat": heat,
            "heat of two weeks": footfall.heat_map(events, calendar, now, since, 2, gaps),
        }


def figures(reports: Reports, store: Store, now: int) -> dict[str, Any]:
    """The same from the sums."""
    headline = reports.headline(store, now)
    return {
        "estimate": headline.estimate,
        "traffic": headline.traffic,
        "last week": headline.last_week,
        "inflow": headline.inflow_rate,
        "peak": headline.peak,
        "hourly": reports.hourly(store, now),
        "daily": reports.daily(store, now),
        "many days": reports.daily(store, now, 120),
        "heat": reports.heat_map(store, now),
        "heat of two weeks": reports.heat_map(store, now, 2),
    }


@st.composite
def situations(draw: st.DrawFn) -> dict[str, Any]:
    return {
        "zone": draw(st.sampled_from(ZONES)),
        "cutoff": draw(st.sampled_from((0, 4, 4, 6, 23))),
        "last": draw(st.sampled_from((date(2026, 11, 22), date(2026, 4, 5), date(2026, 3, 29), date(2026, 10, 30)))),
        "days": draw(st.sampled_from((1, 3, 9, 40, 66))),
        "seed": draw(st.integers(0, 1000)),
        "minute": draw(st.integers(0, 24 * 60)),
        "coverage": draw(st.sampled_from(("none", "nights off", "outage", "two cameras", "taken away"))),
        "hole": draw(st.integers(0, 60)),
    }


def believable(what: dict[str, Any]) -> tuple[int, list[Event], list[Span]]:
    """The present time, crossings and coverage of a store."""
    rng = random.Random(what["seed"])
    last = what["last"]
    now = at(what["zone"], last.year, last.month, last.day) + what["minute"] * MINUTE + rng.randrange(MINUTE)
    made = made_up(what["zone"], last, what["days"], until=now, seed=what["seed"])
    made = [one for one in made if rng.random() < 0.2]
    begin = made[0].time if made else now - DAY
    hole = begin + what["hole"] * DAY // 2
    if what["coverage"] != "none":
        made = [one for one in made if not hole < one.time < hole + 7 * HOUR]
    else:
        made = [one for one in made if not hole + 10 * HOUR < one.time < hole + 14 * HOUR]
    if rng.random() < 0.5:  # a clock that was wrong by years
        made += [one.model_copy(update={"id": f"x{n}", "time": one.time - 900 * DAY}) for n, one in enumerate(made[:3])]
    looked: list[tuple[str, int, int]] = []
    if what["coverage"] == "nights off":
        start = begin - begin % DAY + 6 * HOUR
        looked = [("door", at, at + 16 * HOUR - rng.randrange(HOUR)) for at in range(start, now, DAY)]
    elif what["coverage"] == "outage":
        looked = [("door", begin - 2 * HOUR, hole), ("door", hole + 7 * HOUR, now)]
    elif what["coverage"] == "two cameras":
        looked = [("door", begin, now), ("back", begin + DAY, begin + 2 * DAY), ("back", begin + 3 * DAY, now - HOUR)]
    elif what["coverage"] == "taken away":
        looked = [("door", begin, now), ("back", begin, begin + 5 * HOUR)]
    spans = [
        Span(camera=camera, start=start, end=min(end, now)) for camera, start, end in looked if start < min(end, now)
    ]
    return now, made, spans


@settings(deadline=None, max_examples=4, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(situations(), st.data())
def test_sums_say_what_all_events_say(place: Place, what: dict[str, Any], data: st.DataObject) -> None:
    """Also while events come late, twice and in any order, and days are computed in between."""
    now, made, spans = believable(what)
    store = Store(f"shop-{next(NUMBERS)}", what["zone"], what["cutoff"])
    rng = random.Random(what["seed"])
    with Database(place, clock=lambda: now) as database:
        database.stores.put(store)
        reports = Reports(database)
        late = [one for one in made if rng.random() < 0.05]
        order = [one for one in made if rng.random() < 0.9]
        steps: list[Callable[[], object]] = [
            lambda: database.events.add(store.id, order).result(),
            lambda: database.coverage.add(store.id, spans[::2]).result(),
            lambda: database.events.add(store.id, [*late, *made[::7]]).result(),
            lambda: database.coverage.add(store.id, spans).result(),
            lambda: database.events.add(store.id, made).result(),
        ]
        looked_at = data.draw(st.integers(0, len(steps)))
        for n, step in enumerate(steps):
            step()
            if n == looked_at:
                assert figures(reports, store, now) == Oracle(database, store, now).everything()
        begin = now - data.draw(st.integers(0, 40)) * DAY - 5 * HOUR
        removal = Removals(database).remove(Stretch(store.id, begin, begin + 3 * HOUR + 7), "test")
        assert figures(reports, store, now) == Oracle(database, store, now).everything()
        Removals(database).restore(removal.n)
        expected = Oracle(database, store, now).everything()
        assert figures(reports, store, now) == expected
        assert figures(Reports(database), store, now) == expected
        other = Store(store.id, "Asia/Kathmandu", 5)  # somebody changes the settings, and back
        assert figures(reports, other, now) == Oracle(database, other, now).everything()
        assert figures(reports, store, now) == expected
        hours = list(hours_between(database, store, 0, 1 << 62))
        shown = {row.day.isoformat(): (row.visitors, round(row.missing, 3)) for row in reports.daily(store, now, 60)}
        for row in export.days(database, store, 0, 1 << 62):
            if row["business_day"] in shown:
                assert (row["entered"], row["missing_hours"]) == shown[str(row["business_day"])]
        retention = Retention(database)
        retention.remove(retention.expired(store, data.draw(st.sampled_from((8, 9, 30)))))
        assert figures(reports, store, now) == expected
        assert figures(Reports(database), store, now) == expected
        assert list(hours_between(database, store, 0, 1 << 62)) == hours
