"""Copy what can still be read of a damaged journal into a new one."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from metrica.journal.schema import COLUMNS, REFUSED, SENT, UNSENT, transaction


def carry_over(aside: Path, new: sqlite3.Connection) -> int:
    """Copy the readable rows of the damaged journal `aside` into `new`. Returns how many rows `new` holds then."""
    try:
        with closing(sqlite3.connect(aside, isolation_level=None)) as old, transaction(new):
            new.executemany(
                f"INSERT INTO event ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING", _readable(old)
            )
            return int(new.execute("SELECT count(*) FROM event").fetchone()[0])
    except sqlite3.Error:
        return 0  # nothing is lost: the rows are still in the file that was moved aside


def _readable(old: sqlite3.Connection) -> Iterator[tuple[Any, ...]]:
    """The rows from the first up to the damage, then those from the last back to the damage."""
    for order in ("ASC", "DESC"):
        try:
            for row in old.execute(f"SELECT {COLUMNS} FROM event NOT INDEXED ORDER BY position {order}"):
                kinds = tuple(type(value) for value in row[:6])
                if kinds == (int, str, str, bytes, int, int) and row[4] in (UNSENT, SENT, REFUSED):
                    yield row
        except sqlite3.DatabaseError:
            continue
        return
