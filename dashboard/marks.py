"""What is kept of a store besides its events: when somebody said that it was empty, and when its cameras looked."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import Future
from dataclasses import dataclass

from sqlite_utils import Database

from metrica.dashboard.gaps import TOLERANCE
from metrica.dashboard.store import Store


@dataclass(frozen=True, slots=True)
class Emptied:
    """Somebody said that nobody is inside."""

    n: int
    time: int
    """ns UTC."""
    said_by: str


@dataclass(frozen=True, slots=True)
class Watched:
    """A camera looked from `start` to `end`, ns UTC."""

    camera: str
    start: int
    end: int


def add_empty(store: Store, shop: str, said_by: str) -> Emptied:
    """Keep that the store is empty now. Raises StoreError."""
    now = store.clock()

    def insert(db: Database) -> int:
        cursor = db.conn.execute(
            "INSERT INTO empties (store, time, said_by) VALUES (?, ?, ?)", (shop, now, said_by[:200])
        )
        return cursor.lastrowid or 0

    return Emptied(store.write(insert).result(), now, said_by)


def undo_empty(store: Store, shop: str, n: int) -> bool:
    """Take it back, and keep that it was said; False if there is no such thing to take back. Raises StoreError."""
    now = store.clock()

    def update(db: Database) -> int:
        return db.conn.execute(
            "UPDATE empties SET undone = ? WHERE store = ? AND n = ? AND undone IS NULL", (now, shop, n)
        ).rowcount

    return store.write(update).result() > 0


def empties(store: Store, shop: str, since: int) -> list[Emptied]:
    """What was said since then (ns UTC) and not taken back, in order of time."""
    sql = "SELECT n, time, said_by FROM empties WHERE store = ? AND time >= ? AND undone IS NULL ORDER BY time, n"
    return [Emptied(*row) for row in store.rows(sql, shop, since)]


def add_watched(store: Store, shop: str, spans: Iterable[Watched]) -> Future[None]:
    """Keep when the cameras looked. Spans that touch become one, so saying it again changes nothing."""
    listed = list(spans)

    def insert(db: Database) -> None:
        for span in listed:
            near = db.conn.execute(
                'SELECT n, start, "end" FROM watched WHERE store = ? AND camera = ? AND "end" >= ? AND start <= ?',
                (shop, span.camera, span.start - TOLERANCE, span.end + TOLERANCE),
            ).fetchall()
            start, end = min([span.start, *(row[1] for row in near)]), max([span.end, *(row[2] for row in near)])
            db.conn.executemany("DELETE FROM watched WHERE n = ?", [(row[0],) for row in near])
            db.conn.execute(
                'INSERT INTO watched (store, camera, start, "end") VALUES (?, ?, ?, ?)', (shop, span.camera, start, end)
            )

    return store.write(insert)


def watched(store: Store, shop: str, since: int) -> dict[str, list[tuple[int, int]]]:
    """For each camera the times (start, end) at which it looked, those that ended before `since` left out."""
    found: dict[str, list[tuple[int, int]]] = {}
    sql = 'SELECT camera, start, "end" FROM watched WHERE store = ? AND "end" >= ? ORDER BY camera, start'
    for camera, start, end in store.rows(sql, shop, since):
        found.setdefault(camera, []).append((start, end))
    return found
