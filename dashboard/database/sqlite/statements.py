"""The statements that SQLite needs in its own words."""

from __future__ import annotations

from collections.abc import Iterable

from metrica.dashboard.database.interface import Connection, EventRow

_INSERT = (
    "INSERT INTO events (store, id, camera, line, direction, track, time, received) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
    # Not INSERT OR IGNORE: it would also drop, without an error, a row that breaks any other constraint.
    " ON CONFLICT (store, id) DO NOTHING"
)


def insert_events(db: Connection, rows: Iterable[EventRow]) -> list[EventRow]:
    """Insert the rows whose ids their stores do not have yet, and return them."""
    return [row for row in rows if db.execute(_INSERT, row).rowcount]


def events_after(db: Connection, store: str, n: int, since: int) -> tuple[int, list[tuple[int, int]]]:
    """Return the last number, and the time and direction of the store's events above `n`, from `since` (ns UTC) on."""
    # The numbers of all stores grow in one row, so that the few new events are the last ones of the table.
    last: int = db.execute("SELECT coalesce(max(n), 0) FROM events").fetchone()[0]
    # The plus signs keep SQLite from using the index by time.
    new = "n > ? AND +store = ? AND +time >= ?" if n else "n > ? AND store = ? AND time >= ?"
    return last, db.execute(f"SELECT time, direction FROM events WHERE {new}", (n, store, since)).fetchall()


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
