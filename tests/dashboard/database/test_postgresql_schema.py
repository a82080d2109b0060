"""PostgreSQL has the tables that SQLite has, and three of its own."""

from __future__ import annotations

import random
from pathlib import Path

from metrica.dashboard.store.database import Database
from metrica.dashboard.store.gone import tables_of_stores

_OWN = {
    ("event_ids", "store"): ("TEXT", True),
    ("event_ids", "id"): ("TEXT", True),
    ("metrica_steps", "name"): ("TEXT", True),
    ("metrica_steps", "taken"): ("INTEGER", True),
    ("metrica_identity", "identity"): ("TEXT", True),
}
_KINDS = {"bigint": "INTEGER", "text": "TEXT", "double precision": "REAL"}


def test_each_table_has_the_same_columns_with_the_same_types(postgresql: str, tmp_path: Path) -> None:
    with Database(tmp_path / "metrica.db") as file:
        expected = {
            (table, column): (kind, bool(required or key))
            for table, column, kind, required, key in file.rows(
                'SELECT m.name, c.name, c.type, c."notnull", c.pk FROM sqlite_master m, pragma_table_info(m.name) c'
                " WHERE m.type = 'table' AND m.name NOT LIKE '%sqlite%'"
            )
        }
    with Database(postgresql) as database:
        found = {
            (table, column): (_KINDS[kind], required == "NO")
            for table, column, kind, required in database.rows(
                "SELECT c.table_name, c.column_name, c.data_type, c.is_nullable FROM information_schema.columns c"
                " JOIN pg_class t ON t.oid = c.table_name::regclass AND NOT t.relispartition"
                " WHERE c.table_schema = current_schema()"
            )
        }
    assert {place: kind for place, kind in found.items() if place not in _OWN} == expected
    assert {place: kind for place, kind in found.items() if place in _OWN} == _OWN


def test_every_text_is_in_the_order_of_its_bytes_whatever_the_servers_language(postgresql: str) -> None:
    names = ["Zaghouan", "sfax", "Sfax", "élan", "ariana", "تونس", "a-1", "a1", "A1"]
    random.Random(1).shuffle(names)
    with Database(postgresql) as database:
        others = database.rows(
            "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = current_schema()"
            " AND data_type = 'text' AND collation_name IS DISTINCT FROM 'C' AND table_name NOT LIKE 'metrica_%'"
        )
        assert others == []
        for name in names:
            database.write(lambda db, name=name: db.execute("INSERT INTO users VALUES (?, 'x', 1)", (name,))).result()  # type: ignore[misc]
        assert [user.name for user in database.users.all()] == sorted(names)


def test_the_tables_of_stores_are_the_same_ones_in_an_order_that_can_be_deleted(
    postgresql: str, tmp_path: Path
) -> None:
    with Database(tmp_path / "metrica.db") as file, Database(postgresql) as database:
        expected = file.write(lambda db: tables_of_stores(file, db)).result()
        found = database.write(lambda db: tables_of_stores(database, db)).result()
    assert set(found) == {*expected, "event_ids"}
    for one, other in (("removed_events", "removals"), ("removed_watched", "removals")):
        assert found.index(one) < found.index(other)


def test_sums_and_means_come_back_as_plain_numbers(postgresql: str) -> None:
    with Database(postgresql) as database:
        ((whole, mean, half),) = database.rows("SELECT sum(n), avg(n), 0.5 FROM (VALUES (1::bigint), (2)) v (n)")
        assert (whole, mean, half) == (3, 1.5, 0.5)
        assert (type(whole), type(mean), type(half)) == (int, float, float)
        assert database.rows("SELECT coalesce(?, 0) + 1", True) == [(2,)]
