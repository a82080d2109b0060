"""Retention and removals beside each other, and what a program leaves that is killed in the middle."""

from __future__ import annotations

import itertools
from collections.abc import Generator

import pytest

from metrica.dashboard.kpis.events import HOUR
from metrica.dashboard.reports.reports import Reports
from metrica.dashboard.store.database import Database
from metrica.dashboard.store.events import Added
from metrica.dashboard.upkeep import retention
from metrica.dashboard.upkeep.removals import Removals, Stretch
from metrica.dashboard.upkeep.retention import Retention
from metrica.dashboard.upkeep.sums import Sums
from tests.dashboard.client import NOON, STORE
from tests.dashboard.database.places import Place
from tests.dashboard.footfall import event

DAY = 24 * HOUR


@pytest.fixture
def database(place: Place) -> Generator[Database]:
    with Database(place, clock=lambda: NOON) as opened:
        opened.stores.put(STORE)
        yield opened


def fill(database: Database) -> None:
    """An event on each of the last sixty days."""
    database.events.add(STORE.id, [event(n, NOON - n * DAY) for n in range(60)]).result()


def test_an_id_twice_in_a_batch_is_one_event_though_one_of_them_was_removed(database: Database) -> None:
    fill(database)
    removals = Removals(database)
    removals.remove(Stretch(STORE.id, NOON - 5 * DAY - HOUR, NOON - 5 * DAY + HOUR), "test")
    twice = [event(99, NOON - 3 * DAY), event(99, NOON - 5 * DAY)]
    assert database.events.add(STORE.id, twice).result() == Added(1, 1)
    removals.remove(Stretch(STORE.id, NOON - 4 * DAY, NOON - 2 * DAY - HOUR), "test")
    assert sum(one.events for one in removals.all()) == 4
    for one in removals.all():
        removals.restore(one.n)
    assert database.events.count(STORE.id) == 61
    assert list(Sums(database).mismatches(STORE.id)) == []


def test_what_became_too_old_meanwhile_is_not_restored(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody restores a removal while old data are being removed."""
    fill(database)
    removal = Removals(database).remove(Stretch(STORE.id, NOON - 41 * DAY, NOON - 39 * DAY), "test")
    expired = Retention(database).expired(STORE, 30)
    really, done = retention.delete_in_chunks, list[str]()

    def one_by_one(file: Database, table: str, where: str, *values: object) -> int:
        gone = really(file, table, where, *values)
        done.append(table)
        if table == "events":
            Removals(database).restore(removal.n)
        return gone

    monkeypatch.setattr(retention, "delete_in_chunks", one_by_one)
    before = Reports(database).daily(STORE, NOON, 60)
    Retention(database).remove(expired)
    assert "events" in done
    oldest = database.rows("SELECT min(time) FROM events WHERE store = ?", STORE.id)[0][0]
    assert oldest is not None and oldest >= expired.since
    assert Reports(database).daily(STORE, NOON, 60) == before


def test_sums_stay_as_long_as_their_events(database: Database) -> None:
    fill(database)
    kept = Retention(database)
    kept.choose(STORE.id, 8)
    kept.choose_sums(STORE.id, 20)
    kept.remove(kept.expired(STORE, 30))  # as `metrica-admin retention --days 30 --yes` does
    assert kept.remove_sums(STORE) > 0
    assert database.events.count(STORE.id) == 31
    assert list(Sums(database).mismatches(STORE.id)) == []
    Removals(database).remove(Stretch(STORE.id, NOON - 26 * DAY, NOON - 24 * DAY), "test")
    assert database.rows("SELECT min(entered) FROM quarters") == [(1,)]


def test_sums_that_went_before_a_program_was_killed_are_no_data(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(database)
    kept = Retention(database)
    kept.choose(STORE.id, 8)
    kept.choose_sums(STORE.id, 20)
    kept.remove(kept.expired(STORE, 8))
    writes = itertools.count()
    really = database.write

    def killed(work: object, store: str = "") -> object:
        if getattr(work, "__name__", "") == "end":
            raise KeyboardInterrupt
        next(writes)
        return really(work, store)  # type: ignore[arg-type]

    monkeypatch.setattr(database, "write", killed)
    with pytest.raises(KeyboardInterrupt):
        kept.remove_sums(STORE)
    monkeypatch.undo()
    assert next(writes) > 0
    kept.remove_sums(STORE)
    days = {row.day.toordinal(): row.visitors for row in Reports(database).daily(STORE, NOON, 40)}
    assert [days[day] for day in sorted(days)] == [None] * 19 + [1] * 21
