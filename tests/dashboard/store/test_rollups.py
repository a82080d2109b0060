"""The sums per quarter of an hour equal the rows that they are sums of, whatever was done to these."""

from __future__ import annotations

import sqlite3
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
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

STORES = (Store("tunis-01", "Africa/Tunis"), Store("delhi-01", "Asia/Kolkata"))
DAY = 24 * HOUR
_SUMS = (
    "SELECT store, time - time % 900000000000, camera, line, sum(direction = 1), sum(direction = -1)"
    " FROM events GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4"
)


def sums(database: Database) -> tuple[list[Any], list[Any]]:
    """What the sums should be."""
    looked: dict[tuple[str, int, str], int] = {}
    for store, camera, start, end in database.rows('SELECT store, camera, start, "end" FROM watched'):
        for quarter, ns in quarters_of(start, end):
            looked[store, quarter, camera] = looked.get((store, quarter, camera), 0) + ns
    return database.rows(_SUMS), [(*key, ns) for key, ns in sorted(looked.items())]


def kept(database: Database) -> tuple[list[Any], list[Any]]:
    """What they are."""
    return (
        database.rows("SELECT store, quarter, camera, line, entered, left_ FROM quarters ORDER BY 1, 2, 3, 4"),
        database.rows("SELECT store, quarter, camera, ns FROM looked ORDER BY 1, 2, 3"),
    )


def histories(database: Database) -> list[Any]:
    """What is known of the stores' histories now, and what is found when it is looked for anew."""
    table = HistoryTable(database)
    now = [table.get(store.id) for store in STORES]
    database.write(lambda db: db.execute("UPDATE histories SET known = 0")).result()
    anew = [table.get(store.id) for store in STORES]
    return [(a.history, a.newest_look, b.history, b.newest_look) for a, b in zip(now, anew, strict=True)]


stores = st.sampled_from([store.id for store in STORES])
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


def do(database: Database, deed: str, store: str, what: Any) -> None:
    if database.stores.get(store) is None:
        database.stores.put(next(one for one in STORES if one.id == store))
    if deed == "events":
        database.events.add(store, what).result()
    elif deed == "look":
        camera, start, minutes = what
        database.coverage.add(store, [Span(camera=camera, start=start, end=start + minutes * MINUTE)]).result()
    elif deed == "remove":
        camera, start, minutes = what
        Removals(database).remove(Stretch(store, start, start + minutes * MINUTE, camera), "test")
    elif deed == "restore":
        removals = [one for one in Removals(database).all() if one.stretch.store == store]
        if removals:
            Removals(database).restore(removals[what % len(removals)].n)
    else:
        Erasure(database).erase(store)


@settings(deadline=None, max_examples=30)
@given(deeds)
def test_whatever_is_done_the_sums_are_those_of_the_rows(todo: list[Any]) -> None:
    with tempfile.TemporaryDirectory() as folder, Database(Path(folder) / "m.db", clock=lambda: NOON) as database:
        for store in STORES:
            database.stores.put(store)
        for deed in todo:
            do(database, *deed)
            assert kept(database) == sums(database)
            for before, look, anew, look_anew in histories(database):
                assert (before, look) == (anew, look_anew)


def test_a_database_from_before_the_sums_gets_them(tmp_path: Path) -> None:
    path = tmp_path / "metrica.db"
    with Database(path, clock=lambda: NOON) as database:
        for store in STORES:
            database.stores.put(store)
            some = [
                Event(id=f"{n}", camera="door", line="main", direction="in", track=1, time=NOON - n * 7 * MINUTE)
                for n in range(300)
            ]
            database.events.add(store.id, some).result()
            spans = [Span(camera="door", start=NOON - n * HOUR, end=NOON - n * HOUR + 50 * MINUTE) for n in range(90)]
            database.coverage.add(store.id, [*spans, Span(camera="back", start=NOON, end=NOON + DAY)]).result()
        before, history = kept(database), histories(database)
    without_sums(path)
    with Database(path) as database:
        assert kept(database) == before == sums(database)
        assert histories(database) == history


def test_a_long_span_is_summed_in_short_writes(tmp_path: Path) -> None:
    with Database(tmp_path / "metrica.db", clock=lambda: NOON) as database:
        database.stores.put(STORES[0])
        span = Span(camera="door", start=NOON - 400 * DAY + 1, end=NOON)
        database.coverage.add(STORES[0].id, [span]).result()
        assert database.coverage.since(STORES[0].id, 0) == {"door": [(span.start, span.end)]}
        assert database.rows("SELECT count(*) FROM looked") == [(400 * DAY // QUARTER,)]
        assert kept(database) == sums(database)


def without_sums(path: Path) -> None:
    """Make a database as it was before there were sums."""
    with sqlite3.connect(path) as old:
        for table in ("quarters", "looked", "days", "histories"):
            old.execute(f"DROP TABLE {table}")
        for column in ("sums_days", "sums_since"):
            old.execute(f"ALTER TABLE retention DROP COLUMN {column}")
        old.execute("DELETE FROM _sqlite_migrations WHERE name >= 'm009'")
    old.close()
