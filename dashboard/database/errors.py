"""The errors of the database. Each message is one sentence that says what to do.

MetricaError
└── DatabaseError           the database cannot be used
    ├── DatabaseBusyError       locked by another program, or too much is waiting: try again
    ├── DatabaseFullError       the disk is full
    ├── DatabaseAwayError       its server does not answer
    └── DatabaseDamagedError    it is not a database of ours, damaged, or from a newer Metrica
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from metrica.messages import MetricaError


class DatabaseError(MetricaError):
    """The database cannot be used. A write that failed changed nothing, so it is safe to try again."""


class DatabaseBusyError(DatabaseError):
    """Another program has locked the database, or too many writes are waiting."""


class DatabaseFullError(DatabaseError):
    """There is no room left on the disk."""


class DatabaseAwayError(DatabaseError):
    """The server of the database does not answer; it is asked again with the next request."""


class DatabaseDamagedError(DatabaseError):
    """It is not a database of ours, is damaged, or was written by a newer Metrica."""


def database_error(error: sqlite3.Error, path: Path) -> DatabaseError:
    """Convert an error of SQLite to a DatabaseError that says what to do."""
    # The low byte is SQLite's primary result code; the other bytes are details.
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
