"""PostgreSQL behind the interface: reads on a pool of connections, writes on a few threads."""

from __future__ import annotations

import contextlib
import time
import zlib
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future
from typing import Any, TypeVar, cast

import psycopg

from metrica.dashboard.database.errors import DatabaseError
from metrica.dashboard.database.interface import Clock, Connection, Engine, EventRow, Work
from metrica.dashboard.database.postgresql import statements
from metrica.dashboard.database.postgresql.address import Address
from metrica.dashboard.database.postgresql.availability import Availability
from metrica.dashboard.database.postgresql.connections import Session, connect
from metrica.dashboard.database.postgresql.errors import database_error
from metrica.dashboard.database.postgresql.migrations import migrate
from metrica.dashboard.database.postgresql.partitions import Partitions
from metrica.dashboard.database.postgresql.probe import Probe
from metrica.dashboard.database.postgresql.readers import Readers
from metrica.dashboard.database.postgresql.transactions import PostgresqlTransactions
from metrica.dashboard.database.writer import Writer

T = TypeVar("T")

_WRITERS = 3
"""Threads that write the events of stores. One more writes what is of no store."""


class PostgresqlEngine(Engine):
    """The open database. What each method does stands at `Engine`."""

    kind = "postgresql"

    def __init__(self, url: str, *, clock: Clock = time.time_ns) -> None:
        """Connect, and bring the schema up to date. Raises ValueError for what is no address."""
        address = Address.of(url)
        self.name = address.name
        self.clock = clock
        self._before_close: list[Callable[[], object]] = []
        try:
            with contextlib.closing(connect(address)) as conn:
                self.identity = migrate(conn, address.name, clock)
        except psycopg.Error as error:
            raise database_error(error, address.name) from None
        availability = Availability(address.name)
        self._partitions = Partitions(lambda: connect(address))
        self._writers = [
            Writer(
                PostgresqlTransactions(address, availability, self._partitions.forget),
                thread=f"metrica-store-writer-{number}",
            )
            for number in range(_WRITERS + 1)
        ]
        self._readers = Readers(address, availability)
        self._probe = Probe(self._readers, address.name)

    def write(self, work: Work[T], store: str = "") -> Future[T]:
        # Always the same thread for a store, so that its writes keep their order and do not wait for each other's lock.
        place = 1 + zlib.crc32(store.encode("utf-8", "replace")) % _WRITERS if store else 0
        return self._writers[place].submit(work)

    def rows(self, sql: str, *values: Any) -> list[Any]:
        return self._readers.rows(sql, values)

    @contextlib.contextmanager
    def snapshot(self) -> Generator[Connection]:
        with self._readers.snapshot() as session:
            yield session

    def lock_store(self, db: Connection, store: str) -> None:
        cast(Session, db).lock(store)

    def insert_events(self, db: Connection, rows: Sequence[EventRow]) -> list[EventRow]:
        self._partitions.require(row[6] for row in rows)
        return statements.insert_events(cast(Session, db), rows)

    def tables_with(self, db: Connection, column: str) -> dict[str, set[str]]:
        return statements.tables_with(cast(Session, db), column)

    def key_of(self, db: Connection, table: str) -> tuple[str, ...]:
        return statements.key_of(cast(Session, db), table)

    def tidy(self, before: int) -> None:
        try:
            with contextlib.suppress(psycopg.errors.LockNotAvailable):  # a long read, such as a backup: the next time
                self._partitions.drop_empty(before)
        except psycopg.Error as error:
            raise database_error(error, self.name) from None

    def before_close(self, work: Callable[[], object]) -> None:
        self._before_close.append(work)

    def close(self) -> None:
        while self._before_close:
            self._before_close.pop()()
        self._readers.close()
        for writer in self._writers:
            writer.close()

    @property
    def waiting(self) -> int:
        return sum(writer.waiting for writer in self._writers)

    @property
    def writing(self) -> bool:
        return all(writer.alive for writer in self._writers)

    def require_writing(self) -> None:
        self._probe.ask()
        if not self.writing:
            raise DatabaseError(f"nothing can be written to the database {self.name} any more: restart this program")
