"""What each box said last, and how it was in each hour, in the database."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass

from metrica.box import CameraState, Hello
from metrica.box.troubles import SILENT_AFTER, blind_s, is_blind
from metrica.dashboard.database.errors import DatabaseError
from metrica.dashboard.database.interface import Connection, Engine

HOUR = 3600 * 10**9
"""One hour, ns."""
KEPT_DAYS = 400
"""For how many days the hours of a box are kept."""
MOST_BOXES = 32
"""Most boxes of one store, so that a token cannot fill the database with names."""

_TOGETHER = 500
"""Boxes that are read together."""
_SECOND = 10**9
_DAY = 24 * HOUR
_COLUMNS = "store, box, first_heard, heard, looked, state"


class TooManyBoxesError(DatabaseError):
    """The store has as many boxes as it can have."""


@dataclass(frozen=True, slots=True)
class Box:
    """A box, as it said it was."""

    store: str
    """The id of its store."""
    box: str
    """Its name."""
    first_heard: int
    """When it said hello for the first time, ns UTC, by the server's clock."""
    heard: int
    """When it said hello last, ns UTC, likewise."""
    looked: dict[str, int | None]
    """When each of its cameras last looked, ns UTC; None: not since its launch."""
    hello: Hello
    """What it said."""

    def silent_s(self, now: int) -> float:
        """For how long it has said nothing, seconds. now: ns UTC."""
        return max(0, now - self.heard) / _SECOND


@dataclass(frozen=True, slots=True)
class BoxHour:
    """How a box was in one hour."""

    hour: int
    """The start of the hour, ns UTC."""
    hellos: int
    """How often it said hello; 60 when all is well."""
    frames_in: int
    """Pictures that came from its cameras."""
    frames_out: int
    """Pictures that were counted on."""
    restarts: int
    """How often its nodes were started again."""
    blind: int
    """Most cameras that did not look."""
    down: int
    """Most nodes that did not run."""
    unsent: int | None
    """Most events that waited in its journal."""
    disk_free: int | None
    """Fewest free bytes on its disk."""
    temperature: float | None
    """The highest temperature, °C."""
    latency_ms: float | None
    """The longest time from picture to count."""
    clock_ahead: float | None
    """By how many seconds its clock and the server's differed at most."""


class BoxTable:
    """The boxes of a database."""

    def __init__(self, file: Engine) -> None:
        self._file = file

    def hear(self, store: str, box: str, hello: Hello) -> Future[int]:
        """Keep what a box says, in place of what it said before. The future is when it was heard, ns UTC.

        It raises TooManyBoxesError if the store has `MOST_BOXES` others.
        """
        now = self._file.clock()

        def write(db: Connection) -> int:
            self._file.lock_store(db, store)
            row = db.execute(
                "SELECT first_heard, heard, state FROM boxes WHERE store = ? AND box = ?", (store, box)
            ).fetchone()
            if row is None and _count(db, store) >= MOST_BOXES:
                raise TooManyBoxesError(
                    f"the store {store!r} has {MOST_BOXES} boxes: remove those that are gone with 'metrica-admin box'"
                )
            first, _, state = row or (now, now, None)
            before = Hello.model_validate_json(state) if state else None
            db.execute(
                f"INSERT INTO boxes ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (store, box) DO UPDATE SET"
                " heard = excluded.heard, looked = excluded.looked, state = excluded.state",
                (store, box, first, now, json.dumps(_looked(hello, now)), hello.model_dump_json()),
            )
            _add_to_hour(db, store, box, hello, before, now - now % HOUR)
            return now

        return self._file.write(write)

    def of_stores(self, stores: Sequence[str]) -> list[Box]:
        """Return the boxes of these stores, in order of store and name."""
        found: list[Box] = []
        for at in range(0, len(stores), 500):  # an engine takes so many values at least
            some = stores[at : at + 500]
            rows = self._file.rows(
                f"SELECT {_COLUMNS} FROM boxes WHERE store IN ({', '.join('?' * len(some))}) ORDER BY store, box", *some
            )
            found += [_box(row) for row in rows]
        return sorted(found, key=lambda box: (box.store, box.box))

    def heard_since(self, moment: int) -> Iterator[Box]:
        """Give the boxes of all stores that said hello at `moment` (ns UTC) or later, some at a time."""
        store = box = ""
        while True:
            rows = self._file.rows(
                f"SELECT {_COLUMNS} FROM boxes WHERE heard >= ? AND (store > ? OR (store = ? AND box > ?))"
                " ORDER BY store, box LIMIT ?",
                moment,
                store,
                store,
                box,
                _TOGETHER,
            )
            yield from map(_box, rows)
            if len(rows) < _TOGETHER:
                return
            store, box = rows[-1][:2]

    def hours(self, store: str, box: str, since: int) -> list[BoxHour]:
        """Return how a box was in each hour from `since` (ns UTC) on, the oldest first. Hours without a hello lack."""
        rows = self._file.rows(
            "SELECT hour, hellos, frames_in, frames_out, restarts, blind, down, unsent, disk_free, temperature,"
            " latency_ms, clock_ahead FROM box_hours WHERE store = ? AND box = ? AND hour >= ? ORDER BY hour",
            store,
            box,
            since,
        )
        return [BoxHour(*row) for row in rows]

    def remove(self, store: str, box: str) -> bool:
        """Forget a box. Returns False if there is none. One that says hello again is there again."""

        def delete(db: Connection) -> bool:
            db.execute("DELETE FROM box_hours WHERE store = ? AND box = ?", (store, box))
            return db.execute("DELETE FROM boxes WHERE store = ? AND box = ?", (store, box)).rowcount > 0

        return self._file.write(delete).result()

    def silent(self) -> int:
        """Return how many boxes have been silent for too long."""
        limit = self._file.clock() - round(SILENT_AFTER * _SECOND)
        return int(self._file.rows("SELECT count(*) FROM boxes WHERE heard <= ?", limit)[0][0])


