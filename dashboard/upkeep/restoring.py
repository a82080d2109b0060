"""Restoring a backup in the place of the database; what was there is kept beside it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import sqlite3
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from metrica.dashboard.database.errors import DatabaseBusyError, DatabaseDamagedError, DatabaseError, database_error
from metrica.dashboard.database.sqlite.connections import immediate, open_writer
from metrica.dashboard.store.audit import COMMAND, record
from metrica.dashboard.store.gone import fingerprint
from metrica.dashboard.upkeep.backup import Contents, checked, draft_of, keep, write_copy

# Whoever has the database open in WAL mode holds a shared lock on these bytes of it (sqlite.org/fileformat2.html, "The
# Lock-Byte Page").
_LOCK_START, _LOCK_LENGTH = 0x4000_0000, 512
_ENDED = {
    "ended_tokens": "SELECT hash, time FROM ended_tokens UNION SELECT hash, revoked FROM tokens WHERE revoked NOT NULL",
    "erased_stores": "SELECT hash, time FROM erased_stores",
}
_VALID = "SELECT hash FROM api_tokens WHERE revoked IS NULL"


@dataclass(frozen=True, slots=True)
class Restored:
    """What became of a restore."""

    contents: Contents
    aside: Path | None
    """Where the database is that was there before; None if there was none."""
    carried: bool
    """Whether the database before could tell which tokens were revoked, and which stores erased, since the backup."""
    erased: tuple[str, ...]
    """Stores of the backup that have been erased since it was made."""


def restore(backup: Path, path: Path, stopped: Callable[[], bool] = lambda: False) -> Restored:
    """Put the contents of `backup` in the place of those of the database `path`, with this Metrica's schema.

    They take the place at one moment, when they are complete and checked. Tokens that were revoked, and stores that
    were erased since the backup, are known to the restored database too, as far as the old one can be read.
    Raises DatabaseError, and changes nothing then; DatabaseBusyError if a program has the database open.
    """
    if not backup.is_file():
        raise DatabaseError(f"there is no file {backup}: name the backup to restore")
    if path.exists() and path.samefile(backup):
        raise DatabaseError(f"{backup} is the database itself: name the backup to restore")
    checked(backup, stopped)
    ended, valid = None, None
    if path.exists():
        _require_unused(path)
        ended = _ended(path)
        valid = _valid(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise DatabaseError(f"the folder {path.parent} cannot be made ({error.strerror}): check the path") from None
    with draft_of(path) as draft:
        _copy(backup, draft, stopped)
        erased = _prepare(draft, backup.name, ended or {}, valid)
        contents = checked(draft, stopped)
        aside = _replace(draft, path, stopped)
    return Restored(contents, aside, ended is not None, erased)


def holder(path: Path) -> int | None:
    """Return the process that has the database open; 0 if it cannot be told which one, None if there is none."""
    fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        asked = struct.pack("hhqqi0q", fcntl.F_WRLCK, os.SEEK_SET, _LOCK_START, _LOCK_LENGTH, 0)
        kind, _, _, _, pid = struct.unpack("hhqqi0q", fcntl.fcntl(fd, fcntl.F_GETLK, asked))
    finally:
        os.close(fd)
    return None if kind == fcntl.F_UNLCK else max(pid, 0)


def _require_unused(path: Path) -> None:
    try:
        pid = holder(path)
    except OSError as error:
        raise DatabaseError(f"the database {path} cannot be replaced ({error.strerror}): check the folder") from None
    if pid is not None:
        who = f"process {pid}" if pid else "a program"
        raise DatabaseBusyError(f"{who} has the database {path} open: stop the server first, nothing is changed")


def _copy(source: Path, target: Path, stopped: Callable[[], bool]) -> None:
    """Copy every page of a database into another one, in one transaction of that."""

    def look(*_: int) -> None:
        if stopped():
            raise DatabaseError("stopped: nothing was changed")

    try:
        with _connected(source) as old, _connected(target) as new:
            old.backup(new, pages=2000, progress=look)
    except sqlite3.Error as error:
        raise database_error(error, target) from None


def _prepare(
    draft: Path, backup: str, ended: dict[str, list[tuple[str, int]]], valid: set[str] | None
) -> tuple[str, ...]:
    """Bring the copy up to this schema, and carry over what must stay ended. Returns the stores that were erased.

    valid: the users' own tokens that are valid until now, by their hashes; None if that cannot be told.
    """
    db = open_writer(draft)
    try:
        now = time.time_ns()
        with immediate(db):
            for table, rows in ended.items():
                db.conn.executemany(f"INSERT INTO {table} VALUES (?, ?) ON CONFLICT DO NOTHING", rows)
            db.conn.execute(
                "UPDATE tokens SET revoked = coalesce(revoked, ?) WHERE hash IN (SELECT hash FROM ended_tokens)", (now,)
            )
            over = [hashed for (hashed,) in db.conn.execute(_VALID) if valid is not None and hashed not in valid]
            db.conn.executemany("UPDATE api_tokens SET revoked = ? WHERE hash = ?", [(now, one) for one in over])
            db.conn.execute("DELETE FROM sessions")  # one of them may have been ended since
            db.conn.execute("UPDATE data_version SET version = ?", (now,))  # another one than any program has seen
            record(db.conn, now, COMMAND, "database restored", backup)
            gone = {row[0] for row in db.conn.execute("SELECT hash FROM erased_stores")}
            stores = [row[0] for row in db.conn.execute("SELECT id FROM stores ORDER BY id")]
        db.conn.execute("PRAGMA journal_mode=DELETE")
    except sqlite3.Error as error:
        raise database_error(error, draft) from None
    finally:
        db.close()
    return tuple(store for store in stores if fingerprint(store) in gone)


def _ended(path: Path) -> dict[str, list[tuple[str, int]]] | None:
    """Return the tokens and stores that the present database knows to be gone; None if it cannot be read."""
    try:
        with _connected(path) as conn:
            return {table: conn.execute(sql).fetchall() for table, sql in _ENDED.items()}
    except sqlite3.Error:
        return None  # damaged, or from before these tables: the caller is told


def _valid(path: Path) -> set[str] | None:
    """Return the users' own tokens that are valid in the present database; None if it cannot be read, or has none."""
    try:
        with _connected(path) as conn:
            return {row[0] for row in conn.execute(_VALID)}
    except sqlite3.Error:
        return None


