"""The transactions of SQLite: one at a time, on the one connection that writes."""

from __future__ import annotations

import contextlib
import logging
import sqlite3
from collections.abc import Generator
from pathlib import Path
from typing import cast

from metrica.dashboard.database.errors import DatabaseError, database_error
from metrica.dashboard.database.interface import Connection
from metrica.dashboard.database.sqlite.connections import immediate, open_writer
from metrica.dashboard.database.writer import Transactions, Verdict

log = logging.getLogger(__name__)


class SqliteTransactions(Transactions):
    """What each method does stands at `Transactions`."""

    def __init__(self, path: Path, *, lock_timeout: float = 10.0) -> None:
        """Open the file. lock_timeout: how long a transaction waits for another program's, seconds.

        Raises DatabaseError if the database cannot be opened.
        """
        self.name = str(path)
        self._path = path
        self._db = open_writer(path, lock_timeout=lock_timeout)

    @contextlib.contextmanager
    def begin(self) -> Generator[Connection]:
        with immediate(self._db):
            yield cast(Connection, self._db.conn)

    @contextlib.contextmanager
    def savepoint(self, place: int) -> Generator[None]:
        with self._db.atomic():
            yield

    def verdict(self, error: BaseException) -> Verdict:
        if isinstance(error, sqlite3.ProgrammingError):
            return "end" if self._is_closed() else "job"  # nothing can be written on it any more
        return "transaction" if isinstance(error, sqlite3.OperationalError) else "job"

    def failure(self, error: BaseException) -> DatabaseError | None:
        return database_error(error, self._path) if isinstance(error, sqlite3.Error) else None

    def refused(self, failure: DatabaseError, writes: int) -> None:
        log.error("%s (%d writes refused)", failure, writes)

    def close(self) -> None:
        self._db.close()

    def _is_closed(self) -> bool:
        try:
            return self._db.conn.total_changes < 0
        except sqlite3.ProgrammingError:
            return True
