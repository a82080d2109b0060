"""The figures of any period are those of the pages and the API: days with what they taught, and the heat map."""

from __future__ import annotations

from collections.abc import Generator
from datetime import date, timedelta

import pytest

from metrica.dashboard.kpis.business_day import Calendar
from metrica.dashboard.kpis.events import END_OF_TIME, Events
from metrica.dashboard.kpis.footfall import heat_map
from metrica.dashboard.kpis.gaps import Gap
from metrica.dashboard.kpis.history import mean_dwell_of_day
from metrica.dashboard.kpis.store import Store
from metrica.dashboard.reports.heat import heat_between
from metrica.dashboard.reports.hours import DayFigures, days_between
from metrica.dashboard.reports.reports import Reports
from metrica.dashboard.reports.views import WEEKS, Views
from metrica.dashboard.store.database import Database
from metrica.dashboard.store.records import Span
from metrica.dashboard.upkeep import export
from tests.dashboard.client import ManualClock
from tests.dashboard.database.places import Place
from tests.dashboard.footfall import at, footfall

PARIS = Store("paris-01", "Europe/Paris")
CALENDAR = Calendar(PARIS.timezone, PARIS.cutoff_hour)
TODAY = date(2026, 11, 22)
NOW = at("Europe/Paris", 2026, 11, 22, 15)
DAYS = 90  # the clocks change within them, on 25 October
BLIND = date(2026, 11, 17)
"""A day in which the camera did not look from 14:00 to 17:00."""
DARK = date(2026, 11, 10)
"""A day in which it did not look at all."""


@pytest.fixture(scope="module")
def database(module_place: Place) -> Generator[Database]:
    blind = [(at(PARIS.timezone, 2026, 11, 17, 14), at(PARIS.timezone, 2026, 11, 17, 17)), CALENDAR.bounds(DARK)]
    made = footfall(PARIS.timezone, TODAY, DAYS, until=NOW)
    made = [e for e in made if not any(start <= e.time < end for start, end in blind)]
    with Database(module_place, clock=ManualClock(NOW)) as opened:
        opened.stores.put(PARIS)
        for part in range(0, len(made), 5000):
            opened.events.add(PARIS.id, made[part : part + 5000]).result()
        edges = [made[0].time, *sorted(edge for pair in blind for edge in pair), NOW]
        looked = [Span(camera="door", start=a, end=b) for a, b in zip(edges[::2], edges[1::2], strict=True)]
        opened.coverage.add(PARIS.id, looked).result()
        yield opened


def days_of(database: Database) -> dict[date, DayFigures]:
    return {day.day: day for day in days_between(database, PARIS, 0, END_OF_TIME)}


def test_days_are_those_of_the_page(database: Database) -> None:
    found, shown = days_of(database), Reports(database).daily_between(PARIS, NOW, None, None)
    assert {row.day: (row.visitors, row.missing) for row in shown} == {
        day: (figures.entered, figures.missing) for day, figures in found.items()
    }
    assert found[BLIND].missing == 3.0 and found[BLIND].entered
    assert found[DARK].entered is found[DARK].left is found[DARK].visits is found[DARK].peak is None
    peak = Reports(database).headline(PARIS, NOW).peak
    today = found[TODAY].peak
    assert peak is not None and today is not None
    assert (CALENDAR.local(today.hour.start).hour, today.entered) == (peak.hour, peak.visitors)


def test_a_day_that_is_over_has_what_its_events_say(database: Database) -> None:
    found, events = days_of(database), database.events.between(PARIS.id, 0, NOW)
    assert len(found) == DAYS
    for day in set(found) - {TODAY, DARK}:
        figures, of_day = found[day], events.between(*CALENDAR.bounds(day))
        assert figures.visits == len(of_day) / 2
        assert figures.mean_dwell == (None if day == BLIND else mean_dwell_of_day(of_day))
        (best,) = [hour for hour in figures.hours if hour is figures.peak]
        ins = [_entered(of_day, hour.hour.start, hour.hour.end) for hour in figures.hours]
        assert _entered(of_day, best.hour.start, best.hour.end) == max(ins)
        assert ins.index(max(ins)) == figures.hours.index(best)
    assert found[TODAY].mean_dwell is None, "it is not over"


def _entered(events: Events, start: int, end: int) -> int:
    return int((events.between(start, end).signs > 0).sum())


def test_the_heat_map_without_a_period_is_that_of_the_page(database: Database) -> None:
    shown = Reports(database).heat_map(PARIS, NOW)
    assert heat_between(database, PARIS, None, END_OF_TIME) == shown == heat_between(database, PARIS, None, NOW)
    begin = CALENDAR.start(TODAY - timedelta(weeks=WEEKS))
    assert heat_between(database, PARIS, begin, NOW) == shown
    assert heat_between(database, PARIS, begin + 1, NOW) != shown, "its first day does not begin in the time any more"
    listed = list(export.heat(database, PARIS, 0, END_OF_TIME))
    assert [row["visitors"] for row in listed] == [mean for cells in shown.cells for mean in cells]
    assert [(row["weekday"], row["hour"]) for row in listed[:2]] == [("monday", 4), ("monday", 5)]
    assert len(listed) == 7 * 24


def test_the_heat_map_of_a_month_that_is_past_is_of_its_days_only(database: Database) -> None:
    first, last = date(2026, 10, 1), date(2026, 10, 28)
    events = database.events.between(PARIS.id, 0, NOW)
    then = CALENDAR.start(last + timedelta(days=1))
    expected = heat_map(events, CALENDAR, then, int(events.times[0]), 4)
    found = heat_between(database, PARIS, CALENDAR.start(first), then)
    assert found == expected
    assert found != heat_between(database, PARIS, None, then), "that is of eight weeks"
    whole = heat_between(database, PARIS, 1, END_OF_TIME)
    gaps = [gap for day in (BLIND, DARK) for gap in _gaps(database, day)]
    assert whole == heat_map(events, CALENDAR, NOW, int(events.times[0]), 13, gaps)


def _gaps(database: Database, day: date) -> list[Gap]:
    view = Views(database).at(PARIS, NOW)
    return view.past.days[day].gaps


def test_a_store_that_nobody_has_heard_of_has_no_figure(database: Database) -> None:
    empty = Store("sfax-01", "Africa/Tunis")
    assert list(days_between(database, empty, 0, END_OF_TIME)) == []
    assert {cell for cells in heat_between(database, empty, None, END_OF_TIME).cells for cell in cells} == {None}
