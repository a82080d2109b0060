"""What a new database holds: the few rows that the steps of the schema put there."""

from __future__ import annotations

import contextlib
import sqlite3
from typing import Any

from sqlite_utils import Database as SqliteDatabase

from metrica.dashboard.copying.tables import Table
from metrica.dashboard.database.sqlite.migrations import migrations


def fresh_rows(table: Table) -> set[tuple[Any, ...]]:
    """Return the rows of a table in a database to which nobody has written yet."""
    with contextlib.closing(sqlite3.connect(":memory:")) as conn:
        migrations.apply(SqliteDatabase(conn, execute_plugins=False))
        return set(conn.execute(table.select()).fetchall())
