"""The statements that SQLite needs in its own words."""

from __future__ import annotations

from collections.abc import Sequence

from metrica.dashboard.database.interface import Connection, EventRow

_INSERT = (
    "INSERT INTO events (store, id, camera, line, direction, track, time, received) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
    # Not INSERT OR IGNORE: it would also drop, without an error, a row that breaks any other constraint.
    " ON CONFLICT (store, id) DO NOTHING"
)


def insert_events(db: Connection, rows: Sequence[EventRow]) -> list[EventRow]:
    """Insert the rows whose ids their stores do not have yet, and return them."""
    # Nearly always all are new, and then SQLite need not be asked about each of them.
    db.execute("SAVEPOINT new_events")
    if db.executemany(_INSERT, rows).rowcount == len(rows):
        new = list(rows)
    else:
        db.execute("ROLLBACK TO SAVEPOINT new_events")
        new = [row for row in rows if db.execute(_INSERT, row).rowcount]
    db.execute("RELEASE SAVEPOINT new_events")
    return new


def tables_with(db: Connection, column: str) -> dict[str, set[str]]:
    """Return the tables with a column of this name, and the tables that each of them refers to."""
    found = db.execute(
        "SELECT m.name FROM sqlite_master m, pragma_table_info(m.name) c"
        " WHERE m.type = 'table' AND c.name = ? ORDER BY m.name",
        (column,),
    ).fetchall()
    return {
        name: {row[0] for row in db.execute('SELECT "table" FROM pragma_foreign_key_list(?)', (name,))}
        for (name,) in found
    }


def key_of(db: Connection, table: str) -> tuple[str, ...]:
    """Return the columns that name a row of a table: its number in the file, or its key if it has none."""
    if not db.execute("SELECT wr FROM pragma_table_list(?)", (table,)).fetchone()[0]:
        return ("rowid",)
    keys = db.execute("SELECT name FROM pragma_table_info(?) WHERE pk > 0 ORDER BY pk", (table,)).fetchall()
    return tuple(f'"{name}"' for (name,) in keys)
