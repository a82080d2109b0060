"""When somebody said that a store was empty, in the database."""

from __future__ import annotations

from dataclasses import dataclass

from sqlite_utils import Database as SqliteDatabase

from metrica.dashboard.store.database import Database


@dataclass(frozen=True, slots=True)
class Emptied:
    """Somebody said that nobody is inside."""

    n: int
    time: int
    """ns UTC."""
    said_by: str


def add_empty(database: Database, store: str, said_by: str) -> Emptied:
    """Keep that the store is empty now. Raises DatabaseError."""
    now = database.clock()

    def insert(db: SqliteDatabase) -> int:
        cursor = db.conn.execute(
            "INSERT INTO empties (store, time, said_by) VALUES (?, ?, ?)", (store, now, said_by[:200])
        )
        return cursor.lastrowid or 0

    return Emptied(database.write(insert).result(), now, said_by)


def undo_empty(database: Database, store: str, n: int) -> bool:
    """Take it back, and keep that it was said; False if there is no such thing to take back. Raises DatabaseError."""
    now = database.clock()

    def update(db: SqliteDatabase) -> int:
        return db.conn.execute(
            "UPDATE empties SET undone = ? WHERE store = ? AND n = ? AND undone IS NULL", (now, store, n)
        ).rowcount

    return database.write(update).result() > 0


def empties(database: Database, store: str, since: int) -> list[Emptied]:
    """What was said since then (ns UTC) and not taken back, in order of time."""
    sql = "SELECT n, time, said_by FROM empties WHERE store = ? AND time >= ? AND undone IS NULL ORDER BY time, n"
    return [Emptied(*row) for row in database.rows(sql, store, since)]
