"""What a round has found, and how rounds add up to the figures."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from benchmarks.chaos.truth import Tally


@dataclass
class Result:
    """The findings of one round. None: the round does not measure it."""

    scenario: str = ""
    seconds: float = 0.0
    walks: int = 0
    certain: int = 0
    lost: int = 0
    doubled: int = 0
    phantoms: int = 0
    faults: int = 0
    """How often a fault was brought about."""
    recoveries: list[float] = field(default_factory=list[float])
    """Seconds from the fault, or from its discovery, until the node works again."""
    camera_back: list[float] = field(default_factory=list[float])
    """Seconds from the moment when the camera can be reached again until the first picture."""
    delivered: int | None = None
    drain_minutes: float | None = None
    orphans: int = 0
    corrupt: int = 0
    growth: float | None = None
    """How much the memory of all nodes grew, percent."""
    detail: dict[str, Any] = field(default_factory=dict[str, Any])
    problems: list[str] = field(default_factory=list[str])
    """What is not as promised, in sentences."""

    def add(self, tally: Tally) -> None:
        """Take in a comparison with the database."""
        self.walks += tally.walks
        self.certain += tally.certain
        self.lost += tally.lost
        self.doubled += tally.doubled
        self.phantoms += tally.phantoms

    def as_json(self) -> str:
        return json.dumps(asdict(self))


GOALS: dict[str, tuple[str, float]] = {
    "lost_or_doubled_events": ("==", 0),
    "phantom_crossings": ("==", 0),
    "recovery_seconds_p95": ("<=", 10),
    "camera_back_seconds_p95": ("<=", 10),
    "offline_events_delivered": ("==", 20_000),
    "bad_server_drain_minutes": ("<=", 10),
    "orphans": ("==", 0),
    "corrupt_stores": ("==", 0),
    "memory_growth_percent": ("<=", 2),
}
"""The figures and their goals."""


def percentile(values: Iterable[float], percent: float) -> float | None:
    """The value that so many percent do not exceed; None of no values."""
    ordered = sorted(values)
    if not ordered:
        return None
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def figures(results: Iterable[Result]) -> dict[str, float | int | None]:
    """The figures of all rounds together; None for what no round has measured."""
    found = list(results)
    delivered = [r.delivered for r in found if r.delivered is not None]
    drains = [r.drain_minutes for r in found if r.drain_minutes is not None]
    growths = [r.growth for r in found if r.growth is not None]
    made: dict[str, float | int | None] = {
        "lost_or_doubled_events": sum(r.lost + r.doubled for r in found) if found else None,
        "phantom_crossings": sum(r.phantoms for r in found) if found else None,
        "recovery_seconds_p95": percentile((s for r in found for s in r.recoveries), 95),
        "camera_back_seconds_p95": percentile((s for r in found for s in r.camera_back), 95),
        "offline_events_delivered": min(delivered) if delivered else None,
        "bad_server_drain_minutes": max(drains) if drains else None,
        "orphans": sum(r.orphans for r in found) if found else None,
        "corrupt_stores": sum(r.corrupt for r in found) if found else None,
        "memory_growth_percent": max(growths) if growths else None,
    }
    return {name: round(value, 2) if isinstance(value, float) else value for name, value in made.items()}


def meets(name: str, value: float | None) -> bool:
    """Whether a figure meets its goal."""
    how, goal = GOALS[name]
    return value is not None and (value == goal if how == "==" else value <= goal)
