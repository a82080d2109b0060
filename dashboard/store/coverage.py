"""When each camera of a store looked, in the database."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import Future

from sqlite_utils import Database as SqliteDatabase

from metrica.dashboard.kpis.coverage import TOLERANCE, Coverage
from metrica.dashboard.store.database import Database
from metrica.dashboard.store.records import Span


def add_coverage(database: Database, store: str, spans: Iterable[Span]) -> Future[None]:
    """Keep when the cameras looked. Spans that touch become one, so saying it again changes nothing."""
    listed = list(spans)

    def insert(db: SqliteDatabase) -> None:
        for span in listed:
            near = db.conn.execute(
                'SELECT n, start, "end" FROM watched WHERE store = ? AND camera = ? AND "end" >= ? AND start <= ?',
                (store, span.camera, span.start - TOLERANCE, span.end + TOLERANCE),
            ).fetchall()
            start, end = min([span.start, *(row[1] for row in near)]), max([span.end, *(row[2] for row in near)])
            db.conn.executemany("DELETE FROM watched WHERE n = ?", [(row[0],) for row in near])
            db.conn.execute(
                'INSERT INTO watched (store, camera, start, "end") VALUES (?, ?, ?, ?)',
                (store, span.camera, start, end),
            )

    return database.write(insert)


def coverage(database: Database, store: str, since: int) -> Coverage:
    """For each camera the times (start, end) at which it looked, those that ended before `since` left out."""
    found: Coverage = {}
    sql = 'SELECT camera, start, "end" FROM watched WHERE store = ? AND "end" >= ? ORDER BY camera, start'
    for camera, start, end in database.rows(sql, store, since):
        found.setdefault(camera, []).append((start, end))
    return found
