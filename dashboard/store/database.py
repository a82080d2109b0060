"""The database of the back office: an engine, and one object for each of its tables."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, TypeVar

from metrica.dashboard.database.errors import DatabaseError
from metrica.dashboard.database.interface import Clock, Connection, Engine, EventRow, Work
from metrica.dashboard.database.places import is_address
from metrica.dashboard.database.sqlite.engine import SqliteEngine
from metrica.dashboard.store.audit import AuditTable
from metrica.dashboard.store.coverage import CoverageTable
from metrica.dashboard.store.days import DayTable
from metrica.dashboard.store.empty_marks import EmptyMarkTable
from metrica.dashboard.store.events import EventTable
from metrica.dashboard.store.histories import HistoryTable
from metrica.dashboard.store.sessions import SessionTable
from metrica.dashboard.store.stores import StoreTable
from metrica.dashboard.store.tokens import TokenTable
from metrica.dashboard.store.users import UserTable

T = TypeVar("T")


def opened(place: Path | str, *, clock: Clock = time.time_ns, lock_timeout: float = 10.0) -> Engine:
    """Open the engine of a database: a path is a SQLite file's, an address one of PostgreSQL."""
    if not is_address(place):
        return SqliteEngine(Path(place), clock=clock, lock_timeout=lock_timeout)
    check_place(place)
    from metrica.dashboard.database.postgresql.engine import PostgresqlEngine

    return PostgresqlEngine(str(place), clock=clock)


def check_place(place: Path | str) -> None:
    """Raise ValueError for an address that cannot be read, and DatabaseError if nothing is installed to use it."""
    if not is_address(place):
        return
    try:
        from metrica.dashboard.database.postgresql.address import Address  # needs the extra metrica[postgresql]
    except ImportError as error:
        missing = error.name or "psycopg"
        raise DatabaseError(f"PostgreSQL needs {missing}, which is missing: install metrica[postgresql]") from None
    Address.of(str(place))


class Database(Engine):
    """The open database; also a context manager that closes it.

    Every method, also of the tables, raises DatabaseError when the database is locked, full, damaged or closed.
    """

    def __init__(self, place: Path | str, *, clock: Clock = time.time_ns, lock_timeout: float = 10.0) -> None:
        """Open the SQLite file, or make it; or connect to the PostgreSQL database whose address it is.

        lock_timeout: how long a write to a file waits for another program's, seconds.
        Raises DatabaseError, and ValueError for an address that is none.
        """
        self._engine: Engine = opened(place, clock=clock, lock_timeout=lock_timeout)
        self.kind, self.name, self.identity = self._engine.kind, self._engine.name, self._engine.identity
        self.clock = clock
        self.stores = StoreTable(self)
        """The stores and their settings."""
        self.events = EventTable(self)
        """The crossings that the boxes sent."""
        self.histories = HistoryTable(self)
        """What is known of each store at one look."""
        self.days = DayTable(self)
        """What past days have taught."""
        self.coverage = CoverageTable(self)
        """The times at which each camera looked."""
        self.empty_marks = EmptyMarkTable(self)
        """The times at which somebody marked a store as empty."""
        self.tokens = TokenTable(self)
        """The tokens of the boxes."""
        self.users = UserTable(self)
        """The people who may look at the pages."""
        self.sessions = SessionTable(self)
        """Who is logged in to the pages."""
        self.audit = AuditTable(self)
        """Who changed what, and who came in."""

    @property
    def path(self) -> Path:
        """The SQLite file. Raises DatabaseError if it is no file."""
        if isinstance(self._engine, SqliteEngine):
            return self._engine.path
        raise DatabaseError(f"the database {self.name} is no file on this machine")

    def __enter__(self) -> Database:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # What the engine does.

    def write(self, work: Work[T], store: str = "") -> Future[T]:
        return self._engine.write(work, store)

    def rows(self, sql: str, *values: Any) -> list[Any]:
        return self._engine.rows(sql, *values)

    def snapshot(self) -> AbstractContextManager[Connection]:
        return self._engine.snapshot()

    def lock_store(self, db: Connection, store: str) -> None:
        self._engine.lock_store(db, store)

    def insert_events(self, db: Connection, rows: Sequence[EventRow]) -> list[EventRow]:
        return self._engine.insert_events(db, rows)

    def tables_with(self, db: Connection, column: str) -> dict[str, set[str]]:
        return self._engine.tables_with(db, column)

    def key_of(self, db: Connection, table: str) -> tuple[str, ...]:
        return self._engine.key_of(db, table)

    def tidy(self, before: int) -> None:
        self._engine.tidy(before)

    def before_close(self, work: Callable[[], object]) -> None:
        self._engine.before_close(work)

    def close(self) -> None:
        self._engine.close()

    @property
    def waiting(self) -> int:
        return self._engine.waiting

    @property
    def writing(self) -> bool:
        return self._engine.writing

    def require_writing(self) -> None:
        self._engine.require_writing()
