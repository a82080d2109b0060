"""Compares the sums of a store with the rows that they are sums of, and puts them right."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from metrica.dashboard.database.interface import Connection, Engine
from metrica.dashboard.kpis.events import HOUR
from metrica.dashboard.store.audit import COMMAND, record
from metrica.dashboard.store.gone import bump
from metrica.dashboard.store.histories import note_events
from metrica.dashboard.store.quarters import quarter_of, quarters_of, summed
from metrica.dashboard.store.teaching import kept_since

_BLOCK = 7 * 24 * HOUR  # ns that are compared at a time
_TIMES = (("events", "time"), ("quarters", "quarter"), ("watched", '"end"'), ("looked", "quarter"))

Key = tuple[int, str, str | None]
"""A quarter of an hour (its beginning, ns UTC), a camera and a line; None: the times at which the camera looked."""
Sum = tuple[int, int]
"""INs and OUTs, or for how long a camera looked (ns) and 0."""


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A sum that is not that of its rows."""

    quarter: int
    """When the quarter of an hour begins, ns UTC."""
    camera: str
    line: str | None
    """None: it is the time at which the camera looked."""
    kept: Sum
    """What the sum says: INs and OUTs, or ns and 0."""
    counted: Sum
    """What the rows say."""


class Sums:
    """The sums of a database. Those of a time whose events are too old to be kept have nothing to be compared with."""

    def __init__(self, file: Engine) -> None:
        self._file = file

    def mismatches(self, store: str) -> Iterator[Mismatch]:
        """Give the sums of a store that are wrong, in order of time."""
        begin: int | None = 0
        while begin is not None:
            with self._file.snapshot() as db:
                begin = _next(db, store, max(begin, kept_since(db, store)))
                found = [] if begin is None else _compared(db, store, begin, begin + _BLOCK)
            yield from found
            begin = None if begin is None else begin + _BLOCK

    def repair(self, store: str, *, actor: str = COMMAND) -> int:
        """Put the sums of a store right, in short writes. Returns how many were wrong."""
        now, wrong, begin = self._file.clock(), 0, 0

        def some(db: Connection) -> tuple[int, int | None]:
            self._file.lock_store(db, store)
            first = _next(db, store, max(begin, kept_since(db, store)))
            if first is None:
                return 0, None
            found = _compared(db, store, first, first + _BLOCK)
            for one in found:
                _write(db, store, one)
            if found:
                note_events(db, store, [one.quarter for one in found], removed=True)
                record(db, now, actor, "sums repaired", store, detail={"since": first, "sums": len(found)})
                bump(db)
            return len(found), first + _BLOCK

        while True:
            count, following = self._file.write(some, store).result()
            wrong += count
            if following is None:
                return wrong
            begin = following


def _next(db: Connection, store: str, begin: int) -> int | None:
    """Return the first quarter of an hour from `begin` on that has any row or sum, ns UTC; None if there is none."""
    found = [
        db.execute(f"SELECT min({time}) FROM {table} WHERE store = ? AND {time} >= ?", (store, begin)).fetchone()[0]
        for table, time in _TIMES
    ]
    times = [time for time in found if time is not None]
    start = db.execute('SELECT min(start) FROM watched WHERE store = ? AND "end" > ?', (store, begin)).fetchone()[0]
    times += [] if start is None else [max(start, begin)]
    return quarter_of(min(times)) if times else None


def _compared(db: Connection, store: str, begin: int, end: int) -> list[Mismatch]:
    """Return the wrong sums of a time; both are whole quarters of an hour, ns UTC."""
    kept: dict[Key, Sum] = {}
    counted: dict[Key, Sum] = {}
    values = (store, begin, end)
    for quarter, camera, line, entered, left in db.execute(
        "SELECT quarter, camera, line, entered, left_ FROM quarters WHERE store = ? AND quarter >= ? AND quarter < ?",
        values,
    ).fetchall():
        kept[quarter, camera, line] = entered, left
    for quarter, camera, ns in db.execute(
        "SELECT quarter, camera, ns FROM looked WHERE store = ? AND quarter >= ? AND quarter < ?", values
    ).fetchall():
        kept[quarter, camera, None] = ns, 0
    crossings = db.execute(
        "SELECT camera, line, direction, time FROM events WHERE store = ? AND time >= ? AND time < ?", values
    ).fetchall()
    for (quarter, camera, line), (entered, left) in summed(crossings).items():
        counted[quarter, camera, line] = entered, left
    for camera, start, stop in db.execute(
        'SELECT camera, start, "end" FROM watched WHERE store = ? AND "end" > ? AND start < ?', values
    ).fetchall():
        for quarter, ns in quarters_of(max(start, begin), min(stop, end)):
            counted[quarter, camera, None] = counted.get((quarter, camera, None), (0, 0))[0] + ns, 0
    wrong = {key for key in {*kept, *counted} if kept.get(key) != counted.get(key)}
    return [
        Mismatch(*key, kept.get(key, (0, 0)), counted.get(key, (0, 0)))
        for key in sorted(wrong, key=lambda key: (key[0], key[1], key[2] or ""))
    ]


def _write(db: Connection, store: str, one: Mismatch) -> None:
    if one.line is None:
        db.execute(
            "DELETE FROM looked WHERE store = ? AND quarter = ? AND camera = ?", (store, one.quarter, one.camera)
        )
        if any(one.counted):
            db.execute("INSERT INTO looked VALUES (?, ?, ?, ?)", (store, one.quarter, one.camera, one.counted[0]))
        return
    key = (store, one.quarter, one.camera, one.line)
    db.execute("DELETE FROM quarters WHERE store = ? AND quarter = ? AND camera = ? AND line = ?", key)
    if any(one.counted):
        db.execute("INSERT INTO quarters VALUES (?, ?, ?, ?, ?, ?)", (*key, *one.counted))
