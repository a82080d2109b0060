"""The copy itself: every table in an order in which nothing is missing, then read again and compared."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from metrica.dashboard.copying.ends import End, Source, Target
from metrica.dashboard.copying.sqlite import sqlite_source, sqlite_target
from metrica.dashboard.copying.sums import Sum
from metrica.dashboard.copying.tables import Table, in_order, require_same
from metrica.dashboard.database.errors import DatabaseDamagedError, DatabaseError
from metrica.dashboard.store.audit import COMMAND, record
from metrica.dashboard.store.database import check_place


@dataclass(frozen=True, slots=True)
class CopiedTable:
    """What became of a table."""

    name: str
    rows: int
    sum: str
    """The sum of its rows, see `Sum`: the same on both sides."""


@dataclass(frozen=True, slots=True)
class Copied:
    """What became of a copy."""

    source: str
    target: str
    moment: int
    """What was written to the source up to this time (ns UTC) is in the copy, and nothing that came later."""
    in_use: bool
    """Whether another program had the source open."""
    tables: tuple[CopiedTable, ...]


def copy(
    source: Path | str, target: Path | str, stopped: Callable[[], bool] = lambda: False, *, note: bool = True
) -> Copied:
    """Copy all that a database holds into an empty one. It is there whole, compared and on the disk, or not at all.

    Places are those of `Database`. The source is read as it is at one moment, while others may write to it; secrets
    travel as the hashes that they are kept as. A SQLite target must not exist; one of PostgreSQL must hold no more
    than a new one. note: write an entry into the target's audit log.
    stopped: asked now and then; True gives the copy up. Raises DatabaseError, and ValueError for what is no address.
    """
    for place in (source, target):
        check_place(place)
    with source_of(source) as old, _target_of(target) as new:
        tables = in_order(old.tables())
        require_same({table.name: table for table in tables}, new.tables(), (old.name, new.name))
        new.empty(tables)
        sums, last = _write(old, new, tables, stopped)
        new.finish(tables, last)
        for table in tables:
            found = _sum(new, table, stopped)
            if (found.rows, found.text) != (sums[table.name].rows, sums[table.name].text):
                raise DatabaseDamagedError(
                    f"the table {table.name} has come into {new.name} with other rows ({found.rows} rows, sum"
                    f" {found.text}) than {old.name} has ({sums[table.name].rows}, {sums[table.name].text}): nothing"
                    " is kept of the copy"
                )
        if note:
            record(new.connection, time.time_ns(), COMMAND, "database copied", old.label)
        copied = tuple(CopiedTable(table.name, sums[table.name].rows, sums[table.name].text) for table in tables)
        return Copied(old.name, new.name, old.moment, old.in_use, copied)


def sums_of(place: Path | str) -> tuple[CopiedTable, ...]:
    """Return the sums of a database as it is now. Raises DatabaseError."""
    check_place(place)
    with source_of(place) as end:
        tables = in_order(end.tables())
        found = {table.name: _sum(end, table, lambda: False) for table in tables}
        return tuple(CopiedTable(table.name, found[table.name].rows, found[table.name].text) for table in tables)


def source_of(place: Path | str) -> AbstractContextManager[Source]:
    """Open a database to read all of it. Raises DatabaseError."""
    if isinstance(place, Path):
        return sqlite_source(place)
    from metrica.dashboard.copying.postgresql import postgresql_source  # needs the extra metrica[postgresql]

    return postgresql_source(place)


def _target_of(place: Path | str) -> AbstractContextManager[Target]:
    if isinstance(place, Path):
        return sqlite_target(place)
    from metrica.dashboard.copying.postgresql import postgresql_target

    return postgresql_target(place)


def _write(
    old: Source, new: Target, tables: list[Table], stopped: Callable[[], bool]
) -> tuple[dict[str, Sum], dict[str, int]]:
    """Copy the rows. Returns the sums of what was read, and the last number of each table that counts up."""
    sums: dict[str, Sum] = {}
    last = old.last_numbers(tables)
    for table in tables:
        sums[table.name] = Sum(reals=table.has_reals)
        place = None if table.number is None else table.names.index(table.number)
        for piece in old.read(table):
            _go_on(stopped)
            sums[table.name].add(piece)
            new.write(table, piece)
            if place is not None:
                last[table.name] = max(last.get(table.name, 0), *(row[place] for row in piece))
    return sums, last


def _sum(end: End, table: Table, stopped: Callable[[], bool]) -> Sum:
    found = Sum(reals=table.has_reals)
    for piece in end.read(table):
        _go_on(stopped)
        found.add(piece)
    return found


def _go_on(stopped: Callable[[], bool]) -> None:
    if stopped():
        raise DatabaseError("stopped: nothing was written")
