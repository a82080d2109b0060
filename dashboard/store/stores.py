"""The stores and their settings, in the database."""

from __future__ import annotations

from dataclasses import asdict

from metrica.dashboard.kpis.store import Store
from metrica.dashboard.store.file import DatabaseFile

_COLUMNS = "id, timezone, cutoff_hour, empty_hour, recall, precision"


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
