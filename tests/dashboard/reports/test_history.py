"""A store's history begins when its box was first heard of, not at the oldest stamp of a clock that was wrong."""

from __future__ import annotations

import sqlite3
from collections.abc import Generator
from datetime import date, timedelta
from pathlib import Path

import pytest

from metrica.dashboard.kpis.events import HOUR, MINUTE
from metrica.dashboard.kpis.store import Store
from metrica.dashboard.reports.reports import Reports
from metrica.dashboard.store.database import Database
from metrica.dashboard.store.history import History
from metrica.dashboard.store.records import Span
from tests.dashboard.footfall import at, event, footfall

STORE = Store("tunis-01", "Africa/Tunis")
TODAY = date(2026, 11, 22)
NOON = at("Africa/Tunis", 2026, 11, 22, 12)
DAY = 24 * HOUR


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def database(tmp_path: Path, clock: Clock) -> Generator[Database]:
    with Database(tmp_path / "metrica.db", clock=clock) as opened:
        opened.stores.put(STORE)
        yield opened


def add(database: Database, *times: int) -> None:
    base = database.events.count(STORE.id)
    database.events.add(STORE.id, [event(base + n, time) for n, time in enumerate(times)]).result()


def zeros(database: Database, now: int, days: int = 400) -> int:
    """How many days say that nobody came."""
    return sum(row.visitors == 0 for row in Reports(database).daily(STORE, now, days))


@pytest.mark.parametrize("years", [1, 4])
def test_one_event_from_a_clock_that_is_years_behind_makes_no_zeros(database: Database, years: int) -> None:
    add(database, NOON - years * 365 * DAY + 30 * DAY, NOON - HOUR)
    assert database.events.history(STORE.id) == History(NOON - HOUR, NOON - HOUR)
    assert zeros(database, NOON) == 0
    assert Reports(database).headline(STORE, NOON).first_event == NOON - HOUR


def test_one_event_from_2022_and_nothing_else_is_no_history(database: Database) -> None:
    add(database, at("Africa/Tunis", 2022, 1, 1))
    assert database.events.history(STORE.id) is None
    assert zeros(database, NOON) == 0


def test_it_may_come_first_or_last_or_in_between(database: Database, clock: Clock) -> None:
    honest = [NOON + n * DAY for n in range(5)]
    for n, time in enumerate(honest):
        clock.now = time
        add(database, at("Africa/Tunis", 2022, 1, 1 + n), time)
    assert database.events.history(STORE.id) == History(honest[0], honest[-1])
    assert zeros(database, clock.now) == 0


def test_a_day_on_which_somebody_was_counted_shows_it_wherever_it_lies(database: Database) -> None:
    add(database, NOON - 100 * DAY, NOON - HOUR)
    rows = {row.day: row.visitors for row in Reports(database).daily(STORE, NOON, 400)}
    assert rows[TODAY - timedelta(days=100)] == 1 and rows[TODAY] == 1
    assert rows[TODAY - timedelta(days=99)] is None


