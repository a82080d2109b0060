"""Look for damage in a journal: a short look at each opening, and the whole file in small slices."""

from __future__ import annotations

import sqlite3

from metrica.journal.schema import COLUMNS, PARTS, PARTS_OF_1, SCHEMA, is_event, pragma

_SMALL = 2 << 20  # bytes; quick_check takes about 10 ms for so much
_SLICE = 500  # events


class DamageError(sqlite3.DatabaseError):
    """Damage that SQLite reports as the result of a query, not as an error."""


def check_shortly(connection: sqlite3.Connection, version: int) -> None:
    """Look whether this is a journal at all, and check a small file whole. The time does not depend on the size.

    version: of its tables.

    Raises:
        sqlite3.DatabaseError: The file is damaged, or its tables are not a journal's.
    """
    if pragma(connection, "page_count") * pragma(connection, "page_size") <= _SMALL:
        found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        if found != "ok":
            raise DamageError(found)
    columns = ", ".join(row[1] for row in connection.execute("PRAGMA table_info(event)"))
    there = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
    if columns != COLUMNS or not (PARTS if version >= SCHEMA else PARTS_OF_1) <= there:
        raise DamageError("its table is missing")
    for order in ("ASC", "DESC"):
        connection.execute(f"SELECT {COLUMNS} FROM event ORDER BY position {order} LIMIT 1").fetchone()


def check_slice(connection: sqlite3.Connection, after: int) -> int | None:
    """Check the next events after a position, in the table and in each index.

    Returns the position of the last one, or None at the end of the journal.

    Raises:
        sqlite3.DatabaseError: There is damage.
    """
    rows = connection.execute(
        f"""SELECT {COLUMNS},
            EXISTS (SELECT 1 FROM event AS i WHERE i.id = e.id),
            EXISTS (SELECT 1 FROM event AS s INDEXED BY event_state
                WHERE s.state = e.state AND s.position = e.position),
            EXISTS (SELECT 1 FROM event AS c INDEXED BY event_changed
                WHERE c.state = e.state AND c.changed = e.changed AND c.position = e.position)
        FROM event AS e NOT INDEXED WHERE e.position > ? ORDER BY e.position LIMIT ?""",
        (after, _SLICE),
    ).fetchall()
    for row in rows:
        if not is_event(row[:7]) or row[7:] != (1, 1, 1):
            raise DamageError(f"the event at position {row[0]} cannot be read or found")
    return int(rows[-1][0]) if len(rows) == _SLICE else None
