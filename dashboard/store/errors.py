"""What can go wrong with the database; every text is one sentence for a person to act on.

MetricaError
└── DatabaseError           the database cannot be used
    ├── DatabaseBusyError       locked by another program, or too much is waiting: try again
    ├── DatabaseFullError       the disk is full
    └── DatabaseDamagedError    the file is not a database, damaged, or from a newer Metrica
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from metrica.messages import MetricaError


class DatabaseError(MetricaError):
    """The database cannot be used. Nothing of the failed write is in it, so trying again is safe."""


class DatabaseBusyError(DatabaseError):
    """Another program holds the database, or more writes are waiting than it can take."""


class DatabaseFullError(DatabaseError):
    """There is no room left on the disk."""


class DatabaseDamagedError(DatabaseError):
    """The file is not a database of ours, is damaged, or was written by a newer Metrica."""


def database_error(error: sqlite3.Error, path: Path) -> DatabaseError:
    """SQLite's error as one of ours, with what to do."""
    # The low byte is SQLite's primary result code; the others say more about the same failure.
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return DatabaseBusyError(f"the database {path} is locked by another program: close it there and try again")
    if code == sqlite3.SQLITE_FULL:
        return DatabaseFullError(f"the database {path} cannot grow, the disk is full: make room and try again")
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return DatabaseDamagedError(
            f"{path} is not a database or is damaged ({error}): restore a backup, or move it away"
        )
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_CANTOPEN):
        return DatabaseError(
            f"the database {path} cannot be opened for writing ({error}): check the folder's permissions"
        )
    return DatabaseError(f"the database {path} failed: {error}")
