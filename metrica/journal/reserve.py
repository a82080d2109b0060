"""Room for a journal that is set aside in advance, so that some thousands of events fit on a disk that others fill.

The reserve is a file of allocated blocks beside the journal. On a full disk it is removed, and the journal takes its
room at once: it writes a row of zeros, which makes its file and its WAL longer, and deletes it again. SQLite uses these
pages for the next events, and no other program can take them. The reserve is made again when there is room.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import suppress
from pathlib import Path

from metrica.journal.schema import pragma, transaction

_WANTED = 4 << 20  # bytes: room for more than 4,000 events
_SHARE = 3  # of a very small disk, at most this part of it is set aside
_LEAST = 96 << 10
_EVENT_BYTES = 420  # of one event with its indexes, about


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
        draft = self.path.with_name(f"{self.path.name}.{os.getpid()}")
        try:
            size, free = self._wanted_and_free()
            if size < _LEAST or free < _needed(size):
                return False
            fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                os.posix_fallocate(fd, 0, size)
                os.fsync(fd)
            finally:
                os.close(fd)
            draft.rename(self.path)
        except OSError:
            with suppress(OSError):
                draft.unlink(missing_ok=True)
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


def _needed(size: int) -> int:
    """How many bytes must be free before so many are set aside: the rest is for those who write on the disk now."""
    return size * 3 // 2


def claim(connection: sqlite3.Connection, freed: int) -> None:
    """Take the room of a reserve that was given up into the journal's own files. Raises sqlite3.Error."""
    drop_filler(connection)
    with transaction(connection):
        connection.execute("CREATE TABLE filler (zeros BLOB)")
        # The pages are written twice, to the WAL and to the file; what remains is for headers and the first commits.
        connection.execute("INSERT INTO filler VALUES (zeroblob(?))", (freed * 7 // 16,))
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
