"""What a past day has taught is computed anew whenever something has come, or went, that changes it."""

from __future__ import annotations

from collections.abc import Generator
from datetime import date, timedelta

import pytest

from metrica.dashboard.kpis.business_day import Calendar
from metrica.dashboard.kpis.days import Day
from metrica.dashboard.kpis.events import HOUR
from metrica.dashboard.store.database import Database
from metrica.dashboard.store.days import Wanted
from metrica.dashboard.store.history import History
from metrica.dashboard.store.records import Span
from metrica.dashboard.store.teaching import known_day
from metrica.dashboard.upkeep.removals import Removals, Stretch
from tests.dashboard.client import NOON, STORE, ManualClock
from tests.dashboard.database.places import Place
from tests.dashboard.footfall import event

DAY = 24 * HOUR
CALENDAR = Calendar(STORE.timezone, STORE.cutoff_hour)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def database(place: Place, clock: ManualClock) -> Generator[Database]:
    with Database(place, clock=clock) as opened:
        opened.stores.put(STORE)
        yield opened


def past(database: Database) -> dict[date, Day]:
    """The days before today of which something is known."""
    known = database.histories.get(STORE.id)
    today = CALENDAR.day_of(database.clock())
    with database.snapshot() as db:
        _, first = known_day(db, STORE, known.history.first if known.history else None, database.clock())
    return database.days.get(Wanted(STORE, today - timedelta(days=80), today - timedelta(days=1), first), known)


def anew(database: Database) -> dict[date, Day]:
    """The same, all of them computed now."""
    database.write(lambda db: db.execute("DELETE FROM days")).result()
    return past(database)


def look(database: Database, camera: str, since: float, until: float) -> None:
    """Say that a camera looked, from and up to so many days before noon."""
    span = Span(camera=camera, start=NOON - int(since * DAY), end=NOON - int(until * DAY))
    database.coverage.add(STORE.id, [span]).result()


def test_the_first_events_of_all_say_when_people_usually_come_on_every_later_day(database: Database) -> None:
    """A camera looked for weeks; what it counted comes only now."""
    look(database, "door", 30, 24)
    assert past(database)[CALENDAR.day_of(NOON - 20 * DAY)].gaps
    database.events.add(STORE.id, [event(n, NOON - 60 * DAY + n) for n in range(20)]).result()
    found = past(database)
    assert not found[CALENDAR.day_of(NOON - 20 * DAY)].gaps  # in the weeks before nobody came
    assert found == anew(database)


def test_without_the_coverage_that_followed_an_outage_the_camera_was_taken_away(database: Database) -> None:
    look(database, "door", 40, 0)
    look(database, "back", 40, 30)
    look(database, "back", 10, 0)
    assert past(database)[CALENDAR.day_of(NOON - 20 * DAY)].gaps
    removal = Removals(database).remove(Stretch(STORE.id, NOON - 11 * DAY, NOON + DAY, "back"), "test")
    found = past(database)
    assert not found[CALENDAR.day_of(NOON - 20 * DAY)].pauses
    assert found == anew(database)
    Removals(database).restore(removal.n)
    assert past(database)[CALENDAR.day_of(NOON - 20 * DAY)].gaps
    assert past(database) == anew(database)


def test_without_the_last_looks_of_others_a_camera_is_only_broken(database: Database) -> None:
    look(database, "door", 40, 20)
    look(database, "back", 40, 26)
    assert not past(database)[CALENDAR.day_of(NOON - 25 * DAY)].pauses
    Removals(database).remove(Stretch(STORE.id, NOON - 23 * DAY - HOUR, NOON - 19 * DAY), "test")
    found = past(database)
    assert found[CALENDAR.day_of(NOON - 25 * DAY)].gaps
    assert found == anew(database)


def test_without_any_later_look_of_others_a_camera_is_only_broken_for_weeks(database: Database) -> None:
    look(database, "door", 22, 19)
    look(database, "back", 2, 1.5)
    database.events.add(STORE.id, [event(1, NOON - 60 * DAY)]).result()
    assert not past(database)[CALENDAR.day_of(NOON - 15 * DAY)].pauses
    Removals(database).remove(Stretch(STORE.id, NOON - 3 * DAY, NOON - DAY), "test")
    found = past(database)
    assert found[CALENDAR.day_of(NOON - 15 * DAY)].pauses
    assert found == anew(database)


def test_a_day_before_anything_is_known_is_the_same_whether_it_was_asked_for_before_or_not(
    database: Database, clock: ManualClock
) -> None:
    look(database, "door", 62, 0)
    assert CALENDAR.day_of(NOON - 61 * DAY) in past(database)
    clock.now += 5 * DAY
    look(database, "door", 1, -5)
    found = past(database)
    assert CALENDAR.day_of(NOON - 61 * DAY) not in found  # nobody came in the two months since
    assert found == anew(database)


def test_one_event_of_a_wrong_clock_changes_few_days(database: Database) -> None:
    database.events.add(STORE.id, [event(n, NOON - n * DAY) for n in range(70)]).result()
    assert past(database)
    database.events.add(STORE.id, [event(99, NOON - 68 * DAY), event(100, NOON)]).result()
    assert len(database.rows("SELECT 1 FROM days WHERE stale = 1")) < 35
    found = past(database)
    assert found[CALENDAR.day_of(NOON - 68 * DAY)].entered == 2
    assert found == anew(database)


def test_a_history_begins_later_without_the_coverage_that_connected_it(database: Database) -> None:
    """A box was first heard of today, with what it had counted weeks ago; in between its camera looked at nobody."""
    database.events.add(STORE.id, [event(1, NOON), event(2, NOON - 30 * DAY)]).result()
    look(database, "door", 30, 1)
    assert database.events.history(STORE.id) == History(NOON - 30 * DAY, NOON)
    removal = Removals(database).remove(Stretch(STORE.id, NOON - 20 * DAY, NOON - 2 * DAY), "test")
    assert database.events.history(STORE.id) == History(NOON, NOON)
    Removals(database).restore(removal.n)
    assert database.events.history(STORE.id) == History(NOON - 30 * DAY, NOON)
    assert past(database) == anew(database)
