"""What is gone for good: what boxes and launch files say of it changes nothing.

An administrator removed a stretch of events, or a store's data were too old, or a whole store was erased.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

from metrica.dashboard.database.interface import Connection, Engine, EventRow
from metrica.dashboard.store.records import Span

_STRETCHES = "SELECT n, since, until, camera, line FROM removals WHERE store = ? AND restored IS NULL"


def bump(db: Connection) -> None:
    """Tell every program that reads the database, inside a write, that rows are gone which it may have in memory."""
    db.execute("UPDATE data_version SET version = version + 1")


def fingerprint(store: str) -> str:
    """Return what stands for an erased store: who knows its id can tell that it was erased, nobody else can."""
    return hashlib.sha256(f"metrica store {store}".encode()).hexdigest()


def erased(db: Connection, store: str) -> int | None:
    """Return when the store with this id was erased, ns UTC; None if it was not, or was added again since."""
    row = db.execute("SELECT time FROM erased_stores WHERE hash = ?", (fingerprint(store),)).fetchone()
    return row[0] if row else None


def is_ended(db: Connection, token_hash: str) -> bool:
    """Whether a token was removed from the list, or with its store: no launch file makes it valid again."""
    return db.execute("SELECT 1 FROM ended_tokens WHERE hash = ?", (token_hash,)).fetchone() is not None


def end_tokens(db: Connection, now: int, where: str, *values: str) -> int:
    """Remove tokens, inside a write, and remember their hashes: no launch file makes them valid. Returns how many."""
    db.execute(
        f"INSERT INTO ended_tokens SELECT hash, ? FROM tokens WHERE {where} ON CONFLICT DO NOTHING", (now, *values)
    )
    return db.execute(f"DELETE FROM tokens WHERE {where}", values).rowcount


def forget_store(db: Connection, store: str, now: int) -> None:
    """Note that a store was deleted and end its tokens, inside a write: no launch file brings them back."""
    db.execute("INSERT INTO erased_stores VALUES (?, ?) ON CONFLICT DO NOTHING", (fingerprint(store), now))
    end_tokens(db, now, "store = ?", store)


def tables_of_stores(file: Engine, db: Connection) -> list[str]:
    """Return the tables with a column `store`, those that refer to others before them. Also tables of the future."""
    refers = file.tables_with(db, "store")
    ordered: list[str] = []
    while left := [name for name in refers if name not in ordered]:
        free = [name for name in left if not any(name in refers[other] - {other} for other in left)]
        ordered += free or left
    return ordered


def sift_events(db: Connection, store: str, rows: Sequence[EventRow]) -> tuple[Sequence[EventRow], int]:
    """Take what was removed out of a store's rows, inside a write. Returns the rest, and how many others are new.

    A row in a removed stretch is put with what was removed there, also one that comes late. What was removed by its
    age is dropped.
    """
    horizon = db.execute("SELECT since FROM retention WHERE store = ?", (store,)).fetchone()
    stretches = db.execute(_STRETCHES, (store,)).fetchall()
    if horizon is None and not stretches:
        return rows, 0
    rest: list[EventRow] = []
    names: set[str] = set()
    new = 0
    for row in rows:
        _, name, camera, line, _, _, time, _ = row
        if (horizon is not None and time < horizon[0]) or name in names:
            continue
        if (
            stretches
            and db.execute("SELECT 1 FROM removed_events WHERE store = ? AND id = ?", (store, name)).fetchone()
        ):
            continue
        for n, since, until, of_camera, of_line in stretches:
            if since <= time < until and of_camera in (None, camera) and of_line in (None, line):
                new += db.execute(
                    "INSERT INTO removed_events (store, id, camera, line, direction, track, time, received, removal)"
                    " SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?"
                    " WHERE NOT EXISTS (SELECT 1 FROM events WHERE store = ? AND id = ?)",
                    (*row, n, store, name),
                ).rowcount
                break
        else:
            rest.append(row)
            names.add(name)
    return rest, new


def sift_spans(db: Connection, store: str, spans: Iterable[Span]) -> list[Span]:
    """Cut removed stretches, and what is too old, out of spans of a store's cameras, inside a write."""
    listed = list(spans)
    horizon = db.execute("SELECT since FROM retention WHERE store = ?", (store,)).fetchone()
    if horizon is not None:
        listed = [
            span if span.start >= horizon[0] else span.model_copy(update={"start": horizon[0]})
            for span in listed
            if span.end > horizon[0]
        ]
    for n, since, until, camera, _ in db.execute(_STRETCHES, (store,)).fetchall():
        rest: list[Span] = []
        for span in listed:
            if camera not in (None, span.camera):
                rest.append(span)
                continue
            parts, cut = without(span.start, span.end, since, until)
            rest += [Span(camera=span.camera, start=start, end=end) for start, end in parts]
            if cut is not None:
                db.execute(
                    "INSERT INTO removed_watched VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                    (n, store, span.camera, *cut),
                )
        listed = rest
    return listed


def without(start: int, end: int, since: int, until: int) -> tuple[list[tuple[int, int]], tuple[int, int] | None]:
    """Cut `since` to `until` out of `start` to `end`. Returns what is left, in order, and the part that was cut out."""
    if since >= end or until <= start:
        return [(start, end)], None
    left = [(start, since)] if start < since else []
    right = [(until, end)] if until < end else []
    return left + right, (max(start, since), min(end, until))
