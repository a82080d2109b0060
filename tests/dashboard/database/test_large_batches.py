"""A large batch of events, which PostgreSQL copies if all are new, and looks at one by one if they are not."""

from __future__ import annotations

from pathlib import Path

from metrica.dashboard.kpis.store import Store
from metrica.dashboard.store.database import Database
from metrica.dashboard.store.events import Added
from metrica.dashboard.store.records import Event

NOW = 1_795_000_000_000_000_000
ODD = ("\\N", "\\.", "back\\slash", "بوّابة", "a'b\"c", "%s $1 {}", "\\t")


def event(number: int, time: int = NOW, name: str = "") -> Event:
    return Event(
        id=name or f"door/main/1/{number}", camera="door", line="main", direction="in", track=number, time=time
    )


def test_what_is_new_of_a_large_batch_is_kept_and_the_rest_changes_nothing(place: Path | str) -> None:
    with Database(place) as database:
        database.stores.put(Store("shop", "UTC"))
        assert database.events.add("shop", [event(n) for n in range(200)]).result() == Added(200, 0)
        again = [event(n, NOW + 1) for n in range(100, 300)]
        assert database.events.add("shop", [*again, *again]).result() == Added(100, 300)
        assert database.events.add("shop", [event(n) for n in range(300)]).result() == Added(0, 300)
        rows = database.rows("SELECT id, time FROM events WHERE store = ?", "shop")
        assert sorted(rows) == sorted((f"door/main/1/{n}", NOW if n < 200 else NOW + 1) for n in range(300))


def test_the_names_of_a_large_batch_are_kept_as_they_are(place: Path | str) -> None:
    with Database(place) as database:
        database.stores.put(Store("shop", "UTC"))
        batch = [*(event(n, name=name) for n, name in enumerate(ODD)), *(event(n) for n in range(100))]
        assert database.events.add("shop", batch).result() == Added(len(batch), 0)
        kept = {row[0] for row in database.rows("SELECT id FROM events WHERE store = ?", "shop")}
        assert set(ODD) < kept


def test_the_same_id_in_another_store_is_another_event(place: Path | str) -> None:
    with Database(place) as database:
        for name in ("one", "two"):
            database.stores.put(Store(name, "UTC"))
            assert database.events.add(name, [event(n) for n in range(100)]).result() == Added(100, 0)