def _replace(draft: Path, path: Path, stopped: Callable[[], bool]) -> Path | None:
    """Put the draft in the place of the database, and keep that. Returns where it is, None if there was none."""
    if not path.exists():
        own_as(draft, path.parent)
        keep(draft, path)
        return None
    aside = _free_name(path)
    try:
        with draft_of(aside) as old:
            write_copy(path, old, aside, stopped)
            own_as(old, path)
            keep(old, aside)
    except DatabaseDamagedError:
        return _move_away(draft, path, aside)
    try:
        _require_unused(path)
        # Into the file itself, not under its name: a program that opens it just now sees the contents before, or these.
        _copy(draft, path, lambda: False)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise
    return aside


def _move_away(draft: Path, path: Path, aside: Path) -> Path:
    """Replace a database that is damaged, so that no program can have any use of it."""
    _require_unused(path)
    own_as(draft, path)
    # The log first: it must never lie beside another database than its own.
    for end in ("-wal", "-shm", ""):
        with contextlib.suppress(FileNotFoundError):
            path.with_name(path.name + end).rename(aside.with_name(aside.name + end))
    keep(draft, path)
    return aside


def _free_name(path: Path) -> Path:
    stamp = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    names = (f"{path.name}.before-{stamp}{end}" for end in ("", *(f"-{n}" for n in range(2, 1000))))
    return next(found for name in names if not os.path.lexists(found := path.with_name(name)))


def own_as(file: Path, model: Path) -> None:
    """Give a file the owner of another one: what root restores, the server's own user must be able to open."""
    wanted, present = model.stat(), file.stat()
    if (wanted.st_uid, wanted.st_gid) != (present.st_uid, present.st_gid):
        with contextlib.suppress(PermissionError):
            os.chown(file, wanted.st_uid, wanted.st_gid)


def _connected(path: Path) -> contextlib.closing[sqlite3.Connection]:
    uri = f"{path.resolve().as_uri()}?mode=rw"
    return contextlib.closing(sqlite3.connect(uri, uri=True, timeout=10.0, isolation_level=None))
