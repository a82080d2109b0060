"""Sums per quarter of an hour (UTC), from which every figure of a past day is made (tables `quarters`, `looked`).

They change in the write that changes the rows they are sums of, so they are never wrong, whatever ends a program.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from metrica.dashboard.database.interface import Connection
from metrica.dashboard.kpis.events import IN, QUARTER

Crossing = tuple[str, str, int, int]
"""Camera, line, direction and time (ns UTC) of an event."""


def add_crossings(db: Connection, store: str, crossings: Iterable[Crossing]) -> None:
    """Count events, inside the write that inserts them."""
    _change(db, store, crossings, 1)


def subtract_crossings(db: Connection, store: str, crossings: Iterable[Crossing]) -> None:
    """Count events no longer, inside the write that removes them."""
    touched = _change(db, store, crossings, -1)
    db.executemany(
        "DELETE FROM quarters WHERE store = ? AND quarter = ? AND camera = ? AND line = ?"
        " AND entered = 0 AND left_ = 0",
        [(store, *key) for key in touched],
    )


def add_looked(db: Connection, store: str, camera: str, spans: Iterable[tuple[int, int]]) -> None:
    """Add times at which a camera looked and that were not known before, (start, end) in ns UTC, inside a write."""
    _change_looked(db, store, camera, spans, 1)


def subtract_looked(db: Connection, store: str, camera: str, spans: Iterable[tuple[int, int]]) -> None:
    """Take times at which a camera looked away, inside a write."""
    touched = _change_looked(db, store, camera, spans, -1)
    db.executemany(
        "DELETE FROM looked WHERE store = ? AND quarter = ? AND camera = ? AND ns = 0",
        [(store, quarter, camera) for quarter in touched],
    )


def quarter_of(time: int) -> int:
    """Return when the quarter of an hour of a time begins, ns UTC."""
    return time - time % QUARTER


def quarters_of(start: int, end: int) -> Iterator[tuple[int, int]]:
    """Cut `start` to `end` (ns UTC) at the quarters of an hour: when each begins, and how much is within it (ns)."""
    while start < end:
        quarter = quarter_of(start)
        stop = min(end, quarter + QUARTER)
        yield quarter, stop - start
        start = stop


def summed(crossings: Iterable[Crossing]) -> dict[tuple[int, str, str], list[int]]:
    """Count INs and OUTs per quarter, camera and line."""
    found: dict[tuple[int, str, str], list[int]] = {}
    for camera, line, direction, time in crossings:
        counts = found.setdefault((time - time % QUARTER, camera, line), [0, 0])
        counts[0 if direction == IN else 1] += 1
    return found


def _change(
    db: Connection, store: str, crossings: Iterable[Crossing], sign: int
) -> dict[tuple[int, str, str], list[int]]:
    # One statement for each quarter and not for each event: a batch has hundreds of events, and few quarters.
    changes = summed(crossings)
    db.executemany(
        "INSERT INTO quarters (store, quarter, camera, line, entered, left_) VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (store, quarter, camera, line) DO UPDATE"
        " SET entered = quarters.entered + excluded.entered, left_ = quarters.left_ + excluded.left_",
        [(store, *key, sign * entered, sign * left) for key, (entered, left) in sorted(changes.items())],
    )
    return changes


def _change_looked(
    db: Connection, store: str, camera: str, spans: Iterable[tuple[int, int]], sign: int
) -> dict[int, int]:
    changes: dict[int, int] = {}
    for span in spans:
        for quarter, ns in quarters_of(*span):
            changes[quarter] = changes.get(quarter, 0) + ns
    db.executemany(
        "INSERT INTO looked (store, quarter, camera, ns) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (store, quarter, camera) DO UPDATE SET ns = looked.ns + excluded.ns",
        [(store, quarter, camera, sign * ns) for quarter, ns in sorted(changes.items())],
    )
    return changes
