"""Copy everything that can still be read of a damaged journal into a new one, row by row around what is damaged."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from itertools import islice
from pathlib import Path
from typing import Any

from metrica.context import give_to_owner
from metrica.journal.schema import COLUMNS, SUM_COLUMNS, create, is_event, transaction

_BATCH = 1000
_SMALLEST_ROW = 40  # bytes of an event in the file, at least

Row = tuple[Any, ...]


def rebuild(damaged: Path, new: Path) -> int:
    """Make the journal `new` of what can be read of `damaged`. Returns how many events that are.

    Raises:
        sqlite3.Error, OSError: `new` cannot be written: nothing is lost, and it can be tried again.
    """
    for suffix in ("", "-journal"):
        Path(f"{new}{suffix}").unlink(missing_ok=True)
    fd = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    give_to_owner(fd, new.parent)
    os.close(fd)
    with closing(sqlite3.connect(new, isolation_level=None)) as target:
        target.execute("PRAGMA synchronous = FULL")
        create(target)
        with closing(sqlite3.connect(damaged, isolation_level=None)) as old:
            old.text_factory = _text
            _copy(_events(old, damaged), target, "event", COLUMNS)
            _copy(_sums(old), target, "event_sum", SUM_COLUMNS)
        return int(target.execute("SELECT coalesce(sum(events), 0) FROM tally").fetchone()[0])


def _copy(rows: Iterator[Row], target: sqlite3.Connection, table: str, columns: str) -> None:
    marks = ", ".join("?" for _ in columns.split(","))
    statement = f"INSERT INTO {table} ({columns}) VALUES ({marks}) ON CONFLICT DO NOTHING"
    while batch := list(islice(rows, _BATCH)):
        with transaction(target):
            target.executemany(statement, batch)


def _text(value: bytes) -> object:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value  # not a text, so the row is no event; an error here would end the query


def _events(old: sqlite3.Connection, path: Path) -> Iterator[Row]:
    """The readable events in the order of their positions."""
    first, last = _bounds(old, path)
    select = f"SELECT {COLUMNS} FROM event NOT INDEXED WHERE position"
    one, rest = f"{select} = ?1", f"{select} BETWEEN ?1 AND ?2 ORDER BY position"
    is_alone = False
    while first <= last:
        begin = first
        try:
            for row in old.execute(one if is_alone else rest, (begin,) if is_alone else (begin, last)):
                first = row[0] + 1
                if is_event(row):
                    yield row
        except sqlite3.DatabaseError:
            # It may have come while Python fetched the row before the damaged one, and has taken that with it: so the
            # next position is read alone. If that is the damaged one, go past it.
            first += is_alone
            is_alone = not is_alone
        else:
            if not is_alone:
                return
            first, is_alone = begin + 1, False


def _bounds(old: sqlite3.Connection, path: Path) -> tuple[int, int]:
    """The lowest and the highest position that an event may have."""
    low: list[int] = []
    high: list[int] = []
    if not _first(old, "SELECT count(*) FROM sqlite_master"):
        return 1, 0  # not even the first page is one of SQLite's
    sources = ("event NOT INDEXED", "event INDEXED BY event_state", "event INDEXED BY event_changed")
    for source in sources:
        low += _first(old, f"SELECT position FROM {source} ORDER BY position LIMIT 1")
        high += _first(old, f"SELECT position FROM {source} ORDER BY position DESC LIMIT 1")
    high += _first(old, "SELECT seq FROM sqlite_sequence WHERE name = 'event'")
    room = path.stat().st_size // _SMALLEST_ROW
    if not high:
        return 1, room
    # Where the first row itself cannot be read, `low` is not known: no more rows than fit into the file are before it.
    return max(1, min([*low, max(high) - room])), max(high)


def _first(old: sqlite3.Connection, query: str) -> list[int]:
    with suppress(sqlite3.DatabaseError):
        return [row[0] for row in old.execute(query) if isinstance(row[0], int)]
    return []


def _sums(old: sqlite3.Connection) -> Iterator[Row]:
    """The readable sums: from the first to the damage, then from the last back to it."""
    for order in ("", "ORDER BY seconds DESC, start DESC, kind DESC, camera DESC, line DESC, direction DESC"):
        try:
            for row in old.execute(f"SELECT {SUM_COLUMNS} FROM event_sum {order}"):
                if tuple(type(value) for value in row) == (str, str, str, str, int, int, int, int):
                    yield row
        except sqlite3.DatabaseError:
            continue
        return
