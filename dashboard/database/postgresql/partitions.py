"""The months of the events: each has a table of its own, made when its first event comes, and dropped when empty."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from metrica.dashboard.database.postgresql.connections import Psycopg
from metrica.dashboard.database.schema.events_by_month import FIRST_YEAR, LAST_YEAR, start_of

Month = tuple[int, int]
"""A year and a month."""

_LOCK = 1297372484  # of whoever makes or drops a month, in any program
_SECOND = 10**9
_DAY = 86_400 * _SECOND
_ATTACHED = b"SELECT EXISTS (SELECT 1 FROM pg_inherits WHERE inhrelid = to_regclass($1) AND NOT inhdetachpending)"
_HALF = b"SELECT EXISTS (SELECT 1 FROM pg_inherits WHERE inhrelid = to_regclass($1) AND inhdetachpending)"
"""Whether the table of a month was about to be dropped when a program was killed, or had to wait for too long."""
_MONTHS = b"""
    SELECT inhrelid::regclass::text, inhdetachpending FROM pg_inherits
    WHERE inhparent = 'events'::regclass AND inhrelid::regclass::text ~ '^events_[0-9]{4}_[0-9]{2}$' ORDER BY 1
"""


class Partitions:
    """The months that are known to be there."""

    def __init__(self, connect: Callable[[], Psycopg]) -> None:
        """connect: makes a connection for a month that is to be made, or dropped."""
        self._connect = connect
        self._lock = threading.Lock()
        self._known: frozenset[Month] = frozenset()

    def require(self, times: Iterable[int]) -> None:
        """Make the months in which these times (ns UTC) are, as far as they are missing.

        On a connection of its own: a month is there for everybody at once, and stays if the write that needed it fails.
        """
        days = {time // _DAY for time in times}  # few, and every month is made of whole ones
        missing = {at for day in days if (at := month_of(day * _DAY)) is not None} - self._known
        if not missing:
            return
        with self._lock, contextlib.closing(self._connect()) as conn:
            for year, month in sorted(missing):
                make_month(conn, year, month)
            self._known |= missing

    def forget(self) -> None:
        """Look anew which months there are: another program has dropped one."""
        self._known = frozenset()

    def drop_empty(self, before: int) -> list[str]:
        """Drop the months without events that ended before a time (ns UTC), and return their tables' names.

        Nobody has to wait: an event that comes at the same moment makes its month again.
        """
        with contextlib.closing(self._connect()) as conn:
            return [
                table
                for table, half in conn.execute(_MONTHS).fetchall()
                if bounds(*map(int, table.split("_")[1:]))[1] <= before and _drop(conn, table, half=half)
            ]


def month_of(time: int) -> Month | None:
    """Return the year and the month of a time (ns UTC); None if it has no table of its own."""
    if not start_of(FIRST_YEAR) <= time < start_of(LAST_YEAR):
        return None
    day = datetime.fromtimestamp(time // _SECOND, UTC)
    return day.year, day.month


def bounds(year: int, month: int) -> tuple[int, int]:
    """Return the first time of a month and that of the next one, ns UTC."""
    return start_of(year, month), start_of(year + month // 12, month % 12 + 1)


def make_month(conn: Psycopg, year: int, month: int) -> None:
    """Make the table of a month, unless another program has. Nobody who reads or writes events has to wait."""
    table = f"events_{year:04}_{month:02}"
    if conn.execute(_HALF, (table,)).fetchone() == (True,):
        conn.execute(f"ALTER TABLE events DETACH PARTITION {table} FINALIZE".encode())
    with conn.transaction():
        conn.execute(b"SELECT pg_advisory_xact_lock($1)", (_LOCK,))
        if conn.execute(_ATTACHED, (table,)).fetchone() == (True,):
            return
        # Not CREATE TABLE … PARTITION OF, which locks the table of all events against readers too. A table that is
        # there but not attached is one that a program was about to drop.
        conn.execute(
            f"CREATE TABLE IF NOT EXISTS {table}"
            " (LIKE events INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING INDEXES)".encode()
        )
        _attach(conn, table, year, month)


def _attach(conn: Psycopg, table: str, year: int, month: int) -> None:
    since, until = bounds(year, month)
    conn.execute(f"ALTER TABLE events ATTACH PARTITION {table} FOR VALUES FROM ({since}) TO ({until})".encode())


def _drop(conn: Psycopg, table: str, *, half: bool) -> bool:
    """Drop the table of a month if it is empty. half: another program was killed while it did that."""
    if conn.execute(f"SELECT EXISTS (SELECT 1 FROM {table})".encode()).fetchone() != (False,):
        return False
    # It waits for those who use the table, and keeps no one else waiting.
    conn.execute(f"ALTER TABLE events DETACH PARTITION {table} {'FINALIZE' if half else 'CONCURRENTLY'}".encode())
    with conn.transaction():
        conn.execute(b"SELECT pg_advisory_xact_lock($1)", (_LOCK,))
        if conn.execute(_ATTACHED, (table,)).fetchone() == (True,):
            return False  # another program needs it again
        if conn.execute(f"SELECT EXISTS (SELECT 1 FROM {table})".encode()).fetchone() != (False,):
            year, month = map(int, table.split("_")[1:])
            _attach(conn, table, year, month)  # an event came while it was taken away
            return False
        conn.execute(f"DROP TABLE {table}".encode())
    return True
