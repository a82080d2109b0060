"""What tests need of SQLite itself, behind the interface."""

from __future__ import annotations

import sqlite3
from typing import cast

from metrica.dashboard.database.interface import Connection
from metrica.dashboard.database.sqlite.engine import SqliteEngine
from metrica.dashboard.store.database import Database


def sqlite(db: Connection) -> sqlite3.Connection:
    """Return the connection of SQLite that a job was given."""
    assert isinstance(db, sqlite3.Connection)
    return db


def engine(database: Database) -> SqliteEngine:
    """Return what is behind a database."""
    return cast(SqliteEngine, database._engine)  # pyright: ignore[reportPrivateUsage]
