"""What can go wrong in the back office; every text is one sentence for a person to act on.

MetricaError
├── StoreError          the database cannot be used
│   ├── StoreBusyError      locked by another program, or too much is waiting: try again
│   ├── StoreFullError      the disk is full
│   └── StoreDamagedError   the file is not a database, damaged, or from a newer Metrica
├── AddressError        the host and port cannot be listened on
└── SecretFileError     a token or key file cannot be read or written
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from metrica.messages import MetricaError


class StoreError(MetricaError):
    """The database cannot be used. Nothing of the failed write is in it, so trying again is safe."""


class StoreBusyError(StoreError):
    """Another program holds the database, or more writes are waiting than it can take."""


class StoreFullError(StoreError):
    """There is no room left on the disk."""


class StoreDamagedError(StoreError):
    """The file is not a database of ours, is damaged, or was written by a newer Metrica."""


class AddressError(MetricaError):
    """The host and port cannot be listened on."""


class SecretFileError(MetricaError):
    """A file that holds a token or a key cannot be read or written."""


def store_error(error: sqlite3.Error, path: Path) -> StoreError:
    """SQLite's error as one of ours, with what to do."""
    # The low byte is SQLite's primary result code; the others say more about the same failure.
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return StoreBusyError(f"the database {path} is locked by another program: close it there and try again")
    if code == sqlite3.SQLITE_FULL:
        return StoreFullError(f"the database {path} cannot grow, the disk is full: make room and try again")
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return StoreDamagedError(f"{path} is not a database or is damaged ({error}): restore a backup, or move it away")
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_CANTOPEN):
        return StoreError(f"the database {path} cannot be opened for writing ({error}): check the folder's permissions")
    return StoreError(f"the database {path} failed: {error}")
