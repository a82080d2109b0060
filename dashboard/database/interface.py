"""What the rest of the back office needs of a database: read, write all or nothing, and know that it is on the disk.

SQL is written once, in what SQLite and PostgreSQL both understand: `?` for values, `RETURNING` for a new number,
`ON CONFLICT … DO …` for what is there already, and quotes around the columns "end" and "user".
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager
from typing import Any, Literal, Protocol, TypeVar

from metrica.dashboard.database.parts import run_parts

T = TypeVar("T")
R = TypeVar("R")
Clock = Callable[[], int]
"""Returns the present time, ns UTC."""
Kind = Literal["sqlite", "postgresql"]


EventRow = tuple[str, str, str, str, int, int, int, int]
"""A row of `events` without its number: store, id, camera, line, direction, track, time, received."""


class Rows(Protocol):
    """What a statement gives: its rows, one after another."""

    @property
    def rowcount(self) -> int:
        """How many rows it has changed, all runs of `executemany` together."""
        ...

    def fetchone(self) -> Any:
        """Return the next row as a tuple; None after the last one."""
        ...

    def fetchall(self) -> list[Any]:
        """Return the rows that are left."""
        ...

    def __iter__(self) -> Iterator[Any]: ...


class Connection(Protocol):
    """A connection inside a transaction."""

    def execute(self, sql: str, values: Sequence[Any] = (), /) -> Rows:
        """Run a statement with values for its `?`."""
        ...

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]], /) -> Rows:
        """Run a statement once for each row of values."""
        ...


Work = Callable[[Connection], T]
"""Changes rows, inside a transaction. If another program was in the way it is called again, after everything that it
has done was undone: so it keeps nothing but in the database and in what it returns."""


class Engine(ABC):
    """An open database. Reads never wait for writes; a write that is done is on the disk.

    Every method raises DatabaseError when the database is locked, full, damaged, away or closed.
    """

    kind: Kind
    """Which database it is."""
    name: str
    """What it is called in sentences: a path, or an address without a password."""
    identity: str
    """The same for every program that opens it, and another one for every other database."""
    clock: Clock
    """What says the present time, ns UTC."""

    @abstractmethod
    def write(self, work: Work[T], store: str = "") -> Future[T]:
        """Run `work` in a transaction, all or nothing. The future is done when the result is on the disk.

        The writes of a program that name the same `store`, or none, are done in the order in which they were asked for.
        """

    @abstractmethod
    def rows(self, sql: str, *values: Any) -> list[Any]:
        """Return the rows of one query."""

    @abstractmethod
    def snapshot(self) -> AbstractContextManager[Connection]:
        """Give a connection on which several queries see the database at one and the same moment."""

    @abstractmethod
    def lock_store(self, db: Connection, store: str) -> None:
        """Keep other writes about a store out until this transaction ends, also those of other programs."""

    @abstractmethod
    def insert_events(self, db: Connection, rows: Sequence[EventRow]) -> list[EventRow]:
        """Insert the events whose ids their stores do not have yet, inside a write, and return them.

        Their stores are locked by then, see `lock_store`. Raises DatabaseError for a store that is not there.
        """

    @abstractmethod
    def tables_with(self, db: Connection, column: str) -> dict[str, set[str]]:
        """Return the tables with a column of this name, in order, and the tables that each of them refers to."""

    @abstractmethod
    def key_of(self, db: Connection, table: str) -> tuple[str, ...]:
        """Return the columns that name a row of a table, as they stand in a statement."""

    @abstractmethod
    def tidy(self, before: int) -> None:
        """Give back the room of events that were removed from before a time (ns UTC), as far as that is quick."""

    @abstractmethod
    def before_close(self, work: Callable[[], object]) -> None:
        """Run `work` when the database is closed, before that: it ends what still reads."""

    @abstractmethod
    def close(self) -> None:
        """Finish the queued writes and close the database."""

    @property
    @abstractmethod
    def waiting(self) -> int:
        """How many writes are in the queue."""

    @property
    @abstractmethod
    def writing(self) -> bool:
        """Whether writes are being done; if not, every write fails until the program is started again."""

    @abstractmethod
    def require_writing(self) -> None:
        """Raise DatabaseError unless the database answers and can be written to."""

    def write_parts(self, parts: Iterable[Work[T]], whole: Callable[[list[T]], R], store: str = "") -> Future[R]:
        """Run a large write as several small ones, between which other writes have their turn.

        No write should hold the writer for longer than a quarter of a second, because every store waits for it.
        Each part is all or nothing, and asked for only when the one before it is on the disk; the whole is not: if a
        part fails, the future raises its error, and the parts before it stay. So use it for what may be done again.
        whole: makes the result of the results of the parts.
        """
        return run_parts(lambda work: self.write(work, store), iter(parts), whole)

    def version(self) -> int:
        """Return a number that changes when rows are gone that a program may have in its memory."""
        return int(self.rows("SELECT version FROM data_version")[0][0])
