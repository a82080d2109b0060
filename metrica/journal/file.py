"""The SQLite file of a journal: open it, share it between processes, replace it when it is damaged.

Several files belong together: `NAME`, `NAME-wal` and `NAME-shm` (SQLite's), `NAME.lock` and `NAME.reserve`. A process
holds a shared lock on `NAME.lock` while it reads or writes the journal, and an exclusive lock while it creates a new
journal or moves a damaged one aside. So no process can commit an event to a file that another process is moving aside.
Never open `NAME` except through SQLite: POSIX locks belong to the process, so closing any other descriptor of it drops
SQLite's locks.
"""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from metrica.context import give_to_owner, make_private_files
from metrica.errors import JournalError
from metrica.journal.check import DamageError, check_shortly
from metrica.journal.lock import LockFile
from metrica.journal.reserve import FullError, Reserve, check_room, claim, drop_filler, save_room
from metrica.journal.salvage import rebuild
from metrica.journal.schema import APPLICATION, SCHEMA, create, pragma, transaction, upgrade

_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_PARTS = ("-wal", "-shm", "")  # the database last: after a crash in between, the next process still finds the damage
_FULL_BELOW = 64 << 10  # free bytes: with fewer, the disk is full, whatever SQLite reports
_MENDS = 3  # a journal that is damaged on a full disk needs two

LOCKED = "another process keeps it locked"
"""The reason of a JournalUnavailableError that usually passes within moments."""

T = TypeVar("T")


