"""Connections to PostgreSQL, as the rest of the back office uses them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, cast

import psycopg
from psycopg.adapt import AdaptersMap, Buffer, Dumper, Loader
from psycopg.pq import TransactionStatus
from psycopg.types.numeric import Int2Dumper

from metrica.dashboard.database.interface import Rows
from metrica.dashboard.database.postgresql.address import Address
from metrica.dashboard.database.postgresql.placeholders import numbered
from metrica.dashboard.database.writer import NextTransactionError

Psycopg = psycopg.Connection[tuple[Any, ...]]

CONNECT = 5  # s that a connection may take
_LOCKS = 1297372482
"""What the locks of stores begin with, so that they are not those of another program on the same database."""

# Milliseconds. A program that was stopped in the middle of a write must not hold up all others.
_WRITING = {
    "lock_timeout": 10_000,
    "statement_timeout": 60_000,
    "idle_in_transaction_session_timeout": 60_000,
}
_READING: dict[str, int | str] = {"default_transaction_read_only": "on", "statement_timeout": 120_000}


class _Number(Loader):
    """Reads the sums and means that PostgreSQL calculates exactly."""

    def load(self, data: Buffer) -> int | float:
        text = bytes(data)
        return float(text) if b"." in text or b"N" in text else int(text)


class _Flag(Dumper):
    """Writes True and False as the integers that they are in a table."""

    oid = Int2Dumper.oid

    def dump(self, obj: bool) -> bytes:
        return b"1" if obj else b"0"


_ADAPTERS = AdaptersMap(psycopg.adapters)
_ADAPTERS.register_loader("numeric", _Number)
_ADAPTERS.register_dumper(bool, _Flag)


class _Context:
    adapters = _ADAPTERS
    connection = None


def options(address: Address, *, reading: bool) -> dict[str, Any]:
    """Return what `psycopg.connect` needs for a connection that reads, or that writes. Raises DatabaseError."""
    given = address.with_password()
    settings = _READING if reading else _WRITING
    own = " ".join(f"-c {name}={value}" for name, value in settings.items())
    # A standby lags behind: whoever has just logged in would not be known there.
    several = {"target_session_attrs": "primary"} if "," in given.get("host", "") else {}
    return {
        "application_name": "metrica",
        "connect_timeout": str(CONNECT),
        # A server that vanished, with its cable, is noticed in half a minute.
        "keepalives_idle": "10",
        "keepalives_interval": "5",
        "keepalives_count": "3",
        "tcp_user_timeout": "20000",
        **several,
        **given,
        "client_encoding": "UTF8",
        "options": f"{own} {given.get('options', '')}".strip(),
        "autocommit": True,
        "cursor_factory": psycopg.RawCursor,
        "context": _Context,
    }


def connect(address: Address, *, reading: bool = False) -> Psycopg:
    """Make a connection. Raises psycopg.Error, and DatabaseError if the file with the password cannot be read."""
    return psycopg.connect(**options(address, reading=reading))


class Session:
    """A connection inside a transaction, as `metrica.dashboard.database.interface.Connection` has it."""

    def __init__(self, conn: Psycopg) -> None:
        self.conn = conn
        self.first = True
        """Whether the job that uses it is the first one of its transaction, so that nobody waits for it."""

    def execute(self, sql: str, values: Sequence[Any] = (), /) -> Rows:
        """Run a statement with values for its `?`."""
        if not values:
            return self.conn.execute(sql.encode())
        return self.conn.execute(numbered(sql).encode(), values)

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]], /) -> Rows:
        """Run a statement once for each row of values."""
        cursor = self.conn.cursor()
        cursor.executemany(numbered(sql).encode(), rows)
        return cursor

    def lock(self, store: str) -> None:
        """Keep the writes of other connections about a store out until the transaction ends.

        Whoever waits for a lock holds none, so no two programs wait for each other: a job that is not the first of its
        transaction gives way, and begins the next one.
        """
        key = "hashtextextended($1, $2)"
        if self.first:
            self.conn.execute(f"SELECT pg_advisory_xact_lock({key})".encode(), (store, _LOCKS))
        elif not cast(
            tuple[bool],
            self.conn.execute(f"SELECT pg_try_advisory_xact_lock({key})".encode(), (store, _LOCKS)).fetchone(),
        )[0]:
            raise NextTransactionError

    @property
    def failed(self) -> bool:
        """Whether a statement of the transaction has failed, so that it takes no other one."""
        return self.conn.info.transaction_status == TransactionStatus.INERROR
