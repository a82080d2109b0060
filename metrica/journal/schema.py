"""The tables of a journal: their columns, the states of an event, and a transaction on them."""

from __future__ import annotations

import sqlite3
from collections.abc import Generator
from contextlib import contextmanager

SCHEMA = 2
"""Version of the tables, kept as SQLite's `user_version`. Version 1 had the table `event` only."""
UNSENT, SENT, REFUSED = 0, 1, 2
"""The values of the column `state`."""
APPLICATION = 0x4D4A524E
"""SQLite's `application_id` of a journal, "MJRN": it tells a journal from any other SQLite file."""
COLUMNS = "position, id, kind, payload, state, changed, reason"
"""The columns of the table `event`: `position` grows in the order of the commits, `changed` is ns UTC."""
SUM_COLUMNS = "kind, camera, line, direction, start, seconds, unsent, refused"
"""The columns of the table `event_sum`: `start` is seconds UTC, `seconds` how long the time is that was summed up."""

_EVENTS = (
    """CREATE TABLE event (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    payload BLOB NOT NULL,
    state INTEGER NOT NULL DEFAULT 0 CHECK (state IN (0, 1, 2)),
    changed INTEGER NOT NULL,
    reason TEXT
)""",
    "CREATE INDEX event_state ON event (state)",
)
_SINCE_2 = (
    "CREATE INDEX event_changed ON event (state, changed)",  # what is old is found without a look at what is not
    # The triggers count, so that whoever asks does not: a million rows take a quarter of a second.
    "CREATE TABLE tally (state INTEGER PRIMARY KEY, events INTEGER NOT NULL)",
    """INSERT INTO tally SELECT value, (SELECT count(*) FROM event WHERE state = value)
    FROM (SELECT 0 AS value UNION SELECT 1 UNION SELECT 2)""",
    """CREATE TRIGGER event_added AFTER INSERT ON event BEGIN
    UPDATE tally SET events = events + 1 WHERE state = new.state; END""",
    """CREATE TRIGGER event_removed AFTER DELETE ON event BEGIN
    UPDATE tally SET events = events - 1 WHERE state = old.state; END""",
    """CREATE TRIGGER event_moved AFTER UPDATE OF state ON event WHEN old.state <> new.state BEGIN
    UPDATE tally SET events = events - 1 WHERE state = old.state;
    UPDATE tally SET events = events + 1 WHERE state = new.state; END""",
    "CREATE TABLE setting (name TEXT PRIMARY KEY, value INTEGER NOT NULL)",
    """CREATE TABLE event_sum (
    kind TEXT NOT NULL,
    camera TEXT NOT NULL,
    line TEXT NOT NULL,
    direction TEXT NOT NULL,
    start INTEGER NOT NULL,
    seconds INTEGER NOT NULL,
    unsent INTEGER NOT NULL,
    refused INTEGER NOT NULL,
    PRIMARY KEY (seconds, start, kind, camera, line, direction)
) WITHOUT ROWID""",
)

PARTS_OF_1 = {statement.split()[2] for statement in _EVENTS}
"""The names of the tables and indexes that a journal of version 1 has."""
PARTS = PARTS_OF_1 | {statement.split()[2] for statement in _SINCE_2 if statement.startswith("CREATE")}
"""The names of everything that a journal of this version has."""


def create(connection: sqlite3.Connection) -> None:
    """Make the tables of a new journal."""
    with transaction(connection):
        for statement in (*_EVENTS, *_SINCE_2):
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION}")
        connection.execute(f"PRAGMA user_version = {SCHEMA}")


def upgrade(connection: sqlite3.Connection) -> None:
    """Bring a journal of version 1 to this one: once, some seconds for a million events."""
    with transaction(connection):
        for statement in _SINCE_2:
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {SCHEMA}")


def pragma(connection: sqlite3.Connection, name: str) -> int:
    """The value of a PRAGMA that is a number."""
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])


def is_event(row: tuple[object, ...]) -> bool:
    """Whether a row with `COLUMNS` can be an event: a damaged page may be read as something else."""
    kinds = tuple(type(value) for value in row[:6])
    return kinds == (int, str, str, bytes, int, int) and row[4] in (UNSENT, SENT, REFUSED)


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
