"""Statements that are made of a row's names and values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from metrica.dashboard.database.interface import Connection


def upsert(db: Connection, table: str, key: str, row: Mapping[str, Any]) -> None:
    """Insert a row, or change the one that has its key. Names are those of columns, never what somebody has said."""
    columns = ", ".join(f'"{name}"' for name in row)
    changes = ", ".join(f'"{name}" = excluded."{name}"' for name in row if name != key)
    db.execute(
        f"INSERT INTO {table} ({columns}) VALUES ({', '.join('?' * len(row))})"
        f" ON CONFLICT ({key}) DO UPDATE SET {changes}",
        tuple(row.values()),
    )


def lock_row(db: Connection, table: str, key: str, value: str) -> bool:
    """Keep other writes that lock the same row out until this transaction ends, also those of other programs.

    What is read after it is as they have left it. Returns False, and keeps nobody out, if there is no such row.
    """
    # An update that changes nothing: "FOR UPDATE" is not in SQLite's language.
    return db.execute(f"UPDATE {table} SET {key} = {key} WHERE {key} = ?", (value,)).rowcount > 0
