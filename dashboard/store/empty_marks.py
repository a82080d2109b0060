"""Empty marks: times at which somebody marked a store as empty, in the database (table `empties`)."""

from __future__ import annotations

from dataclasses import dataclass

from metrica.dashboard.database.interface import Connection, Engine


@dataclass(frozen=True, slots=True)
class EmptyMark:
    """One press of the button "the shop is empty now": nobody was inside at `time`."""

    n: int
    """Its number, unique in the database."""
    time: int
    """ns UTC."""
    user: str
    """The name of the user who pressed the button."""


class EmptyMarkTable:
    """The empty marks of a database."""

    def __init__(self, file: Engine) -> None:
        self._file = file

    def add(self, store: str, user: str) -> EmptyMark:
        """Write that the store is empty now."""
        now = self._file.clock()

        def insert(db: Connection) -> int:
            cursor = db.execute(
                "INSERT INTO empties (store, time, said_by) VALUES (?, ?, ?) RETURNING n", (store, now, user[:200])
            )
            return int(cursor.fetchone()[0])

        return EmptyMark(self._file.write(insert).result(), now, user)

    def undo(self, store: str, n: int) -> bool:
        """Take a mark back; the row is kept, with the time of the undo. Returns False if there is no such mark."""
        now = self._file.clock()

        def update(db: Connection) -> int:
            return db.execute(
                "UPDATE empties SET undone = ? WHERE store = ? AND n = ? AND undone IS NULL", (now, store, n)
            ).rowcount

        return self._file.write(update).result() > 0

    def since(self, store: str, since: int) -> list[EmptyMark]:
        """Return the store's marks from `since` (ns UTC) on that were not taken back, in order of time."""
        sql = "SELECT n, time, said_by FROM empties WHERE store = ? AND time >= ? AND undone IS NULL ORDER BY time, n"
        return [EmptyMark(*row) for row in self._file.rows(sql, store, since)]
