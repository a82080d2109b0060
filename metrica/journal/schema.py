"""The table of a journal: its columns, the states of an event, and a transaction on it."""

from __future__ import annotations

import sqlite3
from collections.abc import Generator
from contextlib import contextmanager

SCHEMA = 1
"""Version of the table, kept as SQLite's `user_version`."""
UNSENT, SENT, REFUSED = 0, 1, 2
"""The values of the column `state`."""
APPLICATION = 0x4D4A524E
"""SQLite's `application_id` of a journal, "MJRN": it tells a journal from any other SQLite file."""
COLUMNS = "position, id, kind, payload, state, changed, reason"
"""The columns of the table `event`: `position` grows in the order of the commits, `changed` is ns UTC."""
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
    """Commit at the end of the `with` block, roll back after an error."""
    # IMMEDIATE: a deferred transaction that reads and then writes fails with "locked" at once, without the timeout.
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
