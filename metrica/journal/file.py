"""The SQLite file of a journal: open it, share it between processes, replace it when it is damaged.

Four files belong together: `NAME`, `NAME-wal` and `NAME-shm` (SQLite's) and `NAME.lock`. A process holds a shared lock
on `NAME.lock` while it reads or writes the journal, and an exclusive lock while it creates a new journal or moves a
damaged one aside. So no process can commit an event to a file that another process is moving aside. Never open `NAME`
except through SQLite: POSIX locks belong to the process, so closing any other descriptor of it drops SQLite's locks.
"""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import sqlite3
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from metrica.errors import JournalError
from metrica.journal.salvage import carry_over
from metrica.journal.schema import APPLICATION, COLUMNS, CREATE, SCHEMA, transaction

_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_FULL_BELOW = 64 << 10  # free bytes: with fewer, the disk is full, whatever SQLite reports

T = TypeVar("T")


class JournalUnavailableError(JournalError):
    """The journal cannot be used now (disk full, read-only, locked), but it may work later."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"the journal {path} cannot be written: {reason}")
        self.reason = reason
        """Why, in a few words, such as "disk full"."""


class _DamageError(sqlite3.DatabaseError):
    """Damage that SQLite reports as the result of a query, not as an error."""


class JournalFile:
    """One connection to a journal's file. Use it in the thread and the process that made it.

    After a failure the connection is closed, and the next `run` opens a new one: a connection that was opened on a
    read-only file would stay read-only.

    Args:
        path: The file.
        timeout: How long to wait for a lock, in seconds.
        log: Where to report damage.
    """

    def __init__(self, path: Path, timeout: float, log: logging.Logger) -> None:
        self.path = path
        self._timeout = timeout
        self._log = log
        self._lock: int | None = None
        self._connection: sqlite3.Connection | None = None
        self._inode: tuple[int, int] | None = None
        self._process = os.getpid()
        self._checked = False
        self.run(lambda connection: None)

    def run(self, work: Callable[[sqlite3.Connection], T], *, write: bool = False) -> T:
        """Call `work` with the connection, inside a transaction if it writes, and return what it returns.

        A damaged file is replaced, and `work` is called again on the new one, so it must be repeatable.

        Raises:
            JournalUnavailableError: The journal cannot be used now.
            JournalError: The file has a newer schema or is not a journal, or the connection is from before a fork.
        """
        if os.getpid() != self._process:
            raise JournalError(f"the journal {self.path} was opened before a fork: open it again in the new process")
        try:
            try:
                return self._attempt(work, write)
            except sqlite3.DatabaseError as error:
                if not _is_damage(error):
                    raise
                self._replace(str(error))
                return self._attempt(work, write)
        except (sqlite3.OperationalError, OSError) as error:
            self.close()
            raise JournalUnavailableError(self.path, self._why(error)) from None
        except sqlite3.DatabaseError as error:
            if not _is_damage(error):
                raise
            self.close()
            raise JournalUnavailableError(self.path, f"even the new one is damaged ({error})") from None

    def close(self) -> None:
        """Close the connection and the lock file. Closing again does nothing."""
        self._disconnect()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _attempt(self, work: Callable[[sqlite3.Connection], T], write: bool) -> T:
        with self._locked(fcntl.LOCK_SH) as lock:
            connection, inode = self._connection, self._inode_now()
            if connection is None or inode != self._inode:
                if connection is not None and inode is None:
                    self._log.error("the journal %s was removed while it was in use; a new one begins", self.path)
                self._acquire(lock, fcntl.LOCK_EX)
                connection = self._connect()
            if not write:
                return work(connection)
            with transaction(connection):
                return work(connection)

    @contextmanager
    def _locked(self, how: int) -> Generator[int]:
        if self._lock is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            name = self.path.with_name(f"{self.path.name}.lock")
            self._lock = os.open(name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        self._acquire(self._lock, how)
        try:
            yield self._lock
        finally:
            fcntl.flock(self._lock, fcntl.LOCK_UN)

    def _acquire(self, lock: int, how: int) -> None:
        """Lock within the timeout. Raises BlockingIOError."""
        end = time.monotonic() + self._timeout
        while True:
            try:
                return fcntl.flock(lock, how | fcntl.LOCK_NB)
            except BlockingIOError:
                # Not a blocking flock: a holder that is stopped, or waits for a broken disk, may never release it.
                if time.monotonic() > end:
                    raise
            time.sleep(0.002)

    def _connect(self) -> sqlite3.Connection:
        """Open a new connection; to be called with the exclusive lock held."""
        self._disconnect()
        connection = sqlite3.connect(self.path, timeout=self._timeout, isolation_level=None)
        try:
            self._prepare(connection)
        except BaseException:
            connection.close()
            raise
        self._connection, self._inode = connection, self._inode_now()
        return connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        application, version = _pragma(connection, "application_id"), _pragma(connection, "user_version")
        if application != APPLICATION:
            if version or connection.execute("SELECT 1 FROM sqlite_master").fetchone():
                raise JournalError(f"{self.path} is a SQLite database but not a journal: name another file")
        elif version > SCHEMA:
            raise JournalError(
                f"the journal {self.path} was written by a newer Metrica (schema {version}, this one knows {SCHEMA}): "
                "install that version again, or name another file"
            )
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")  # NORMAL would lose the last commits in a power cut
        if application != APPLICATION:
            with transaction(connection):
                for statement in CREATE.split(";\n"):
                    connection.execute(statement)
                connection.execute(f"PRAGMA application_id = {APPLICATION}")
                connection.execute(f"PRAGMA user_version = {SCHEMA}")
        elif not self._checked:
            _check(connection)
        self._checked = True

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _replace(self, reason: str) -> None:
        """Move the damaged file aside, create a new one, and copy into it what can still be read."""
        with self._locked(fcntl.LOCK_EX):
            if self._repaired():
                return
            self._disconnect()
            aside = self._aside()
            for suffix in (
                "-wal",
                "-shm",
                "",
            ):  # the database last: after a crash in between, the next process still finds the damage
                part = Path(f"{self.path}{suffix}")
                if part.exists():
                    part.rename(f"{aside}{suffix}")
            carried = carry_over(aside, self._connect())
        self._log.error(
            "the journal %s was damaged (%s): it is kept as %s, a new one has begun, "
            "and the %d events that could still be read were carried over",
            *(self.path, reason, aside, carried),
        )

    def _repaired(self) -> bool:
        """Whether another process replaced the damaged file while this one waited for the lock."""
        if self._connection is not None:
            return self._inode_now() != self._inode
        try:
            self._connect()
        except sqlite3.DatabaseError as error:
            if not _is_damage(error):
                raise
            return False
        return True

    def _aside(self) -> Path:
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        aside = self.path.with_name(f"{self.path.name}.corrupt-{stamp}")
        count = 1
        while aside.exists():
            count += 1
            aside = self.path.with_name(f"{self.path.name}.corrupt-{stamp}-{count}")
        return aside

    def _inode_now(self) -> tuple[int, int] | None:
        try:
            found = self.path.stat()
        except FileNotFoundError:
            return None
        return found.st_dev, found.st_ino

    def _why(self, error: Exception) -> str:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if isinstance(error, BlockingIOError) or code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            return f"another process has kept it locked for {self._timeout:g} s"
        if isinstance(error, OSError):
            return "disk full" if error.errno == errno.ENOSPC else str(error.strerror)
        if code == sqlite3.SQLITE_FULL or self._free_bytes() < _FULL_BELOW:
            return "disk full"
        if code == sqlite3.SQLITE_READONLY:
            return "the file or its disk is read-only"
        return str(error)

    def _free_bytes(self) -> int:
        try:
            disk = os.statvfs(self.path.parent)
        except OSError:
            return _FULL_BELOW  # unknown, so it does not count as full
        return disk.f_bavail * disk.f_frsize


def _check(connection: sqlite3.Connection) -> None:
    """Raise _DamageError if the file is damaged or its table is not a journal's."""
    found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if found != "ok":
        raise _DamageError(found)
    columns = ", ".join(row[1] for row in connection.execute("PRAGMA table_info(event)"))
    if columns != COLUMNS:
        raise _DamageError("its table is missing")


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])


def _is_damage(error: sqlite3.DatabaseError) -> bool:
    return isinstance(error, _DamageError) or (getattr(error, "sqlite_errorcode", 0) & 0xFF) in _DAMAGED
