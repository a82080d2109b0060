"""Which rounds there are, and the rounds that are done: a file that a cut run goes on from."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.chaos.result import Result


@dataclass(frozen=True)
class Round:
    """One round of a scenario, in a process of its own."""

    scenario: str
    load: float
    """How much of a processor it takes, about; so many run at once as there are processors for."""
    arguments: dict[str, Any] = field(default_factory=dict[str, Any])

    @property
    def key(self) -> str:
        """What the round is called in the state file."""
        return f"{self.scenario} {json.dumps(self.arguments, sort_keys=True)}"


@dataclass(frozen=True)
class Sizes:
    """How much of each fault; 0 leaves it out."""

    kills: int = 1000
    hangs: int = 1
    deaths: int = 200
    cuts: int = 100
    freezes: int = 20
    changes: int = 10
    locked_seconds: float = 90.0
    hours_offline: float = 72.0
    events: int = 20_000
    disk: int = 2
    jumps: int = 1
    device: int = 1
    minutes: float = 60.0


_KILLS, _DEATHS, _CUTS = 334, 50, 25
"""At most, in one round."""


def rounds(sizes: Sizes) -> list[Round]:
    """The rounds, those first that take longest."""
    made: list[Round] = []
    if sizes.minutes:
        made.append(Round("hour", 0.4, {"minutes": sizes.minutes}))
    if sizes.hours_offline and sizes.events:
        made.append(Round("offline", 0.1, {"hours": sizes.hours_offline, "events": sizes.events}))
    lanes = max(1, math.ceil(sizes.cuts / _CUTS)) if sizes.cuts or sizes.freezes or sizes.changes else 0
    for lane, (cuts, freezes, changes) in enumerate(
        zip(*(_shared(n, lanes) for n in (sizes.cuts, sizes.freezes, sizes.changes)), strict=True)
    ):
        made.append(Round("camera", 0.15, {"cuts": cuts, "freezes": freezes, "changes": changes, "seed": lane + 1}))
    killing = [
        Round("kills", 0.7, {"count": n, "seed": i + 1})
        for i, n in enumerate(_shared(sizes.kills, math.ceil(sizes.kills / _KILLS)))
    ]
    dying = [
        Round("deaths", 0.4, {"count": n, "seed": i + 1})
        for i, n in enumerate(_shared(sizes.deaths, math.ceil(sizes.deaths / _DEATHS)))
    ]
    while killing or dying:
        made += [*killing[:1], *dying[:1]]
        killing, dying = killing[1:], dying[1:]
    if sizes.locked_seconds:
        made += [Round("locked", 0.1, {"seconds": sizes.locked_seconds, "how": how}) for how in ("sqlite", "file")]
    if sizes.disk:
        made.append(Round("disk", 0.15, {"rounds": sizes.disk}))
    if sizes.jumps:
        made.append(Round("clock", 0.15))
    if sizes.hangs:
        made.append(Round("hangs", 0.6))
    if sizes.device:
        made.append(Round("device", 0.4))
    return made


def _shared(whole: int, parts: int) -> list[int]:
    """A number in so many parts, as even as can be."""
    return [whole // parts + (i < whole % parts) for i in range(parts)]


class State:
    """The results so far, by round. Without a file they are only remembered."""

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self.results: dict[str, Result] = {}
        if file is not None and file.exists():
            for line in file.read_text().splitlines():
                found = json.loads(line)
                self.results[found["round"]] = Result(**found["result"])

    def add(self, key: str, result: Result) -> None:
        """Note a result; it is on the disk when this returns."""
        self.results[key] = result
        if self._file is not None:
            with self._file.open("a") as file:
                file.write(json.dumps({"round": key, "result": asdict(result)}) + "\n")
                file.flush()
                os.fsync(file.fileno())

    def of(self, wanted: Iterable[Round]) -> list[Result]:
        """The results of these rounds, as far as they are there."""
        return [self.results[each.key] for each in wanted if each.key in self.results]
