"""The figures kept up to date event by event equal the figures computed from scratch."""

from __future__ import annotations

import random
from collections.abc import Generator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from metrica.dashboard.kpis.events import HOUR, MINUTE
from metrica.dashboard.kpis.store import Store
from metrica.dashboard.reports.reports import Reports
from metrica.dashboard.store.database import Database
from tests.dashboard.footfall import at, event, footfall

STORE = Store("tunis-01", "Africa/Tunis")
TODAY = date(2026, 11, 22)
NOON = at("Africa/Tunis", 2026, 11, 22, 12)


@pytest.fixture
def database(tmp_path: Path) -> Generator[Database]:
    with Database(tmp_path / "metrica.db", clock=lambda: NOON) as opened:
        opened.stores.put(STORE)
        yield opened


def everything(reports: Reports, store: Store, now: int) -> list[object]:
    return [
        reports.headline(store, now),
        reports.hourly(store, now),
        reports.daily(store, now),
        reports.daily(store, now, 100),
        reports.heat_map(store, now),
        reports.heat_map(store, now, 2),
    ]


def test_what_arrives_late_and_out_of_order_ends_in_the_same_figures(database: Database) -> None:
    all_of_them = footfall("Africa/Tunis", TODAY, 20)
    random.Random(3).shuffle(all_of_them)
    reports = Reports(database)
    for part in range(0, len(all_of_them), 800):
        database.events.add(STORE.id, all_of_them[part : part + 800]).result()
        now = NOON + part * MINUTE // 800
        assert everything(reports, STORE, now) == everything(Reports(database), STORE, now)


def test_figures_stay_right_while_the_days_pass_and_the_clock_goes_back(database: Database) -> None:
    database.events.add(STORE.id, footfall("Africa/Tunis", TODAY, 75)).result()
    reports = Reports(database)
    for now in (NOON, NOON + 9 * HOUR, NOON + 3 * 24 * HOUR, NOON - 24 * HOUR, NOON - 10 * 24 * HOUR, NOON):
        assert everything(reports, STORE, now) == everything(Reports(database), STORE, now)


def test_another_zone_or_cutoff_hour_counts_at_once(database: Database) -> None:
    database.events.add(STORE.id, [event(1, at("Africa/Tunis", 2026, 11, 22, 3))]).result()
    reports = Reports(database)
    assert reports.headline(STORE, NOON).traffic.entered == 0
    assert reports.headline(replace(STORE, cutoff_hour=2), NOON).traffic.entered == 1
    assert reports.headline(replace(STORE, timezone="Asia/Dubai"), NOON).traffic.entered == 1


def test_stores_do_not_mix(database: Database) -> None:
    other = Store("sfax-01", "Africa/Tunis")
    database.stores.put(other)
    reports = Reports(database)
    for name, people in (("tunis-01", 3), ("sfax-01", 5)):
        database.events.add(name, [event(n, NOON - n * MINUTE) for n in range(people)]).result()
    assert reports.headline(STORE, NOON).estimate.occupancy.people == 3
    assert reports.headline(other, NOON).estimate.occupancy.people == 5


def test_the_revision_changes_with_an_event_and_with_a_minute_and_not_otherwise(database: Database) -> None:
    reports = Reports(database)
    before = reports.revision(STORE, NOON)
    assert reports.revision(STORE, NOON + 1) == before
    assert reports.revision(STORE, NOON + MINUTE) != before
    database.events.add(STORE.id, [event(1, NOON)]).result()
    assert reports.revision(STORE, NOON) != before


def test_a_made_up_month_has_the_figures_that_went_into_it(database: Database) -> None:
    made = footfall("Africa/Tunis", TODAY, 28, until=NOON)
    database.events.add(STORE.id, made).result()
    rows = Reports(database).daily(STORE, NOON)
    assert [row.day for row in rows] == [TODAY - timedelta(days=n) for n in range(27, -1, -1)]
    assert sum(row.visitors or 0 for row in rows) == sum(e.direction == "in" for e in made)
