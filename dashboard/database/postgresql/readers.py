"""The connections that read: psycopg's pool, which makes lost ones anew."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Generator
from typing import Any

import psycopg
from psycopg_pool import ConnectionPool, PoolClosed, PoolTimeout

from metrica.dashboard.database.errors import DatabaseAwayError, DatabaseBusyError, DatabaseError
from metrica.dashboard.database.postgresql.address import Address
from metrica.dashboard.database.postgresql.availability import Availability
from metrica.dashboard.database.postgresql.connections import Psycopg, Session, options
from metrica.dashboard.database.postgresql.errors import database_error

_PATIENCE = 10.0
"""Seconds that a read waits for a connection while all are in use."""
_LOOK = 0.5
"""Seconds after which it looks whether there is a server at all."""


class Readers:
    """A pool of read-only connections."""

    def __init__(self, address: Address, availability: Availability, *, most: int = 8) -> None:
        """most: how many connections it makes at most."""
        self._name, self._availability, self._most = address.name, availability, most
        self._closed = False
        logging.getLogger("psycopg.pool").setLevel(logging.ERROR)  # it warns at each try; see `Availability`

        class Noting(Psycopg):
            """A connection whose making is noted."""

            @classmethod
            def connect(cls, *args: Any, **kwargs: Any) -> Any:
                try:
                    made = super().connect(*args, **kwargs)
                except psycopg.Error as error:
                    availability.lost(database_error(error, address.name))
                    raise
                availability.answers()
                return made

        self._pool: ConnectionPool[Psycopg] = ConnectionPool(
            kwargs=lambda: options(address, reading=True),
            connection_class=Noting,
            min_size=1,
            max_size=most,
            reconnect_timeout=1.0,
            num_workers=2,
            name="metrica-readers",
            open=True,
        )

    def rows(self, sql: str, values: tuple[Any, ...]) -> list[Any]:
        """Return the rows of one query."""
        for _ in range(self._most):
            with self._lent() as conn:
                try:
                    return Session(conn).execute(sql, values).fetchall()
                except psycopg.Error:
                    if not conn.closed:  # else it was one that the server has ended meanwhile: another one
                        raise
        raise self._away()

    @contextlib.contextmanager
    def snapshot(self) -> Generator[Session]:
        """Lend a connection that sees the database at one and the same moment."""
        with contextlib.ExitStack() as stack:
            for _ in range(self._most + 1):
                conn = stack.enter_context(self._lent())
                try:
                    conn.execute(b"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
                    break
                except psycopg.Error:
                    if not conn.closed:
                        raise
                stack.pop_all().close()
            else:
                raise self._away()
            try:
                yield Session(conn)
            finally:
                if not conn.closed:
                    conn.execute(b"ROLLBACK")  # nothing was written

    def close(self) -> None:
        """Close the connections that are idle; the others are closed when they come back."""
        self._closed = True
        self._pool.close()

    @contextlib.contextmanager
    def _lent(self) -> Generator[Psycopg]:
        """Lend a connection for one read. Raises DatabaseError."""
        try:
            conn = self._taken()
            try:
                yield conn
            finally:
                self._pool.putconn(conn)
        except psycopg.Error as error:
            raise database_error(error, self._name) from None

    def _taken(self) -> Psycopg:
        deadline = time.monotonic() + _PATIENCE
        while True:
            try:
                return self._pool.getconn(_LOOK)
            except PoolClosed:
                raise DatabaseError(f"the database {self._name} is closed") from None
            except PoolTimeout:
                if self._availability.why is not None:
                    raise self._availability.why from None
                if time.monotonic() > deadline:
                    raise DatabaseBusyError("too many reads are waiting: try again in a few seconds") from None

    def _away(self) -> DatabaseError:
        why = DatabaseAwayError(f"the database {self._name} ends every connection: see whether its server runs")
        return self._availability.why or why