def frames_since(before: Hello | None, hello: Hello) -> tuple[int, int]:
    """Return how many pictures came, and were counted on, between two hellos. A node that began anew counts from 0."""
    known = {camera.name: camera for camera in before.cameras} if before is not None else {}
    came = counted = 0
    for camera in hello.cameras:
        old = known.get(camera.name, CameraState(name=camera.name))
        came += _rise(old.frames_in, camera.frames_in)
        counted += _rise(old.frames_out, camera.frames_out)
    return came, counted


def restarts_since(before: Hello | None, hello: Hello) -> int:
    """Return how often nodes were started again between two hellos."""
    known = {node.name: node.restarts for node in before.nodes} if before is not None else {}
    return sum(_rise(known.get(node.name, 0), node.restarts) for node in hello.nodes)


def _rise(before: int, now: int) -> int:
    return now - before if now >= before else now


def _add_to_hour(db: Connection, store: str, box: str, hello: Hello, before: Hello | None, hour: int) -> None:
    came, counted = frames_since(before, hello)
    late = [camera.latency_ms for camera in hello.cameras if camera.latency_ms is not None]
    sums = {"hellos": 1, "frames_in": came, "frames_out": counted, "restarts": restarts_since(before, hello)}
    largest = {
        "blind": sum(is_blind(camera, hello.up_s) for camera in hello.cameras),
        "down": sum(node.state in ("waiting", "failed", "stopped") for node in hello.nodes),
        "unsent": hello.unsent,
        "temperature": hello.temperature,
        "latency_ms": max(late, default=None),
        "clock_ahead": None if hello.clock_ahead is None else abs(hello.clock_ahead),
    }
    row = {"store": store, "box": box, "hour": hour, **sums, **largest, "disk_free": hello.disk_free}
    changes = [f"{name} = box_hours.{name} + excluded.{name}" for name in sums]
    changes += [_better(name, ">") for name in largest] + [_better("disk_free", "<")]
    added = db.execute(
        f"INSERT INTO box_hours ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})"
        f" ON CONFLICT (store, box, hour) DO UPDATE SET {', '.join(changes)} RETURNING hellos",
        tuple(row.values()),
    ).fetchall()
    if added[0][0] == 1:  # the first of an hour
        old = hour - KEPT_DAYS * _DAY
        db.execute("DELETE FROM box_hours WHERE store = ? AND box = ? AND hour < ?", (store, box, old))


def _better(name: str, sign: str) -> str:
    known, new = f"box_hours.{name}", f"excluded.{name}"
    return f"{name} = CASE WHEN {known} IS NULL OR {new} {sign} {known} THEN {new} ELSE {known} END"


def _looked(hello: Hello, now: int) -> dict[str, int | None]:
    return {
        camera.name: None if camera.looked_s is None else now - round(blind_s(camera, hello.up_s) * _SECOND)
        for camera in hello.cameras
    }


def _count(db: Connection, store: str) -> int:
    return int(db.execute("SELECT count(*) FROM boxes WHERE store = ?", (store,)).fetchone()[0])


def _box(row: tuple[str, str, int, int, str, str]) -> Box:
    store, box, first, heard, looked, state = row
    return Box(store, box, first, heard, json.loads(looked), Hello.model_validate_json(state))
