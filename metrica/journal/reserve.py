"""Room for a journal that is set aside in advance, so that some thousands of events fit on a disk that others fill.

The reserve is a file of allocated blocks beside the journal. On a full disk it is removed, and the journal takes its
room at once: it writes a row of zeros, which makes its file and its WAL longer, and deletes it again. SQLite uses these
pages for the next events, and no other program can take them. The reserve is made again when there is room.
"""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from metrica.context import give_to_owner
from metrica.journal.schema import pragma, transaction

_WANTED = 4 << 20  # bytes: room for more than 4,000 events
_SHARE = 3  # of a very small disk, at most this part of it is set aside
_LEAST = 96 << 10
_LAST_PAGES = 8
_LAST_BYTES = 128 << 10
_EVENT_BYTES = 420  # of one event with its indexes, about


class FullError(sqlite3.OperationalError):
    """There is no room left for events."""


class Reserve:
    """The reserve of one journal. Several processes share it.

    Args:
        journal: The file of the journal.
    """

    def __init__(self, journal: Path) -> None:
        self.path = journal.with_name(f"{journal.name}.reserve")

    @property
    def bytes(self) -> int:
        """How many bytes are set aside now: 0 while the reserve is in use, or if it could never be made."""
        try:
            return self.path.stat().st_size
        except OSError:
            return 0

    def make(self) -> bool:
        """Set room aside, if that is not done and there is plenty. Returns whether it was done now."""
        if self.bytes:
            return False
        try:
            size, free = self._wanted_and_free()
            if size < _LEAST or free < _needed(size):
                return False
            # Without a draft: a process that is killed here leaves no second file, and two do no harm to each other.
            fd = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                give_to_owner(fd, self.path.parent)
                os.posix_fallocate(fd, 0, size)
                os.fsync(fd)
            finally:
                os.close(fd)
        except OSError:
            self.give_up()
            return False
        return True

    def is_short(self) -> bool:
        """Whether there is no reserve now because the disk has no room for it."""
        if self.bytes:
            return False
        try:
            size, free = self._wanted_and_free()
        except OSError:
            return False
        return size >= _LEAST and free < _needed(size)

    def _wanted_and_free(self) -> tuple[int, int]:
        disk = os.statvfs(self.path.parent)
        return min(_WANTED, disk.f_blocks * disk.f_frsize // _SHARE), disk.f_bavail * disk.f_frsize

    def give_up(self) -> int:
        """Remove the reserve. Returns how many bytes that has freed; 0 if it is in use already."""
        size = self.bytes
        try:
            self.path.unlink()
        except OSError:
            return 0
        return size


def check_room(connection: sqlite3.Connection, journal: Path) -> None:
    """Raise FullError if events would take the last pages: marking events as sent, and removing them, needs some too.

    So a journal on a full disk goes on by itself as soon as the server takes events.
    """
    disk = os.statvfs(journal.parent)
    if disk.f_bavail * disk.f_frsize < _LAST_BYTES and pragma(connection, "freelist_count") < _LAST_PAGES:
        raise FullError("the disk is full")


def save_room(connection: sqlite3.Connection) -> None:
    """Keep the WAL short. What it holds may need new room in the file, and without that it cannot be used again."""
    connection.execute("PRAGMA wal_autocheckpoint = 16")


def _needed(size: int) -> int:
    """How many bytes must be free before so many are set aside: the rest is for those who write on the disk now."""
    return size * 5 // 4


def claim(connection: sqlite3.Connection, journal: Path, freed: int) -> None:
    """Take the room of a reserve that was given up into the journal's own files. Raises sqlite3.Error, OSError."""
    connection.execute("PRAGMA wal_checkpoint(PASSIVE)")  # what is in the WAL needs room in the file as well
    save_room(connection)
    drop_filler(connection)
    disk = os.statvfs(journal.parent)
    room = min(freed, disk.f_bavail * disk.f_frsize)
    wal = Path(f"{journal}-wal").stat().st_size
    # The pages are written twice: to the WAL, which is written from its beginning again, and to the file. A quarter of
    # the room remains for headers and the first commits.
    size = min(room * 3 // 4, (room + wal) * 3 // 8)
    with transaction(connection):
        connection.execute("CREATE TABLE filler (zeros BLOB)")
        connection.execute("INSERT INTO filler VALUES (zeroblob(?))", (size,))
    connection.execute("PRAGMA wal_checkpoint(PASSIVE)")  # only now are the pages in the file, and on the disk
    drop_filler(connection)
    connection.execute("PRAGMA wal_checkpoint(PASSIVE)")


def drop_filler(connection: sqlite3.Connection) -> None:
    """Free the pages of a row of zeros; a process that was killed in `claim` leaves one."""
    if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'filler'").fetchone():
        with transaction(connection):
            connection.execute("DROP TABLE IF EXISTS filler")


def room_for_events(connection: sqlite3.Connection) -> int:
    """About how many events fit into the pages that the journal has and does not use."""
    return pragma(connection, "freelist_count") * pragma(connection, "page_size") // _EVENT_BYTES
