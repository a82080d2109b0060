"""Whatever a database holds, its copy holds: from SQLite to PostgreSQL and back, every row and every figure."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from metrica.dashboard.copying.copying import CopiedTable, copy, sums_of
from metrica.dashboard.copying.sums import Sum
from metrica.dashboard.kpis.store import Store
from metrica.dashboard.reports.reports import Reports
from metrica.dashboard.store.database import Database
from metrica.dashboard.store.records import Event, Span
from metrica.dashboard.store.users import User
from metrica.dashboard.upkeep.export import KINDS
from metrica.dashboard.upkeep.removals import Removals, Stretch
from metrica.dashboard.upkeep.retention import Retention
from metrica.dashboard.web.passwords import hashed, is_right
from tests.dashboard.client import NOON, STORE, ManualClock
from tests.dashboard.copying.rows import Seed, plant, schema, seeds
from tests.dashboard.database.places import Place
from tests.dashboard.database.server import Server
from tests.dashboard.footfall import footfall

DAY = 24 * 3600 * 10**9
TABLES = schema()
NO_SHRINKING = (Phase.explicit, Phase.reuse, Phase.generate)  # an example takes a second
SLOW = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large]
NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=8)


def without_audit(sums: tuple[CopiedTable, ...]) -> list[CopiedTable]:
    """The sums of all tables but the one into which a copy writes that it was made."""
    return sorted((table for table in sums if table.name != "audit"), key=lambda table: table.name)


@settings(max_examples=5, deadline=None, phases=NO_SHRINKING, suppress_health_check=SLOW)
@given(seed=seeds(TABLES))
def test_any_rows_of_any_table_are_the_same_there_and_back(
    tmp_path_factory: pytest.TempPathFactory, postgresql_server: Server, seed: Seed
) -> None:
    folder = tmp_path_factory.mktemp("copies")
    Database(folder / "metrica.db").close()
    plant(folder / "metrica.db", TABLES, seed)
    url = postgresql_server.new_database()
    try:
        before = sums_of(folder / "metrica.db")
        assert {table.name for table in before} == {table.name for table in TABLES}
        there = copy(folder / "metrica.db", url, note=False)
        back = copy(url, folder / "back.db", note=False)
        assert sorted(there.tables, key=str) == sorted(back.tables, key=str) == sorted(before, key=str)
        assert sums_of(folder / "metrica.db") == before, "the source stays as it was"
    finally:
        postgresql_server.drop(url)


@st.composite
def histories(draw: st.DrawFn) -> list[Event]:
    """Crossings of several cameras, most of them of the last weeks, and some from clocks that are wrong by decades."""
    times = st.one_of(st.integers(NOON - 40 * DAY, NOON), st.integers(0, 4_300_000_000 * 10**9))
    crossings = draw(
        st.lists(
            st.tuples(NAMES, st.sampled_from(["door", "back", "باب"]), st.sampled_from(["in", "out"]), times),
            max_size=40,
            unique_by=lambda row: row[0],
        )
    )
    return [
        Event(id=name, camera=camera, line="main", direction=way, track=n, time=time)  # type: ignore[arg-type]
        for n, (name, camera, way, time) in enumerate(crossings)
    ]


def fill(database: Database, events: list[Event], label: str) -> str:
    """A store as it is after some weeks, with all that people have done to it. Returns its token."""
    database.stores.put(STORE)
    database.stores.put(Store("sfax-01", "UTC"))
    database.events.add(STORE.id, footfall(STORE.timezone, date(2026, 11, 21), 9)).result()
    database.events.add("sfax-01", events).result()
    looked = [Span(camera="door", start=NOON - 30 * DAY, end=NOON - 2 * DAY), Span(camera="back", start=1, end=2)]
    database.coverage.add(STORE.id, looked).result()
    database.empty_marks.add(STORE.id, "leila")
    Removals(database).remove(Stretch(STORE.id, NOON - 9 * DAY, NOON - 8 * DAY), label or "x")
    Retention(database).choose(STORE.id, 500)
    database.users.put(User("amel", hashed("her password")))
    return database.tokens.create(STORE.id, label)


def figures(place: Place) -> list[Any]:
    """All that the pages and the exports say."""
    with Database(place, clock=ManualClock()) as database:
        said: list[Any] = []
        for store in database.stores.all():
            said.append(Reports(database).daily(store, NOON, 60))
            said.append(Reports(database).headline(store, NOON))
            for kind, (rows, _) in KINDS.items():
                since = (
                    0 if kind in ("events", "coverage") else NOON - 20 * DAY
                )  # an hour each since 1970 would be many
                said.append(list(rows(database, store, since, 1 << 62)))
        said.append([database.tokens.of_store(store.id) for store in database.stores.all()])
        said.append([database.users.all(), Removals(database).all(), database.audit.all()])
        return said


@settings(max_examples=2, deadline=None, phases=NO_SHRINKING, suppress_health_check=SLOW)
@given(events=histories(), label=NAMES)
def test_every_figure_is_the_same_there_and_back_and_who_could_come_in_still_can(
    tmp_path_factory: pytest.TempPathFactory, postgresql_server: Server, events: list[Event], label: str
) -> None:
    folder = tmp_path_factory.mktemp("copies")
    url = postgresql_server.new_database()
    try:
        with Database(folder / "metrica.db", clock=ManualClock()) as database:
            token = fill(database, events, label)
        expected = figures(folder / "metrica.db")
        copy(folder / "metrica.db", url, note=False)
        assert figures(url) == expected
        with Database(url) as database:
            assert database.tokens.store_of(token) == STORE.id
            assert is_right(database.users.get("amel"), "her password")
        copy(url, folder / "back.db", note=False)
        assert figures(folder / "back.db") == expected
    finally:
        postgresql_server.drop(url)


VALUES = st.one_of(st.integers(-(1 << 63), (1 << 63) - 1), st.floats(allow_nan=False), st.text(max_size=5), st.none())
ROWS = st.lists(st.tuples(VALUES, VALUES), max_size=6)


def sum_of(rows: list[tuple[Any, ...]]) -> tuple[int, str]:
    total = Sum()
    total.add(rows)
    return total.rows, total.text


@given(ROWS, st.randoms(use_true_random=False))
def test_a_sum_does_not_depend_on_the_order_of_the_rows(rows: list[tuple[Any, ...]], shuffler: Any) -> None:
    mixed = list(rows)
    shuffler.shuffle(mixed)
    assert sum_of(mixed) == sum_of(rows)


@given(ROWS, ROWS)
def test_other_rows_have_another_sum_also_when_one_is_there_twice(
    one: list[tuple[Any, ...]], other: list[tuple[Any, ...]]
) -> None:
    def named(rows: list[tuple[Any, ...]]) -> list[str]:
        return sorted(repr(tuple(v + 0.0 if isinstance(v, float) else v for v in row)) for row in rows)

    assert (sum_of(one) == sum_of(other)) == (named(one) == named(other))
    if one:
        assert sum_of([*one, one[0]])[1] != sum_of(one)[1]
