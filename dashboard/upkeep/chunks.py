"""Long work on the database in short writes, so that a server that writes too never waits long."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

from metrica.dashboard.database.interface import Connection, Engine

T = TypeVar("T")
Part = Callable[[Connection, Sequence[T]], object]
"""Changes the rows of some items, inside a write."""

_GOAL = 0.03  # s that one write shall take, without its commit
_LEAST, _FIRST, _MOST = 50, 500, 5000  # rows of one write


def in_chunks(file: Engine, work: Callable[[Connection, int], int]) -> int:
    """Call `work` in a write of its own, again and again, until it has nothing to do. Returns the sum of its results.

    work: is given the connection and the most rows to change, and returns how many it has changed.
    """
    rows, total = _FIRST, 0
    while True:
        done, took = file.write(partial(_timed, work, rows)).result()
        total += done
        if not done:
            return total
        rows = _next(rows, took)


def each_in_chunks(file: Engine, items: Sequence[T], work: Callable[[Connection, Sequence[T]], object]) -> None:
    """Call `work` in writes of its own, with some of the items after the other, until all were done."""
    place, rows = 0, _FIRST

    def some(db: Connection, most: int) -> int:
        part = items[place : place + most]
        work(db, part)
        return len(part)

    while place < len(items):
        done, took = file.write(partial(_timed, some, rows)).result()
        place, rows = place + done, _next(rows, took)


def delete_in_chunks(file: Engine, table: str, where: str, *values: object) -> int:
    """Delete the rows of a table for which a condition holds, a few at a time. Returns how many went.

    where: the condition, and values: those of its `?`.
    """
    # PostgreSQL needs the condition twice, or it looks into every month; SQLite would look through all of them.
    twice = file.kind == "postgresql"

    def some(db: Connection, most: int) -> int:
        key = ", ".join(file.key_of(db, table))
        # The number stands in the statement, so that the server knows that it is about few rows.
        found = f'({key}) IN (SELECT {key} FROM "{table}" WHERE {where} LIMIT {most:d})'
        sql = f'DELETE FROM "{table}" WHERE {f"{where} AND " if twice else ""}{found}'
        return db.execute(sql, (*values, *values) if twice else values).rowcount

    return in_chunks(file, some)


def _timed(work: Callable[[Connection, int], int], rows: int, db: Connection) -> tuple[int, float]:
    began = time.monotonic()
    done = work(db, rows)
    return done, time.monotonic() - began


def _next(rows: int, took: float) -> int:
    """Wait, and return how many rows the next write changes. took: how long the last one took, seconds."""
    time.sleep(max(took, 0.01))  # the others have as much time as this one
    return max(_LEAST, min(_MOST, round(rows * min(2.0, _GOAL / max(took, 0.001)))))
