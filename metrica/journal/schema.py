"""The table of a journal: its columns, the states of an event, and a transaction over it."""

from __future__ import annotations

import sqlite3
from collections.abc import Generator
from contextlib import contextmanager

SCHEMA = 1
UNSENT, SENT, REFUSED = 0, 1, 2

APPLICATION = 0x4D4A524E  # "MJRN": tells a journal from any other SQLite file
COLUMNS = "position, id, kind, payload, state, changed, reason"
CREATE = """
CREATE TABLE event (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    payload BLOB NOT NULL,
    state INTEGER NOT NULL DEFAULT 0 CHECK (state IN (0, 1, 2)),
    changed INTEGER NOT NULL,
    reason TEXT
);
CREATE INDEX event_state ON event (state);
"""


@contextmanager
def transaction(connection: sqlite3.Connection) -> Generator[None]:
    # IMMEDIATE: a deferred transaction that reads and then writes fails with "locked" at once, whatever the timeout.
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
