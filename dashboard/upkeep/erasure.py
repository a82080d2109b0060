"""Erasure: a store and everything that was kept of it leave the database, and no launch file brings them back."""

from __future__ import annotations

import contextlib
import json
import os
import re
import sqlite3
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from metrica.dashboard.database.errors import DatabaseBusyError, database_error
from metrica.dashboard.database.interface import Connection, Engine
from metrica.dashboard.store.audit import COMMAND, record
from metrica.dashboard.store.gone import bump, end_tokens, fingerprint, forget_store, tables_of_stores
from metrica.dashboard.upkeep.chunks import delete_in_chunks, each_in_chunks

_GONE = "(deleted)"
_ABOUT_USERS = ("user", "login", "logout", "password", "session")  # first words of actions whose subject is a user
_PATIENCE = 30.0  # s to wait for readers before the log beside the database can be emptied


class Erasure:
    """What is known of stores and tokens that are gone for good. It keeps fingerprints, from which no name is read."""

    def __init__(self, file: Engine) -> None:
        self._file = file

    def erased(self, store: str) -> int | None:
        """Return when the store with this id was erased, ns UTC; None if it was not, or was added again since."""
        rows = self._file.rows("SELECT time FROM erased_stores WHERE hash = ?", fingerprint(store))
        return rows[0][0] if rows else None

    def erase(self, store: str, *, actor: str = COMMAND) -> dict[str, int]:
        """Remove a store from every table, and its name from the audit log. Returns the rows removed per table.

        First its tokens end, so that nothing new comes; then all goes in short writes. What was left half done is
        finished. `scrub` then cleans the database.
        """
        now = self._file.clock()

        self._file.write(lambda db: forget_store(db, store, now)).result()
        counts: dict[str, int] = {}
        for table in self._file.write(partial(tables_of_stores, self._file)).result():
            counts[table] = delete_in_chunks(self._file, table, "store = ?", store)
        self._redact(store)

        def finish(db: Connection) -> None:
            self._file.lock_store(db, store)
            for table in tables_of_stores(self._file, db):  # what a request under way has written meanwhile
                db.execute(f'DELETE FROM "{table}" WHERE store = ?', (store,))
            if db.execute("DELETE FROM stores WHERE id = ?", (store,)).rowcount:
                detail = {table: count for table, count in counts.items() if count}
                record(db, now, actor, "store deleted", _GONE, detail=detail)
            bump(db)

        self._file.write(finish).result()
        return counts

    def remove_token(self, store: str, key: str, *, actor: str = COMMAND) -> None:
        """Remove a token from the list of its store; it never becomes valid again. key: as in `Token`."""
        now = self._file.clock()

        def remove(db: Connection) -> None:
            if end_tokens(db, now, "store = ? AND substr(hash, 1, 12) = ?", store, key):
                record(db, now, actor, "token removed", store, detail={"key": key})

        self._file.write(remove).result()

    def _redact(self, store: str) -> None:
        """Take the store's name out of the audit log; what was done stays, with its time and who did it."""
        whole = re.compile(rf"(?<![\w-]){re.escape(store)}(?![\w-])")
        in_json = json.dumps(store, ensure_ascii=False)[1:-1]
        found = self._file.rows(
            "SELECT n, action, subject, detail FROM audit"
            " WHERE replace(subject, ?, '') <> subject OR replace(detail, ?, '') <> detail",  # has it in it
            store,
            in_json,
        )
        changes: list[tuple[str, str, int]] = []
        for n, action, subject, detail in found:
            if action.partition(" ")[0] not in _ABOUT_USERS and whole.search(subject):
                changes.append((_GONE, "{}", n))
            else:
                values = {name: _without(whole, value) for name, value in json.loads(detail).items()}
                changes.append((subject, json.dumps(values, ensure_ascii=False, separators=(",", ":")), n))

        sql = "UPDATE audit SET subject = ?, detail = ? WHERE n = ?"
        each_in_chunks(self._file, changes, lambda db, part: db.executemany(sql, part))


def scrub(place: Path | str) -> None:
    """Clean a database from rows that were removed. Raises DatabaseError.

    They can leave traces in free parts of a SQLite file. It is written anew, and the log beside it emptied; meanwhile
    nobody can write, some seconds per gigabyte. PostgreSQL gives their place free, and writes over it with the time.
    """
    if isinstance(place, Path):
        _write_anew(place)
        return
    from metrica.dashboard.database.postgresql.vacuum import vacuum  # needs the extra metrica[postgresql]

    vacuum(place)


def _write_anew(path: Path) -> None:
    os.environ["SQLITE_TMPDIR"] = str(path.resolve().parent)  # the copy needs as much room as the database
    try:
        with contextlib.closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as conn:
            conn.execute("PRAGMA secure_delete=ON")
            _patiently(lambda: conn.execute("VACUUM"))
            deadline = time.monotonic() + _PATIENCE
            while conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
                if time.monotonic() > deadline:
                    raise DatabaseBusyError(
                        f"somebody reads {path} all the time, and its log keeps old pages: run the same command again"
                    )
                time.sleep(0.005)
    except sqlite3.Error as error:
        raise database_error(error, path) from None


def _patiently(work: Callable[[], object]) -> None:
    """Do what needs the write lock. SQLite itself asks for it too rarely to get it from a program that writes a lot."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            work()
            return
        except sqlite3.OperationalError as error:
            if (error.sqlite_errorcode & 0xFF) != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.002)


def _without(name: re.Pattern[str], value: object) -> object:
    return name.sub(_GONE, value) if isinstance(value, str) else value
