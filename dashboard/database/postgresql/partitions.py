"""The months of the events: each has a table of its own, made when its first event comes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from metrica.dashboard.database.postgresql.connections import Psycopg
from metrica.dashboard.database.schema.events_by_month import FIRST_YEAR, LAST_YEAR, start_of

_LOCK = 1297372484  # of whoever makes or drops a month, in any program
_SECOND = 10**9


class Partitions:
    """The months that are known to be there."""

    def __init__(self, connect: Callable[[], Psycopg]) -> None:
        """connect: makes a connection for a month that is to be made."""
        self._connect = connect
        self._lock = threading.Lock()
        self._known: set[tuple[int, int]] = set()

    def require(self, times: Iterable[int]) -> None:
        """Make the months in which these times (ns UTC) are, as far as they are missing.

        On a connection of its own: a month is there for everybody at once, and stays if the write that needed it fails.
        """
        wanted = {month for time in times if (month := month_of(time)) is not None}
        missing = wanted - self._known
        if not missing:
            return
        with self._lock:
            conn = self._connect()
            try:
                for month in sorted(missing):
                    make_month(conn, *month)
                    self._known.add(month)
            finally:
                conn.close()

    def forget(self) -> None:
        """Look anew which months there are: another program has dropped one."""
        with self._lock:
            self._known = set()


def month_of(time: int) -> tuple[int, int] | None:
    """Return the year and the month of a time (ns UTC); None if it has no table of its own."""
    if not start_of(FIRST_YEAR) <= time < start_of(LAST_YEAR):
        return None
    day = datetime.fromtimestamp(time // _SECOND, UTC)
    return day.year, day.month


def table_of(year: int, month: int) -> str:
    """Return the name of the table of a month."""
    return f"events_{year:04}_{month:02}"


def bounds(year: int, month: int) -> tuple[int, int]:
    """Return the first time of a month and that of the next one, ns UTC."""
    return start_of(year, month), start_of(year + month // 12, month % 12 + 1)


def make_month(conn: Psycopg, year: int, month: int) -> None:
    """Make the table of a month, unless another program has. Nobody who reads or writes events has to wait."""
    table = table_of(year, month)
    with conn.transaction():
        conn.execute(b"SELECT pg_advisory_xact_lock($1)", (_LOCK,))
        if conn.execute(b"SELECT to_regclass($1) IS NOT NULL", (table,)).fetchone() == (True,):
            return
        # Not CREATE TABLE … PARTITION OF, which locks the table of all events against readers too.
        since, until = bounds(year, month)
        conn.execute(
            f"CREATE TABLE {table} (LIKE events INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING INDEXES)".encode()
        )
        conn.execute(
            f"ALTER TABLE events ATTACH PARTITION {table} FOR VALUES FROM ({since}) TO ({until})".encode(),
        )
