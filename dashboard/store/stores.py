"""The stores and their settings, in the database."""

from __future__ import annotations

from dataclasses import asdict

from sqlite_utils import Database as SqliteDatabase

from metrica.dashboard.kpis.store import Store
from metrica.dashboard.store.file import DatabaseFile

_COLUMNS = "id, timezone, cutoff_hour, empty_hour, recall, precision"
_DATA = ("events", "watched", "empties")  # the tables of what a store's boxes and users said


class StoreTable:
    """The stores of a database."""

    def __init__(self, file: DatabaseFile) -> None:
        self._file = file

    def all(self) -> list[Store]:
        """Return every store, in order of their ids."""
        return [Store(*row) for row in self._file.rows(f"SELECT {_COLUMNS} FROM stores ORDER BY id")]

    def get(self, store: str) -> Store | None:
        """Return the store with this id; None if there is none."""
        rows = self._file.rows(f"SELECT {_COLUMNS} FROM stores WHERE id = ?", store)
        return Store(*rows[0]) if rows else None

    def put(self, store: Store) -> None:
        """Add a store, or replace the settings of the one with this id."""
        self._file.write(lambda db: db.table("stores").upsert(asdict(store), pk="id")).result()

    def remove(self, store: str) -> bool:
        """Remove a store with its tokens. Returns False, and changes nothing, if it has data."""

        def delete(db: SqliteDatabase) -> bool:
            for table in _DATA:
                if db.conn.execute(f"SELECT 1 FROM {table} WHERE store = ? LIMIT 1", (store,)).fetchone():
                    return False
            db.conn.execute("DELETE FROM tokens WHERE store = ?", (store,))
            db.conn.execute("DELETE FROM stores WHERE id = ?", (store,))
            return True

        return self._file.write(delete).result()