def test_a_box_that_was_offline_for_weeks_keeps_its_honest_days(database: Database) -> None:
    made = footfall("Africa/Tunis", TODAY, 50, until=NOON)
    made = [e for e in made if (NOON - e.time) // DAY not in range(20, 29)]  # shut for nine days in between
    for part in range(0, len(made), 1000):
        database.events.add(STORE.id, made[part : part + 1000]).result()
    history = database.events.history(STORE.id)
    assert history is not None and history.first == made[0].time
    counted = [row.day for row in Reports(database).daily(STORE, NOON, 60) if row.visitors]
    assert counted[0] == TODAY - timedelta(days=49) and len(counted) >= 40


def test_what_is_sent_before_anything_new_has_come_is_a_history_too(database: Database) -> None:
    add(database, *(NOON - n * DAY for n in range(90, 60, -1)))
    assert database.events.history(STORE.id) == History(NOON - 90 * DAY, NOON - 61 * DAY)


def test_a_camera_that_looked_while_nobody_came_connects_the_days(database: Database) -> None:
    add(database, NOON - 40 * DAY, NOON - HOUR)
    assert database.events.history(STORE.id) == History(NOON - HOUR, NOON - HOUR)
    database.coverage.add(STORE.id, [Span(camera="door", start=NOON - 41 * DAY, end=NOON - HOUR)]).result()
    assert database.events.history(STORE.id) == History(NOON - 40 * DAY, NOON - HOUR)


def test_months_without_anybody_stay_zeros_once_the_store_is_known(database: Database, clock: Clock) -> None:
    add(database, NOON)
    clock.now = NOON + 200 * DAY
    add(database, clock.now)
    assert database.events.history(STORE.id) == History(NOON, clock.now)
    assert zeros(database, clock.now) == 199


def test_a_server_whose_clock_was_wrong_as_well_has_no_history_from_then(database: Database, clock: Clock) -> None:
    """One box without a battery, with its own server."""
    clock.now = at("Africa/Tunis", 2022, 1, 1)
    add(database, clock.now)
    clock.now = NOON
    add(database, NOON - MINUTE)
    assert database.events.history(STORE.id) == History(NOON - MINUTE, NOON - MINUTE)
    assert zeros(database, NOON) == 0


def test_last_week_shows_what_was_counted_before_the_history_and_no_zeros(database: Database) -> None:
    add(database, NOON - 7 * DAY + 2 * HOUR, NOON)
    database.write(lambda db: db.execute("UPDATE stores SET first_heard = ?", (NOON + 30 * DAY,))).result()
    database.write(lambda db: db.execute("UPDATE histories SET known = 0")).result()
    assert database.events.history(STORE.id) == History(NOON - 7 * DAY + 2 * HOUR, NOON)
    hours = {row.hour: row.last_week for row in Reports(database).hourly(STORE, NOON)}
    assert (hours[14], hours[15], hours[10]) == (1, 0, None)


def test_zeros_of_today_begin_with_the_first_event_or_the_first_look_of_a_camera(database: Database) -> None:
    def today() -> dict[int, int | None]:
        return {row.hour: row.today for row in Reports(database).hourly(STORE, NOON + 4 * HOUR) if 4 <= row.hour < 16}

    assert set(today().values()) == {None}, "nothing was ever heard of this store"
    add(database, NOON + 3 * HOUR)
    assert today() == {**dict.fromkeys(range(4, 15)), 15: 1}
    database.coverage.add(STORE.id, [Span(camera="door", start=NOON - 3 * HOUR, end=NOON + 4 * HOUR)]).result()
    assert today() == {**dict.fromkeys(range(4, 9)), **dict.fromkeys(range(9, 15), 0), 15: 1}


def test_a_camera_that_looked_while_nobody_ever_came_knows_zeros(database: Database) -> None:
    database.coverage.add(STORE.id, [Span(camera="door", start=NOON - DAY, end=NOON)]).result()
    reports = Reports(database)
    assert [row.visitors for row in reports.daily(STORE, NOON, 3)] == [None, 0, 0]
    assert {row.today for row in reports.hourly(STORE, NOON) if 4 <= row.hour <= 12} == {0}
    heat = reports.heat_map(STORE, NOON)
    assert [heat.cells[5][heat.hours.index(hour)] for hour in (11, 12)] == [None, 0]
    assert reports.headline(STORE, NOON).last_week is None


def test_a_look_long_before_all_others_makes_no_zeros(database: Database) -> None:
    """A box whose clock was wrong for ten minutes."""
    spans = [Span(camera="door", start=NOON - days * DAY, end=NOON - days * DAY + 10 * MINUTE) for days in (55, 40)]
    database.coverage.add(STORE.id, [*spans, Span(camera="door", start=NOON - HOUR, end=NOON)]).result()
    add(database, NOON - MINUTE)
    assert zeros(database, NOON) == 0
    cells = [cell for row in Reports(database).heat_map(STORE, NOON).cells for cell in row]
    assert set(cells) == {None}


def test_an_older_database_knows_when_it_first_heard_of_its_stores(tmp_path: Path) -> None:
    path = tmp_path / "metrica.db"
    with Database(path, clock=lambda: NOON) as database:
        database.stores.put(STORE)
        database.stores.put(Store("sfax-01", "Africa/Tunis"))
        add(database, at("Africa/Tunis", 2022, 1, 1), NOON)
    with sqlite3.connect(path) as old:  # as it was before
        old.execute("ALTER TABLE stores DROP COLUMN first_heard")
        for table in ("quarters", "looked", "days", "histories"):
            old.execute(f"DROP TABLE {table}")
        for column in ("sums_days", "sums_since"):
            old.execute(f"ALTER TABLE retention DROP COLUMN {column}")
        old.execute("DELETE FROM _sqlite_migrations WHERE name IN ('m008_first_heard', 'm009_rollups')")
    old.close()
    with Database(path) as database:
        assert database.rows("SELECT id, first_heard FROM stores ORDER BY id") == [
            ("sfax-01", None),
            ("tunis-01", NOON),
        ]
        assert database.events.history(STORE.id) == History(NOON, NOON)


def test_the_settings_of_a_store_can_be_changed_without_forgetting_when_it_was_first_heard_of(
    database: Database,
) -> None:
    add(database, NOON)
    database.stores.put(Store("tunis-01", "Asia/Dubai"))
    assert database.rows("SELECT first_heard FROM stores") == [(NOON,)]
