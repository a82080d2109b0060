"""Long work on the database in short writes, so that a server that writes too never waits long."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

from sqlite_utils import Database as SqliteDatabase

from metrica.dashboard.store.file import DatabaseFile

_GOAL = 0.05  # s that one write shall take; a slow disk may take some times that for its commit
_LEAST, _FIRST, _MOST = 50, 500, 5000  # rows of one write


def in_chunks(file: DatabaseFile, work: Callable[[SqliteDatabase, int], int]) -> int:
    """Call `work` in a write of its own, again and again, until it has nothing to do. Returns the sum of its results.

    work: is given the connection and the most rows to change, and returns how many it has changed.
    """
    rows, total = _FIRST, 0
    while True:
        began = time.monotonic()
        done = file.write(partial(_limited, work, rows)).result()
        took = time.monotonic() - began
        total += done
        if not done:
            return total
        rows = max(_LEAST, min(_MOST, round(rows * min(2.0, _GOAL / max(took, 0.001)))))
        # SQLite does not queue the writers: a program that waits asks again every 100 ms at most. Without a pause,
        # this one would nearly always be first.
        time.sleep(max(took, 0.11))


def delete_in_chunks(file: DatabaseFile, sql: str, *values: object) -> int:
    """Run a DELETE again and again until it finds nothing. Its last `?` is the most rows. Returns how many went."""
    return in_chunks(file, lambda db, most: db.conn.execute(sql, (*values, most)).rowcount)


def _limited(work: Callable[[SqliteDatabase, int], int], rows: int, db: SqliteDatabase) -> int:
    return work(db, rows)
