"""The sums per quarter of an hour equal the rows that they are sums of, whatever was done to these."""

from __future__ import annotations

import itertools
import sqlite3
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from metrica.dashboard.kpis.events import HOUR, MINUTE, QUARTER
from metrica.dashboard.kpis.store import Store
from metrica.dashboard.store.database import Database
from metrica.dashboard.store.histories import HistoryTable
from metrica.dashboard.store.quarters import quarters_of
from metrica.dashboard.store.records import Event, Span
from metrica.dashboard.upkeep.erasure import Erasure
from metrica.dashboard.upkeep.removals import Removals, Stretch
from tests.dashboard.client import NOON
from tests.dashboard.database.places import Place

DAY = 24 * HOUR
NUMBERS = itertools.count()
_SUMS = (
    "SELECT time - time % 900000000000, camera, line, CAST(sum(CASE WHEN direction = 1 THEN 1 ELSE 0 END) AS BIGINT),"
    " CAST(sum(CASE WHEN direction = -1 THEN 1 ELSE 0 END) AS BIGINT)"
    " FROM events WHERE store = ? GROUP BY 1, 2, 3"
)


def new_stores(database: Database) -> dict[str, Store]:
    """Two stores that the database has not had before."""
    n = next(NUMBERS)
    made = {"a": Store(f"tunis-{n}", "Africa/Tunis"), "b": Store(f"delhi-{n}", "Asia/Kolkata")}
    for store in made.values():
        database.stores.put(store)
    return made


def sums(database: Database, store: str) -> tuple[list[Any], list[Any]]:
    """What the sums should be."""
    looked: dict[tuple[int, str], int] = {}
    for camera, start, end in database.rows('SELECT camera, start, "end" FROM watched WHERE store = ?', store):
        for quarter, ns in quarters_of(start, end):
            looked[quarter, camera] = looked.get((quarter, camera), 0) + ns
    return sorted(database.rows(_SUMS, store)), [(*key, ns) for key, ns in sorted(looked.items())]


def kept(database: Database, store: str) -> tuple[list[Any], list[Any]]:
    """What they are."""
    return (
        sorted(database.rows("SELECT quarter, camera, line, entered, left_ FROM quarters WHERE store = ?", store)),
        sorted(database.rows("SELECT quarter, camera, ns FROM looked WHERE store = ?", store)),
    )


def history(database: Database, store: str) -> list[Any]:
    """What is known of a store's history now, and what is found when it is looked for anew."""
    found: list[Any] = []
    for _ in range(2):
        known = HistoryTable(database).get(store)
        found.append((known.history, known.newest_look))
        database.write(lambda db: db.execute("UPDATE histories SET known = 0 WHERE store = ?", (store,))).result()
    return found


stores = st.sampled_from("ab")
cameras = st.sampled_from(("door", "back"))
moments = st.one_of(
    st.integers(0, 40).map(lambda n: NOON - n * 5 * MINUTE),
    st.integers(0, 500).map(lambda n: NOON - n * DAY - n * n * MINUTE),
)
batches = st.lists(
    st.builds(
        lambda n, camera, line, way, time: Event(
            id=f"{n}", camera=camera, line=line, direction="in" if way else "out", track=1, time=time
        ),
        st.integers(0, 30), cameras, st.sampled_from(("main", "side")), st.booleans(), moments,
    ),
    max_size=12,
)  # fmt: skip
deeds = st.lists(
    st.one_of(
        st.tuples(st.just("events"), stores, batches),
        st.tuples(st.just("look"), stores, st.tuples(cameras, moments, st.integers(0, 3 * 24 * 60))),
        st.tuples(st.just("remove"), stores, st.tuples(st.none() | cameras, moments, st.integers(1, 30 * 24 * 60))),
        st.tuples(st.just("restore"), stores, st.integers(0, 5)),
        st.tuples(st.just("erase"), stores, st.none()),
    ),
    max_size=12,
)


def do(database: Database, deed: str, store: Store, what: Any) -> None:
    if database.stores.get(store.id) is None:
        database.stores.put(store)
    if deed == "events":
        database.events.add(store.id, what).result()
    elif deed == "look":
        camera, start, minutes = what
        database.coverage.add(store.id, [Span(camera=camera, start=start, end=start + minutes * MINUTE)]).result()
    elif deed == "remove":
        camera, start, minutes = what
        Removals(database).remove(Stretch(store.id, start, start + minutes * MINUTE, camera), "test")
    elif deed == "restore":
        removals = [one for one in Removals(database).all() if one.stretch.store == store.id]
        if removals:
            Removals(database).restore(removals[what % len(removals)].n)
    else:
        Erasure(database).erase(store.id)


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(deeds)
def test_whatever_is_done_the_sums_are_those_of_the_rows(place: Place, todo: list[Any]) -> None:
    with Database(place, clock=lambda: NOON) as database:
        made = new_stores(database)
        for deed, store, what in todo:
            do(database, deed, made[store], what)
            for one in made.values():
                assert kept(database, one.id) == sums(database, one.id)
                now, anew = history(database, one.id)
                assert now == anew


def test_a_database_from_before_the_sums_gets_them(tmp_path: Path) -> None:
    path = tmp_path / "metrica.db"
    with Database(path, clock=lambda: NOON) as database:
        made = [store.id for store in new_stores(database).values()]
        for store in made:
            some = [
                Event(id=f"{n}", camera="door", line="main", direction="in", track=1, time=NOON - n * 7 * MINUTE)
                for n in range(300)
            ]
            database.events.add(store, some).result()
            spans = [Span(camera="door", start=NOON - n * HOUR, end=NOON - n * HOUR + 50 * MINUTE) for n in range(90)]
            database.coverage.add(store, [*spans, Span(camera="back", start=NOON, end=NOON + DAY)]).result()
        before = [(kept(database, store), history(database, store)) for store in made]
        assert before[0][0] == sums(database, made[0])
    without_sums(path)
    with Database(path) as database:
        assert [(kept(database, store), history(database, store)) for store in made] == before


def test_a_long_span_is_summed_in_short_writes(place: Place) -> None:
    with Database(place, clock=lambda: NOON) as database:
        store = new_stores(database)["a"].id
        span = Span(camera="door", start=NOON - 400 * DAY + 1, end=NOON)
        database.coverage.add(store, [span]).result()
        assert database.coverage.since(store, 0) == {"door": [(span.start, span.end)]}
        assert len(kept(database, store)[1]) == 400 * DAY // QUARTER
        assert kept(database, store) == sums(database, store)


def without_sums(path: Path) -> None:
    """Make a database as it was before there were sums."""
    with sqlite3.connect(path) as old:
        for table in ("quarters", "looked", "days", "histories"):
            old.execute(f"DROP TABLE {table}")
        for column in ("sums_days", "sums_since"):
            old.execute(f"ALTER TABLE retention DROP COLUMN {column}")
        old.execute("DELETE FROM _sqlite_migrations WHERE name = 'm009_rollups'")
    old.close()
