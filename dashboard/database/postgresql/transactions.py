"""The transactions of one thread that writes to PostgreSQL, on a connection of its own that is made again when lost."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Generator
from typing import Literal

import psycopg
from psycopg import errors

from metrica.dashboard.database.errors import DatabaseAwayError, DatabaseError
from metrica.dashboard.database.interface import Connection
from metrica.dashboard.database.postgresql.address import Address
from metrica.dashboard.database.postgresql.availability import Availability
from metrica.dashboard.database.postgresql.connections import Psycopg, Session, connect
from metrica.dashboard.database.postgresql.errors import database_error, is_no_partition
from metrica.dashboard.database.writer import Transactions, Verdict

log = logging.getLogger(__name__)

_AGAIN = (errors.DeadlockDetected, errors.SerializationFailure)
# The server's trouble, not the job's: the other jobs of the transaction would have it too.
_OF_SERVER = (
    errors.InsufficientResources,
    errors.OperatorIntervention,
    errors.SystemError,
    errors.InternalError_,
    errors.ReadOnlySqlTransaction,
    errors.ConnectionException,
)


class PostgresqlTransactions(Transactions):
    """What each method does stands at `Transactions`."""

    def __init__(self, address: Address, availability: Availability, forget: Callable[[], object]) -> None:
        """Nothing is connected yet. forget: called when a partition is gone that was believed to be there."""
        self.name = address.name
        self._address, self._availability, self._forget = address, availability, forget
        self._session: Session | None = None
        self._begin = b"BEGIN"
        self._stage: Literal["connecting", "working", "committing"] = "connecting"
        self._release = False

    @contextlib.contextmanager
    def begin(self) -> Generator[Connection]:
        session = self._begun()
        try:
            yield session
            self._stage = "committing"
            self._simply(b"COMMIT")
        except BaseException:
            self._roll_back()
            raise

    @contextlib.contextmanager
    def savepoint(self, place: int) -> Generator[None]:
        session = self._require()
        session.first = place == 0
        if place:
            self._simply(b"RELEASE SAVEPOINT job; SAVEPOINT job" if self._release else b"SAVEPOINT job")
            self._release = True
        try:
            yield
            if session.failed:
                raise DatabaseError(f"a statement failed in the database {self.name}, and the job went on")
        except BaseException:
            # The first job needs no savepoint: with it, everything is undone that the transaction has done.
            if not session.conn.closed:
                self._simply(b"ROLLBACK TO SAVEPOINT job" if place else b"ROLLBACK; " + self._begin)
            raise

    def verdict(self, error: BaseException) -> Verdict:
        if isinstance(error, psycopg.Error) and (self._session is None or self._session.conn.closed):
            # After a COMMIT nobody knows whether it was done: whoever asked for the write has to find out.
            return "again" if self._stage == "working" else "transaction"
        if isinstance(error, _AGAIN):
            return "again"
        if is_no_partition(error):
            self._forget()
            return "again"
        if isinstance(error, errors.QueryCanceled):
            return "job"
        return "transaction" if isinstance(error, _OF_SERVER) else "job"

    def failure(self, error: BaseException) -> DatabaseError | None:
        return database_error(error, self.name) if isinstance(error, psycopg.Error) else None

    def refused(self, failure: DatabaseError, writes: int) -> None:
        if isinstance(failure, DatabaseAwayError):
            self._availability.lost(failure)  # said once, for as long as it lasts
        else:
            log.error("%s (%d writes refused)", failure, writes)

    def close(self) -> None:
        if self._session is not None:
            self._session.conn.close()

    def _begun(self) -> Session:
        """Begin a transaction, on a new connection if the one that there was is lost."""
        if self._session is not None and not self._session.conn.closed:
            self._stage = "working"
            try:
                self._simply(self._begin)
                return self._session
            except psycopg.Error:
                if not self._session.conn.closed:
                    raise
        self._stage = "connecting"
        self._session = None
        conn = connect(self._address)
        self._availability.answers()
        self._session = Session(conn)
        self._begin = _begin_of(conn)
        self._stage = "working"
        self._simply(self._begin)
        return self._session

    def _roll_back(self) -> None:
        self._release = False
        if self._session is None or self._session.conn.closed:
            return
        try:
            self._simply(b"ROLLBACK")
        except psycopg.Error:
            self._session.conn.close()  # a new one is made for the next transaction

    def _simply(self, command: bytes) -> None:
        if command in (b"COMMIT", self._begin):
            self._release = False
        self._require().conn.execute(command, prepare=False)

    def _require(self) -> Session:
        if self._session is None:
            raise DatabaseAwayError(f"the database {self.name} does not answer: see whether its server runs")
        return self._session


def _begin_of(conn: Psycopg) -> bytes:
    """Return what begins a transaction whose commit is on the disk, whatever the server's settings say."""
    row = conn.execute(b"SELECT current_setting('synchronous_commit')").fetchone()
    return b"BEGIN; SET LOCAL synchronous_commit = on" if row is not None and row[0] in ("off", "local") else b"BEGIN"
