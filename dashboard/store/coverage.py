"""The times at which each camera of a store looked, in the database (table `watched`)."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future

from metrica.dashboard.database.interface import Connection, Engine
from metrica.dashboard.kpis.coverage import TOLERANCE, Coverage
from metrica.dashboard.kpis.events import QUARTER
from metrica.dashboard.store.gone import sift_spans
from metrica.dashboard.store.histories import note_look
from metrica.dashboard.store.quarters import add_looked
from metrica.dashboard.store.records import Span

_ROWS = 500
"""Rows that one part of a write touches. So it holds the writer for some milliseconds, also on a slow disk."""
_LONGEST = _ROWS * QUARTER
"""A span that is longer than this is written in several parts, ns: each quarter of an hour of it is a row."""


class CoverageTable:
    """The coverage of a database."""

    def __init__(self, file: Engine) -> None:
        self._file = file

    def add(self, store: str, spans: Iterable[Span]) -> Future[None]:
        """Write spans of a store's cameras.

        Spans of one camera that overlap, or are at most `TOLERANCE` apart, become one. So sending a span again
        changes nothing. The cost grows with what is sent, and with the spans in the database that it touches.
        """
        sent, left = list(spans), list[Sequence[Span]]()

        def some(db: Connection) -> None:
            self._file.lock_store(db, store)
            if not left:  # in a thread that writes: who calls may be a server's loop
                left.append([piece for span in joined(sent) for piece in _pieces(span)])
            left[1:] = [_insert_some(db, store, left[0])]

        def parts() -> Iterator[Callable[[Connection], None]]:
            while not left or left[0]:
                yield some
                del left[0]  # when they are on the disk, what is left of them takes their place

        return self._file.write_parts(parts(), lambda _: None, store)

    def since(self, store: str, since: int) -> Coverage:
        """Return the coverage of the store's cameras, without the spans that ended before `since` (ns UTC)."""
        found: Coverage = {}
        sql = 'SELECT camera, start, "end" FROM watched WHERE store = ? AND "end" >= ? ORDER BY camera, start'
        for camera, start, end in self._file.rows(sql, store, since):
            found.setdefault(camera, []).append((start, end))
        return found


def joined(spans: Iterable[Span]) -> list[Span]:
    """Return the spans of each camera in order, with those joined that overlap or are at most `TOLERANCE` apart."""
    found: list[Span] = []
    for span in sorted(spans, key=lambda span: (span.camera, span.start)):
        last = found[-1] if found else None
        if last is None or last.camera != span.camera or span.start > last.end + TOLERANCE:
            found.append(span)
        elif span.end > last.end:
            found[-1] = Span(camera=last.camera, start=last.start, end=span.end)
    return found


def _insert_some(db: Connection, store: str, spans: Sequence[Span]) -> Sequence[Span]:
    """Insert the first spans until `_ROWS` rows are read or written, and return those that are left.

    Each is joined to its neighbours.
    """
    todo, rows = deque(spans), 0
    while todo and rows < _ROWS:
        wanted = sift_spans(db, store, [todo.popleft()])
        if not wanted:
            rows += 1
            continue
        todo.extendleft(reversed(wanted))
        span = todo[0]
        # The spans of a camera lie apart, so they are in the same order by start and by end: the first one that begins
        # too late is the last one that is read.
        near: list[tuple[int, int, int]] = []
        for row in db.execute(
            'SELECT n, start, "end" FROM watched WHERE store = ? AND camera = ? AND "end" >= ? ORDER BY "end" LIMIT ?',
            (store, span.camera, span.start - TOLERANCE, _ROWS + 1),
        ):
            if row[1] > span.end + TOLERANCE:
                break
            near.append(row)
        whole = len(near) <= _ROWS
        near = near[:_ROWS]
        start = min([span.start, *(row[1] for row in near)])
        # If there are more neighbours, the next part joins them to what this one has written.
        end = max([span.end, near[-1][2]] if whole and near else [near[-1][2]] if near else [span.end])
        new = _new_parts(start, end, [(row[1], row[2]) for row in near])
        if new or len(near) != 1:
            db.executemany("DELETE FROM watched WHERE n = ?", [(row[0],) for row in near])
            db.execute(
                'INSERT INTO watched (store, camera, start, "end") VALUES (?, ?, ?, ?)',
                (store, span.camera, start, end),
            )
            _note_new(db, store, span.camera, start, new)
        rows += 1 + len(near) + sum((until - since) // QUARTER for since, until in new)
        if whole:
            todo.popleft()
    return list(todo)


def _pieces(span: Span) -> Iterator[Span]:
    """Cut a span that is long."""
    start = span.start
    while span.end - start > _LONGEST:
        yield Span(camera=span.camera, start=start, end=start + _LONGEST)
        start += _LONGEST
    yield Span(camera=span.camera, start=start, end=span.end)


def _new_parts(start: int, end: int, known: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return what of `start` to `end` (ns UTC) is in none of the spans, which are in order and lie apart."""
    found: list[tuple[int, int]] = []
    for since, until in known:
        if start < since:
            found.append((start, since))
        start = max(start, until)
    if start < end:
        found.append((start, end))
    return found


def _note_new(db: Connection, store: str, camera: str, start: int, new: list[tuple[int, int]]) -> None:
    """Sum the parts of a span from `start` (ns UTC) on that are new."""
    if not new:
        return
    add_looked(db, store, camera, new)
    changed = new[0][0]
    if changed == start:
        # The pause before it is over, and was perhaps none while the camera seemed to be taken away.
        before = db.execute(
            'SELECT max("end") FROM watched WHERE store = ? AND camera = ? AND "end" < ?', (store, camera, start)
        ).fetchone()[0]
        changed = changed if before is None else before
    note_look(db, store, changed, new[-1][1])
