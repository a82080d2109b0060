"""Stretches of events that an administrator removed, and can restore (tables `removals` and `removed_…`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from metrica.dashboard.database.errors import DatabaseError
from metrica.dashboard.database.interface import Connection
from metrica.dashboard.kpis.events import SECOND, Events
from metrica.dashboard.store.audit import COMMAND, Scalar, record
from metrica.dashboard.store.database import Database
from metrica.dashboard.store.events import insert_events
from metrica.dashboard.store.gone import bump, without
from metrica.dashboard.store.histories import note_events, note_look
from metrica.dashboard.store.quarters import Crossing, subtract_crossings, subtract_looked
from metrica.dashboard.store.records import Span
from metrica.dashboard.store.teaching import kept_since
from metrica.dashboard.upkeep.chunks import each_in_chunks, in_chunks

_EVENT = "store, id, camera, line, direction, track, time, received"


@dataclass(frozen=True, slots=True)
class Stretch:
    """Some events of a store: those with `since` <= time < `until` (ns UTC) of a camera and a line, or of all."""

    store: str
    since: int
    until: int
    camera: str | None = None
    """None: every camera."""
    line: str | None = None
    """None: every line. The name of a line is unique within its camera only, so it needs the camera."""

    @property
    def where(self) -> tuple[str, list[Any]]:
        """The condition for rows of `events`, and its values."""
        sql, values = "store = ? AND time >= ? AND time < ?", [self.store, self.since, self.until]
        for column, value in (("camera", self.camera), ("line", self.line)):
            if value is not None:
                sql, values = f"{sql} AND {column} = ?", [*values, value]
        return sql, values


@dataclass(frozen=True, slots=True)
class Removal:
    """A stretch that was removed."""

    n: int
    """Its number, unique in the database."""
    stretch: Stretch
    why: str
    removed: int
    """When, ns UTC."""
    restored: int | None
    """When it was undone, ns UTC; None if it was not."""
    events: int
    """How many events it holds."""


class Removals:
    """The removals of a database."""

    def __init__(self, database: Database) -> None:
        self._file = database
        self._coverage = database.coverage

    def preview(self, stretch: Stretch) -> Events:
        """Return the events that `remove` would remove."""
        sql, values = stretch.where
        return Events.from_pairs(self._file.rows(f"SELECT time, direction FROM events WHERE {sql}", *values))

    def remove(self, stretch: Stretch, why: str, *, actor: str = COMMAND) -> Removal:
        """Remove the events of a stretch from every figure, and the coverage of its cameras.

        Without its events and with its coverage, the time would look as if nobody had come. The rows are kept apart.
        Events of the stretch that come later are kept apart too.
        """
        with self._file.snapshot() as db:
            kept = kept_since(db, stretch.store)
        if stretch.since < kept:
            first = datetime.fromtimestamp(kept // SECOND, UTC)
            raise DatabaseError(
                f"of the time before {first:%Y-%m-%dT%H:%M}+00:00 only sums are kept, and they stay: begin then"
            )
        now, found = self._file.clock(), len(self.preview(stretch))

        def begin(db: Connection) -> int:
            self._file.lock_store(db, stretch.store)
            n: int = db.execute(
                "INSERT INTO removals (store, since, until, camera, line, why, removed) VALUES (?, ?, ?, ?, ?, ?, ?)"
                " RETURNING n",
                (stretch.store, stretch.since, stretch.until, stretch.camera, stretch.line, why, now),
            ).fetchone()[0]
            _cut_coverage(db, n, stretch)
            record(db, now, actor, "events removed", stretch.store, detail=_detail(n, stretch, found, why))
            bump(db)
            return n

        n = self._file.write(begin).result()
        # What comes from here on is kept apart. The rest is looked for outside of a write: it may take seconds to find.
        sql, values = stretch.where
        found_rows: list[tuple[int, int]] = self._file.rows(f"SELECT n, time FROM events WHERE {sql}", *values)
        named = "store = ? AND n = ? AND time = ?"  # the time too: it says in which month PostgreSQL has the row

        def move(db: Connection, rows: Sequence[tuple[int, int]]) -> None:
            self._file.lock_store(db, stretch.store)
            keys = [(stretch.store, *row) for row in rows]
            there: list[Crossing] = []
            for key in keys:
                there += db.execute(f"SELECT camera, line, direction, time FROM events WHERE {named}", key).fetchall()
            db.executemany(
                f"INSERT INTO removed_events ({_EVENT}, removal) SELECT {_EVENT}, ? FROM events WHERE {named}",
                [(n, *key) for key in keys],
            )
            db.executemany(f"DELETE FROM events WHERE {named}", keys)
            if there:
                subtract_crossings(db, stretch.store, there)
                note_events(db, stretch.store, [time for *_, time in there], removed=True)
            bump(db)

        each_in_chunks(self._file, found_rows, move)
        return self.get(n)

    def restore(self, n: int, *, actor: str = COMMAND) -> Removal:
        """Undo a removal: its events and its coverage count again. What was left half done is finished.

        Raises DatabaseError if there is no such removal.
        """
        removal = self.get(n)

        def move(db: Connection, most: int) -> int:
            self._file.lock_store(db, removal.stretch.store)
            rows = db.execute(f"SELECT {_EVENT} FROM removed_events WHERE removal = ? LIMIT ?", (n, most)).fetchall()
            kept = kept_since(db, removal.stretch.store)  # what is too old by now is gone for good
            insert_events(self._file, db, removal.stretch.store, [row for row in rows if row[6] >= kept])
            db.executemany("DELETE FROM removed_events WHERE store = ? AND id = ?", [row[:2] for row in rows])
            return len(rows)

        in_chunks(self._file, move)
        now = self._file.clock()

        def end(db: Connection) -> None:
            move(db, 1 << 30)  # the few that a box has sent meanwhile
            bump(db)  # no answer from before it is given any more, while the fresh one takes its time
            if removal.restored is None:
                db.execute("UPDATE removals SET restored = ? WHERE n = ?", (now, n))
                record(db, now, actor, "events restored", removal.stretch.store, detail={"n": n})

        self._file.write(end).result()
        spans = self._file.rows('SELECT camera, start, "end" FROM removed_watched WHERE removal = ?', n)
        self._coverage.add(removal.stretch.store, [Span(camera=c, start=s, end=e) for c, s, e in spans]).result()
        self._file.write(lambda db: db.execute("DELETE FROM removed_watched WHERE removal = ?", (n,))).result()
        return self.get(n)

    def get(self, n: int) -> Removal:
        """Return a removal by its number. Raises DatabaseError if there is none."""
        found = self._read("r.n = ?", n)
        if not found:
            raise DatabaseError(f"there is no removal {n}: 'metrica-admin restore-events' lists them")
        return found[0]

    def all(self) -> list[Removal]:
        """Return every removal, the oldest first."""
        return self._read("1 = 1")

    def _read(self, where: str, *values: Any) -> list[Removal]:
        rows = self._file.rows(
            "SELECT r.n, store, since, until, camera, line, why, removed, restored,"
            " (SELECT count(*) FROM removed_events e WHERE e.removal = r.n)"
            f" FROM removals r WHERE {where} ORDER BY r.n",
            *values,
        )
        return [Removal(row[0], Stretch(*row[1:6]), *row[6:]) for row in rows]


def _cut_coverage(db: Connection, n: int, stretch: Stretch) -> None:
    """Take the stretch out of the coverage of its cameras, and keep it under the number of the removal."""
    near = db.execute(
        'SELECT n, camera, start, "end" FROM watched WHERE store = ? AND "end" > ? AND start < ?',
        (stretch.store, stretch.since, stretch.until),
    ).fetchall()
    gone: dict[str, list[tuple[int, int]]] = {}
    for row, camera, start, end in near:
        if stretch.camera not in (None, camera):
            continue
        parts, cut = without(start, end, stretch.since, stretch.until)
        if cut is None:
            continue
        db.execute("DELETE FROM watched WHERE n = ?", (row,))
        db.executemany(
            'INSERT INTO watched (store, camera, start, "end") VALUES (?, ?, ?, ?)',
            [(stretch.store, camera, *part) for part in parts],
        )
        db.execute("INSERT INTO removed_watched VALUES (?, ?, ?, ?, ?)", (n, stretch.store, camera, *cut))
        gone.setdefault(camera, []).append(cut)
    if gone:
        for camera, cuts in gone.items():
            subtract_looked(db, stretch.store, camera, cuts)
        since = min(_stopped(db, stretch.store, camera, min(cuts)[0]) for camera, cuts in gone.items())
        until = max(end for cuts in gone.values() for _, end in cuts)
        note_look(db, stretch.store, since, until, removed=True)


def _stopped(db: Connection, store: str, camera: str, start: int) -> int:
    """Return when a camera looked last that does not look from `start` on any more (ns UTC): it may seem taken away."""
    found: int | None = db.execute(
        'SELECT max("end") FROM watched WHERE store = ? AND camera = ? AND "end" <= ?', (store, camera, start)
    ).fetchone()[0]
    return start if found is None else found


def _detail(n: int, stretch: Stretch, events: int, why: str) -> dict[str, Scalar]:
    """Return what the audit log says of a removal."""
    said: dict[str, Scalar] = {"n": n, "since": stretch.since, "until": stretch.until, "events": events, "why": why}
    for name, value in (("camera", stretch.camera), ("line", stretch.line)):
        if value is not None:
            said[name] = value
    return said
