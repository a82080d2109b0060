"""The times at which each camera of a store looked, in the database (table `watched`)."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import Future

from sqlite_utils import Database as SqliteDatabase

from metrica.dashboard.kpis.coverage import TOLERANCE, Coverage
from metrica.dashboard.store.file import DatabaseFile
from metrica.dashboard.store.gone import sift_spans
from metrica.dashboard.store.records import Span


class CoverageTable:
    """The coverage of a database."""

    def __init__(self, file: DatabaseFile) -> None:
        self._file = file

    def add(self, store: str, spans: Iterable[Span]) -> Future[None]:
        """Write spans of a store's cameras.

        Spans of one camera that overlap, or are at most `TOLERANCE` apart, become one. So sending a span again
        changes nothing.
        """
        listed = list(spans)

        def insert(db: SqliteDatabase) -> None:
            for span in sift_spans(db, store, listed):
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

        return self._file.write(insert)

    def since(self, store: str, since: int) -> Coverage:
        """Return the coverage of the store's cameras, without the spans that ended before `since` (ns UTC)."""
        found: Coverage = {}
        sql = 'SELECT camera, start, "end" FROM watched WHERE store = ? AND "end" >= ? ORDER BY camera, start'
        for camera, start, end in self._file.rows(sql, store, since):
            found.setdefault(camera, []).append((start, end))
        return found
