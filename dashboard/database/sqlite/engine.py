"""The SQLite file: reads on a pool of connections, writes on one thread."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar

from metrica.dashboard.database.errors import DatabaseError
from metrica.dashboard.database.interface import Clock, Connection, Engine, EventRow, Work
from metrica.dashboard.database.sqlite.connections import ReaderPool
from metrica.dashboard.database.sqlite.statements import insert_events, key_of, tables_with
from metrica.dashboard.database.sqlite.transactions import SqliteTransactions
from metrica.dashboard.database.writer import Writer

T = TypeVar("T")


class SqliteEngine(Engine):
    """The open file. What each method does stands at `Engine`."""

    kind = "sqlite"

    def __init__(self, path: Path, *, clock: Clock = time.time_ns, lock_timeout: float = 10.0) -> None:
        """Open the file, or make it. lock_timeout: how long a write waits for another program's, seconds."""
        self.path = path
        self.name = str(path)
        self.identity = str(path.resolve())
        self.clock = clock
        self._before_close: list[Callable[[], object]] = []
        self._writer = Writer(SqliteTransactions(path, lock_timeout=lock_timeout))
        self._readers = ReaderPool(path)

    def write(self, work: Work[T], store: str = "") -> Future[T]:
        return self._writer.submit(work)

    def rows(self, sql: str, *values: Any) -> list[Any]:
        with self._readers.connection() as conn:
            return conn.execute(sql, values).fetchall()

    @contextlib.contextmanager
    def snapshot(self) -> Generator[Connection]:
        with self._readers.connection() as conn:
            conn.execute("BEGIN")
            yield conn
            conn.execute("COMMIT")

    def lock_store(self, db: Connection, store: str) -> None:
        """Do nothing: SQLite lets one transaction write at a time."""

    def insert_events(self, db: Connection, rows: Sequence[EventRow]) -> list[EventRow]:
        return insert_events(db, rows)

    def tables_with(self, db: Connection, column: str) -> dict[str, set[str]]:
        return tables_with(db, column)

    def key_of(self, db: Connection, table: str) -> tuple[str, ...]:
        return key_of(db, table)

    def tidy(self, before: int) -> None:
        """Do nothing: SQLite uses the pages again."""

    def before_close(self, work: Callable[[], object]) -> None:
        self._before_close.append(work)

    def close(self) -> None:
        while self._before_close:
            self._before_close.pop()()
        self._readers.close()
        # The writer last: SQLite removes the log beside the file only when the last connection is one that may write.
        self._writer.close()

    @property
    def waiting(self) -> int:
        return self._writer.waiting

    @property
    def writing(self) -> bool:
        return self._writer.alive

    def require_writing(self) -> None:
        self.rows("SELECT 1 FROM stores LIMIT 1")
        if not self.writing:
            raise DatabaseError(f"nothing can be written to the database {self.name} any more: restart this program")
        # The server writes something each half minute at least, so what has passed is known to have passed.
        if (trouble := self._writer.trouble) is not None:
            raise DatabaseError(str(trouble))
