"""The SQLite file: reads on a pool of connections, writes on one thread. The tables are built on it."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar

from sqlite_utils import Database as SqliteDatabase

from metrica.dashboard.store.connections import ReaderPool
from metrica.dashboard.store.errors import DatabaseError
from metrica.dashboard.store.parts import run_parts
from metrica.dashboard.store.writer import Writer

T = TypeVar("T")
R = TypeVar("R")
Clock = Callable[[], int]
"""Returns the present time, ns UTC."""


class DatabaseFile:
    """The open file. Reads never wait for writes; a write that is done is on the disk.

    Every method raises DatabaseError when the database is locked, full, damaged or closed.
    """

    def __init__(self, path: Path, *, clock: Clock = time.time_ns, lock_timeout: float = 10.0) -> None:
        """Open the file, or make it. lock_timeout: how long a write waits for another program's, seconds."""
        self.path = path
        """The SQLite file."""
        self.clock = clock
        """What says the present time, ns UTC."""
        self._before_close: list[Callable[[], object]] = []
        self._writer = Writer(path, lock_timeout=lock_timeout)
        self._readers = ReaderPool(path)

    def before_close(self, work: Callable[[], object]) -> None:
        """Run `work` when the file is closed, before that: it ends what still reads."""
        self._before_close.append(work)

    def close(self) -> None:
        """Finish the queued writes and close the file."""
        while self._before_close:
            self._before_close.pop()()
        self._readers.close()
        # The writer last: SQLite removes the log beside the file only when the last connection is one that may write.
        self._writer.close()

    @property
    def waiting(self) -> int:
        """How many writes are in the queue."""
        return self._writer.waiting

    @property
    def writing(self) -> bool:
        """Whether the thread that writes is running; without it, every write fails."""
        return self._writer.alive

    def require_writing(self) -> None:
        """Raise DatabaseError unless the database answers and the thread that writes is running."""
        self.rows("SELECT 1 FROM stores LIMIT 1")
        self.require_writer()

    def require_writer(self) -> None:
        """Raise DatabaseError unless the thread that writes is running. Takes no time."""
        if not self.writing:
            raise DatabaseError(f"nothing can be written to the database {self.path} any more: restart this program")

    def write(self, work: Callable[[SqliteDatabase], T]) -> Future[T]:
        """Run `work` on the writing connection, all or nothing. The future is done when the result is on the disk."""
        return self._writer.submit(work)

    def write_parts(self, parts: Iterable[Callable[[SqliteDatabase], T]], whole: Callable[[list[T]], R]) -> Future[R]:
        """Run a large write as several small ones, between which other writes have their turn.

        No write should hold the writer for longer than a quarter of a second, because every store waits for it.
        Each part is all or nothing, and asked for only when the one before it is on the disk; the whole is not: if a
        part fails, the future raises its error, and the parts before it stay. So use it for what may be done again.
        whole: makes the result of the results of the parts.
        """
        return run_parts(self._writer.submit, iter(parts), whole)

    def version(self) -> int:
        """Return a number that changes when rows are gone that a program may have in its memory."""
        return int(self.rows("SELECT version FROM data_version")[0][0])

    def rows(self, sql: str, *values: Any) -> list[Any]:
        """Return the rows of one query."""
        with self._readers.connection() as conn:
            return conn.execute(sql, values).fetchall()

    @contextlib.contextmanager
    def snapshot(self) -> Generator[sqlite3.Connection]:
        """Give a connection on which several queries see the database at one and the same moment."""
        with self._readers.connection() as conn:
            conn.execute("BEGIN")
            yield conn
            conn.execute("COMMIT")
