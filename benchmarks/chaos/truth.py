"""What was injected, compared with what is in the database."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

_NEAR = 1_000_000_000
"""An event belongs to a walk whose crossing is no further away, ns; walks of one camera are further apart."""
_SETTLED = 1.5
"""Seconds after a node is back until its topics are connected again: a walk before that may or may not count."""


class Outage(NamedTuple):
    """A time in which a node of the chain did not run, monotonic seconds."""

    node: str
    begin: float
    end: float


@dataclass
class Walk:
    """One person who walked over the line."""

    camera: str
    track: int
    direction: str
    begin: float
    stamp: int
    """When the line was passed, ns UTC."""
    end: float | None = None
    """None if the walk was cut."""


class Row(NamedTuple):
    """One event in the database."""

    id: str
    camera: str
    direction: str
    track: int
    time: int


@dataclass
class Tally:
    """How the database compares with the truth."""

    walks: int = 0
    certain: int = 0
    """Walks that had to be counted: complete, with every node between source and journal running."""
    counted: int = 0
    lost: int = 0
    doubled: int = 0
    phantoms: int = 0


def read_walks(file: Path) -> list[Walk]:
    """The walks of the sources' file; the last line may be cut."""
    walks: dict[tuple[str, int], Walk] = {}
    for line in file.read_text().splitlines() if file.exists() else ():
        try:
            found: dict[str, Any] = json.loads(line)
        except ValueError:
            continue
        key = found["camera"], found["track"]
        if "begin" in found:
            walks[key] = Walk(*key, found["direction"], found["begin"], found["stamp"])
        elif key in walks:
            walks[key].end, walks[key].stamp = found["end"], found["stamp"]
    return list(walks.values())


def read_events(database: Path, store: str = "shop") -> list[Row]:
    """The store's events in the server's database; none while there is no such table."""
    if not database.exists():
        return []
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=20)) as connection:
        try:
            rows = connection.execute(
                "SELECT id, camera, direction, track, time FROM events WHERE store = ? ORDER BY time", (store,)
            ).fetchall()
        except sqlite3.OperationalError as error:
            if "no such table" in str(error):
                return []
            raise
    return [
        Row(i, camera, "in" if direction == 1 else "out", track, time) for i, camera, direction, track, time in rows
    ]


def compare(
    walks: Sequence[Walk],
    events: Sequence[Row],
    outages: Iterable[Outage] = (),
    *,
    by_track: bool = False,
    until: float | None = None,
) -> Tally:
    """Compare. by_track: the events carry the source's own track ids; otherwise they are matched by time.

    until: walks that end later (monotonic seconds) need not be counted: the end of the run cut them.
    """
    down = [outage for outage in outages if outage.node.startswith("/")]
    tally = Tally(walks=len(walks))
    counted: Counter[tuple[str, int]] = Counter()
    by_camera: dict[str, list[Walk]] = {}
    for walk in walks:
        by_camera.setdefault(walk.camera, []).append(walk)
    for event in events:
        near = [
            walk
            for walk in by_camera.get(event.camera, ())
            if walk.direction == event.direction
            and (walk.track == event.track if by_track else abs(walk.stamp - event.time) <= _NEAR)
        ]
        if not near:
            tally.phantoms += 1
            continue
        nearest = min(near, key=lambda walk: abs(walk.stamp - event.time))
        counted[nearest.camera, nearest.track] += 1
    tally.doubled = sum(n - 1 for n in counted.values() if n > 1)
    tally.counted = len(counted)
    for walk in walks:
        if _is_certain(walk, down, until):
            tally.certain += 1
            tally.lost += (walk.camera, walk.track) not in counted
    return tally


def _is_certain(walk: Walk, down: Sequence[Outage], until: float | None) -> bool:
    end = walk.end
    if end is None or (until is not None and end > until):
        return False
    return not any(
        outage.begin - 0.3 < end and walk.begin < outage.end + _SETTLED
        for outage in down
        if outage.node.startswith(f"/{walk.camera}/") or outage.node == "/"
    )