class JournalUnavailableError(JournalError):
    """The journal cannot be used now (disk full, read-only, locked), but it may work later."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"the journal {path} cannot be written: {reason}")
        self.reason = reason
        """Why, in a few words, such as "disk full"."""


class JournalFile:
    """One connection to a journal's file. Use it in the thread and the process that made it.

    After a failure the connection is closed, and the next `run` opens a new one: a connection that was opened on a
    read-only file would stay read-only. Only a full disk is no reason to let go of what the journal has there.

    Args:
        path: The file.
        timeout: How long to wait for a lock, in seconds.
        log: Where to report damage.
    """

    def __init__(self, path: Path, timeout: float, log: logging.Logger) -> None:
        self.path = path
        self.reserve = Reserve(path)
        self._timeout = timeout
        self._log = log
        self._lock = LockFile(path.with_name(f"{path.name}.lock"), timeout)
        self._damaged = path.with_name(f"{path.name}.damaged")
        self._connection: sqlite3.Connection | None = None
        self._inode: tuple[int, int] | None = None
        self._process = os.getpid()
        self._checked = False
        self.run(lambda connection: None)

    def run(self, work: Callable[[sqlite3.Connection], T], *, write: bool = False) -> T:
        """Call `work` with the connection, inside a transaction if it writes, and return what it returns.

        A damaged file is replaced, a full disk gets the room of the reserve, and `work` is called again, so it must be
        repeatable.

        Raises:
            JournalUnavailableError: The journal cannot be used now.
            JournalError: The file has a newer schema or is not a journal, or the connection is from before a fork.
        """
        if os.getpid() != self._process:
            raise JournalError(f"the journal {self.path} was opened before a fork: open it again in the new process")
        mends = _MENDS
        while True:
            try:
                return self._attempt(work, write)
            except (sqlite3.DatabaseError, OSError) as error:
                if not (_is_damage(error) or isinstance(error, (sqlite3.OperationalError, OSError))):
                    raise
                mends -= 1
                failure = self._mend(error) if mends else error
            if failure is not None:
                if not self._is_full(failure):  # SQLite removes the WAL with the last connection: others take its room
                    self.close()
                raise JournalUnavailableError(self.path, self._why(failure)) from None

    def check_room(self, connection: sqlite3.Connection) -> None:
        """To be called in a transaction that adds events: make `run` give up the reserve if there is no room."""
        if not self.reserve.bytes:
            check_room(connection, self.path)

    def close(self) -> None:
        """Close the connection and the lock file. Closing again does nothing."""
        self._disconnect()
        self._lock.close()

    def _attempt(self, work: Callable[[sqlite3.Connection], T], write: bool) -> T:
        with self._lock.held(fcntl.LOCK_SH):
            connection, inode = self._connection, self._inode_now()
            if connection is None or inode != self._inode:
                if connection is not None and inode is None and not self._damaged.exists():
                    self._log.error("the journal %s was removed while it was in use; a new one begins", self.path)
                self._lock.change(fcntl.LOCK_EX)
                connection = self._connect()
            if not write:
                return work(connection)
            with transaction(connection):
                return work(connection)

    def _mend(self, error: Exception) -> Exception | None:
        """Do what there is to do about an error. Returns None if `work` may be tried again, else what is wrong."""
        try:
            if _is_damage(error):
                self._replace(str(error))
                return None
            if self._is_full(error):
                return None if self._make_room() else error
        except (sqlite3.DatabaseError, OSError) as another:
            return another
        return error

    def _make_room(self) -> bool:
        """Give up the reserve, or use the room in the WAL again. Returns whether that may have helped."""
        freed = self.reserve.give_up()
        if freed:
            self._log.error(
                "the disk of the journal %s is full: its reserve of %d KiB is used now, free some space",
                *(self.path, freed >> 10),
            )
        with suppress(sqlite3.Error, OSError), self._lock.held(fcntl.LOCK_SH):
            if self._connection is None or self._inode_now() != self._inode:
                self._lock.change(fcntl.LOCK_EX)
                self._connect()
            assert self._connection is not None
            if freed:
                claim(self._connection, self.path, freed)
            else:
                self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
            return True
        return bool(freed)

    def _connect(self) -> sqlite3.Connection:
        """Open a new connection; to be called with the exclusive lock held."""
        self._disconnect()
        if self._damaged.exists():
            self._salvage("it was left behind when a repair was interrupted")
        if not self.path.exists():
            fd = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            give_to_owner(fd, self.path.parent)
            os.close(fd)
        connection = sqlite3.connect(self.path, timeout=self._timeout, isolation_level=None)
        try:
            self._prepare(connection)
        except BaseException:
            connection.close()
            raise
        self._connection, self._inode = connection, self._inode_now()
        if not (self.reserve.make() or self.reserve.bytes):
            save_room(connection)
        make_private_files(self.path.parent, self.path.name)
        return connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        application, version = pragma(connection, "application_id"), pragma(connection, "user_version")
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
            create(connection)
        else:
            if not self._checked:
                check_shortly(connection, version)
            if version < SCHEMA:
                upgrade(connection)
            drop_filler(connection)
        self._checked = True

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _replace(self, reason: str) -> None:
        """Move the damaged file aside, and put a new one in its place with what can still be read."""
        with self._lock.held(fcntl.LOCK_EX):
            if self._repaired():
                return
            self._disconnect()
            for suffix in _PARTS:
                part = Path(f"{self.path}{suffix}")
                if part.exists():
                    part.rename(f"{self._damaged}{suffix}")
            self._salvage(reason)
            self._connect()

    def _salvage(self, reason: str) -> None:
        """Make the journal of `NAME.damaged`. While that cannot be done, the next process or `run` tries again."""
        new = self.path.with_name(f"{self.path.name}.new")
        carried = rebuild(self._damaged, new)
        if not self.path.exists():  # one that was begun meanwhile, by an older version, has newer events
            new.rename(self.path)
        new.unlink(missing_ok=True)
        aside = self._aside()
        for suffix in _PARTS:
            with suppress(FileNotFoundError):
                Path(f"{self._damaged}{suffix}").rename(f"{aside}{suffix}")
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
            return LOCKED
        if self._is_full(error):
            return "disk full"
        if isinstance(error, OSError):
            return str(error.strerror)
        if _is_damage(error):
            return f"even the new one is damaged ({error})"
        if code == sqlite3.SQLITE_READONLY:
            return "the file or its disk is read-only"
        return str(error)

    def _is_full(self, error: Exception) -> bool:
        if isinstance(error, BlockingIOError):
            return False
        if isinstance(error, OSError):
            return error.errno == errno.ENOSPC
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_READONLY):
            return False
        if isinstance(error, FullError):
            return True
        return code == sqlite3.SQLITE_FULL or self._free_bytes() < _FULL_BELOW

    def _free_bytes(self) -> int:
        try:
            disk = os.statvfs(self.path.parent)
        except OSError:
            return _FULL_BELOW  # unknown, so it does not count as full
        return disk.f_bavail * disk.f_frsize


def _is_damage(error: Exception) -> bool:
    return isinstance(error, DamageError) or (getattr(error, "sqlite_errorcode", 0) & 0xFF) in _DAMAGED
