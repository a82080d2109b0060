"""Backups of the database: one file, consistent while a server writes at full speed, whole or not there at all."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import secrets
import sqlite3
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path

from sqlite_utils import Database as SqliteDatabase

from metrica.dashboard.database.errors import DatabaseDamagedError, DatabaseError, DatabaseFullError, database_error
from metrica.dashboard.database.sqlite.connections import require_known_schema

_STEPS = 100_000  # instructions of SQLite's machine between two looks at whether to stop: some milliseconds
_DRAFT = "partial"


@dataclass(frozen=True, slots=True)
class Contents:
    """What a checked backup holds."""

    schema: str
    """The last step of the schema that it has, such as m007_removals; empty if it has none."""
    stores: int
    events: int
    newest: int | None
    """The time of the newest event, ns UTC."""


def back_up(path: Path, target: Path, stopped: Callable[[], bool] = lambda: False) -> Contents:
    """Write a copy of the database `path` as the file `target`, with mode 0600, and check it. Nobody has to wait.

    It appears under its name when it is complete, checked and on the disk; an existing file is never touched.
    stopped: asked now and then; True gives the copy up. Raises DatabaseError; then nothing is left behind.
    """
    if not path.exists():
        raise DatabaseError(f"there is no database {path}: name its folder with --data or the file with --database")
    require_free(target)
    with draft_of(target) as draft:
        write_copy(path, draft, target, stopped)
        # Its indexes were made anew from its rows, so they need no comparing; `restore` looks at everything.
        contents = checked(draft, stopped, thorough=False)
        keep(draft, target)
    return contents


def write_copy(path: Path, draft: Path, target: Path, stopped: Callable[[], bool]) -> None:
    """Write what the database `path` holds into the empty file `draft`, which is for `target`. Raises DatabaseError."""
    try:
        with contextlib.closing(_open(path, stopped)) as conn:
            conn.execute("VACUUM INTO ?", (str(draft),))
    except sqlite3.Error as error:
        if stopped():
            raise DatabaseError(f"stopped: {target} was not written") from None
        raise _copy_error(error, path, target) from None


def require_free(target: Path) -> None:
    """Raise DatabaseError, as one sentence, if a new file cannot have this name."""
    if os.path.lexists(target):
        raise DatabaseError(f"{target} exists already: name a file that does not, nothing is overwritten")
    if not target.parent.is_dir():
        raise DatabaseError(f"there is no folder {target.parent}: make it first")


@contextlib.contextmanager
def draft_of(target: Path) -> Generator[Path]:
    """Give an empty file beside `target` that only its owner can read, and remove it in the end if it is still there.

    Drafts of programs that were killed are removed too. Raises DatabaseError if the folder takes no file.
    """
    for old in target.parent.glob(f".{glob_safe(target.name)}.*.{_DRAFT}"):
        _remove_if_nobodys(old)
    for log in target.parent.glob(f".{glob_safe(target.name)}.*.{_DRAFT}-*"):  # SQLite's, beside a draft that is gone
        if not log.with_name(log.name.rpartition("-")[0]).exists():
            log.unlink(missing_ok=True)
    draft = target.with_name(f".{target.name}.{secrets.token_hex(4)}.{_DRAFT}")
    try:
        fd = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise file_error(error, target) from None
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)  # says that somebody is at work on it
        yield draft
    finally:
        for leftover in (draft, draft.with_name(f"{draft.name}-journal"), draft.with_name(f"{draft.name}-wal")):
            leftover.unlink(missing_ok=True)
        os.close(fd)


def keep(draft: Path, target: Path) -> None:
    """Give the draft its name, when its bytes are on the disk. Raises DatabaseError; a file with that name stays."""
    try:
        sync(draft)
        try:
            target.hardlink_to(draft)  # unlike a rename, this fails if there is such a file by now
        except FileExistsError:
            raise
        except OSError:  # a disk without hard links, such as a memory stick
            os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
            draft.replace(target)
        sync(target.parent)
    except FileExistsError:
        raise DatabaseError(f"{target} exists already: name a file that does not, nothing is overwritten") from None
    except OSError as error:
        raise file_error(error, target) from None


def checked(path: Path, stopped: Callable[[], bool] = lambda: False, *, thorough: bool = True) -> Contents:
    """Return what a copy of a database holds, when every page of it is as it should be. Raises DatabaseError.

    thorough: compare the indexes with the rows too, and look for the store of each row.
    """
    try:
        with contextlib.closing(_open(path, stopped)) as conn:
            problem = conn.execute(f"PRAGMA {'integrity' if thorough else 'quick'}_check(1)").fetchone()[0]
            if problem != "ok":
                raise DatabaseDamagedError(f"{path} is damaged ({' '.join(problem.split())}): take another file")
            if thorough and conn.execute("PRAGMA foreign_key_check").fetchone() is not None:
                raise DatabaseDamagedError(f"{path} is damaged (a row belongs to no store): take another file")
            applied = require_known_schema(SqliteDatabase(conn, execute_plugins=False), path)
            if not applied:
                raise DatabaseDamagedError(f"{path} is empty, not a database of Metrica: take another file")
            count = (
                "SELECT (SELECT count(*) FROM stores), (SELECT count(*) FROM events), (SELECT max(time) FROM events)"
            )
            return Contents(max(applied), *conn.execute(count).fetchone())
    except sqlite3.Error as error:
        if stopped():
            raise DatabaseError("stopped: nothing was changed") from None
        raise database_error(error, path) from None


def sync(path: Path) -> None:
    """Wait until a file or a folder is on the disk."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def glob_safe(name: str) -> str:
    """Return a name as a pattern that only it matches."""
    return "".join(f"[{c}]" if c in "*?[" else c for c in name)


def _open(path: Path, stopped: Callable[[], bool]) -> sqlite3.Connection:
    conn = sqlite3.connect(f"{path.resolve().as_uri()}?mode=rw", uri=True, timeout=10.0, isolation_level=None)
    conn.set_progress_handler(lambda: int(stopped()), _STEPS)
    return conn


def _copy_error(error: sqlite3.Error, path: Path, target: Path) -> DatabaseError:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_FULL:
        return _no_room(target)
    if code in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN):
        return DatabaseError(
            f"the backup {target} cannot be written, or {path} not be read ({error}): check both disks"
        )
    return database_error(error, path)


def file_error(error: OSError, target: Path) -> DatabaseError:
    """Return what is wrong with a file that cannot be written, as one sentence."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return _no_room(target)
    return DatabaseError(f"{target} cannot be written ({error.strerror}): check the folder, or name another file")


def _no_room(target: Path) -> DatabaseError:
    return DatabaseFullError(f"there is no room for {target}: make room, or name a file on another disk")


def _remove_if_nobodys(draft: Path) -> None:
    try:
        fd = os.open(draft, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        draft.unlink(missing_ok=True)
    except OSError:
        return  # somebody is at work on it, or it is somebody else's
    finally:
        os.close(fd)
