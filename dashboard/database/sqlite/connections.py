"""Connections to the SQLite file: one that writes, and a pool of read-only ones."""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import sqlite3
import stat
import time
from collections.abc import Generator
from pathlib import Path

from sqlite_utils import Database as SqliteDatabase

from metrica.dashboard.database.errors import DatabaseDamagedError, DatabaseError, database_error
from metrica.dashboard.database.sqlite.migrations import migrations

log = logging.getLogger(__name__)

_LOCK_TIMEOUT = 10.0  # s
_LONGEST_UPGRADE = 600.0  # s
"""How long a program waits for another one that brings the schema up to date."""


def open_writer(path: Path, *, lock_timeout: float = _LOCK_TIMEOUT) -> SqliteDatabase:
    """Open the connection that writes, in WAL mode, and bring the schema up to date. Raises DatabaseError.

    A missing file is made; only its owner can read it, because it holds password hashes.
    lock_timeout: how long to wait for another program's write, seconds.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # Only if it is not there: closing a file ends all locks that this process has on it, those of SQLite too.
        if not path.exists():
            with contextlib.suppress(FileExistsError):
                os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    except OSError as error:
        raise DatabaseError(f"the database {path} cannot be opened ({error.strerror}): check the folder") from None
    conn = None
    try:
        conn = sqlite3.connect(path, timeout=lock_timeout, isolation_level=None, check_same_thread=False)
        _enable_wal(conn, lock_timeout)
        # With WAL's default (NORMAL) a power cut may lose the last commits. An acknowledged event is never sent again,
        # so it must be on the disk.
        conn.execute("PRAGMA synchronous=FULL")
        conn.execute("PRAGMA foreign_keys=ON")
        conn.execute("PRAGMA secure_delete=ON")  # what is removed is overwritten, not only unlinked
        db = SqliteDatabase(conn, execute_plugins=False)
        _migrate(db, path)
        _close_to_others(path)  # now that it is known to be a database of ours
    except OSError as error:
        if conn is not None:
            conn.close()
        raise DatabaseError(f"others can read the database {path} ({error.strerror}): run 'chmod 600 {path}'") from None
    except sqlite3.Error as error:
        if conn is not None:
            conn.close()
        raise database_error(error, path) from None
    except DatabaseError:
        if conn is not None:
            conn.close()
        raise
    return db


def _close_to_others(path: Path) -> None:
    """Take the database from everybody but its owner: a copy that was put here may be open to all.

    SQLite gives the log beside it the mode that the database has.
    """
    for file in (path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")):
        with contextlib.suppress(FileNotFoundError):
            found = file.stat()
            if stat.S_IMODE(found.st_mode) & 0o077 and found.st_uid == os.geteuid():
                file.chmod(0o600)
                log.warning("others could read %s: now only this user can", file)


@contextlib.contextmanager
def immediate(db: SqliteDatabase) -> Generator[SqliteDatabase]:
    """Run a transaction that takes the write lock at its start.

    A transaction that reads first and then writes fails at once, whatever the timeout, if another program wrote in
    between. A lock at the start is waited for.
    """
    _begin(db.conn)
    try:
        yield db
        db.conn.execute("COMMIT")
    except BaseException:
        if db.conn.in_transaction:
            db.conn.execute("ROLLBACK")
        raise


def _begin(conn: sqlite3.Connection) -> None:
    # SQLite has no queue of those who wait for the lock. It tries again every 100 ms, and then never meets the short
    # moment between two writes of a program that writes all the time. So try often, for as long as was asked for.
    patience = conn.execute("PRAGMA busy_timeout").fetchone()[0]
    deadline = time.monotonic() + patience / 1000
    conn.execute("PRAGMA busy_timeout = 0")
    try:
        while True:
            try:
                conn.execute("BEGIN IMMEDIATE")
                return
            except sqlite3.OperationalError as error:
                busy = (error.sqlite_errorcode & 0xFF) == sqlite3.SQLITE_BUSY
                if not busy or time.monotonic() > deadline:
                    raise
                time.sleep(0.002)
    finally:
        conn.execute(f"PRAGMA busy_timeout = {patience}")


def _enable_wal(conn: sqlite3.Connection, lock_timeout: float) -> None:
    # SQLite does not wait for a lock when it changes the journal mode. Without this loop, one of two programs that
    # start together on a new file would fail.
    deadline = time.monotonic() + lock_timeout
    while True:
        try:
            conn.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            busy = (error.sqlite_errorcode & 0xFF) == sqlite3.SQLITE_BUSY
            if not busy or time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def _migrate(db: SqliteDatabase, path: Path) -> None:
    deadline = time.monotonic() + _LONGEST_UPGRADE
    while (taken := require_known_schema(db, path)) != _our_steps():
        try:
            with immediate(db):
                if (taken := require_known_schema(db, path)) and taken != _our_steps():
                    log.warning("bringing %s up to date: some seconds for each million events", path)
                migrations.apply(db)
            if taken and taken != _our_steps():
                log.warning("%s is up to date", path)
        except sqlite3.OperationalError as error:
            # Perhaps another program is at it: summing the events of years takes longer than any other write.
            busy = (error.sqlite_errorcode & 0xFF) == sqlite3.SQLITE_BUSY
            if not busy or time.monotonic() > deadline:
                raise
            log.warning("another program writes to %s, perhaps to bring it up to date: waiting for its end", path)


def require_known_schema(db: SqliteDatabase, path: Path) -> set[str]:
    """Return the steps of the schema that a database has; none if it is empty.

    Raises DatabaseDamagedError for a database of another program or of a newer Metrica.
    """
    applied = {step.name for step in migrations.applied(db)}
    newer = sorted(applied - _our_steps())
    if newer:
        raise DatabaseDamagedError(f"{path} was written by a newer Metrica (it has {newer[-1]}): upgrade this one")
    if not applied and db.table_names():
        raise DatabaseDamagedError(f"{path} is a database of another program: choose another file")
    return applied


def _our_steps() -> set[str]:
    with contextlib.closing(sqlite3.connect(":memory:")) as empty:
        return {step.name for step in migrations.pending(SqliteDatabase(empty, execute_plugins=False))}


class ReaderPool:
    """A pool of read-only connections, one for each read at a time. With WAL they never wait for the writer."""

    def __init__(self, path: Path, *, keep: int = 4) -> None:
        """keep: how many idle connections stay open."""
        self._path = path
        self._idle: queue.LifoQueue[sqlite3.Connection] = queue.LifoQueue(keep)
        self._closed = False

    @contextlib.contextmanager
    def connection(self) -> Generator[sqlite3.Connection]:
        """Lend a connection for one read. Raises DatabaseError; a connection that failed is closed."""
        if self._closed:
            raise DatabaseError(f"the database {self._path} is closed")
        conn = None
        try:
            try:
                conn = self._idle.get_nowait()
            except queue.Empty:
                uri = f"{self._path.resolve().as_uri()}?mode=ro"
                conn = sqlite3.connect(uri, uri=True, timeout=2.0, isolation_level=None, check_same_thread=False)
            yield conn
        except sqlite3.Error as error:
            if conn is not None:
                conn.close()
            raise database_error(error, self._path) from None
        except BaseException:
            if conn is not None:
                conn.close()
            raise
        self._give_back(conn)

    def close(self) -> None:
        """Close the idle connections; the others are closed when they come back."""
        self._closed = True
        with contextlib.suppress(queue.Empty):
            while True:
                self._idle.get_nowait().close()

    def _give_back(self, conn: sqlite3.Connection) -> None:
        try:
            if self._closed:
                conn.close()
            else:
                self._idle.put_nowait(conn)
        except queue.Full:
            conn.close()
