"""What a new database holds: the few rows that the steps of the schema put there."""

from __future__ import annotations

import functools
import sqlite3
from typing import Any

from sqlite_utils import Database as SqliteDatabase

from metrica.dashboard.copying.tables import Table
from metrica.dashboard.database.sqlite.migrations import migrations


@functools.cache
def _new_database() -> sqlite3.Connection:
    conn = sqlite3.connect(":memory:", check_same_thread=False)
    migrations.apply(SqliteDatabase(conn, execute_plugins=False))
    return conn


def fresh_rows(table: Table) -> set[tuple[Any, ...]]:
    """Return the rows of a table in a database to which nobody has written yet."""
    conn = _new_database()
    if conn.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (table.name,)).fetchone() is None:
        return set()
    return set(conn.execute(table.select()).fetchall())
