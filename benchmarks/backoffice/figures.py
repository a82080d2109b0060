"""The figures with their goals: as lines for people, and as one line of JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

GOALS: dict[str, tuple[str, float | None]] = {
    "kpi_p95_ms": ("<=", 50),
    "kpi_three_years_over_one_month": ("<=", 1.2),
    "ingest_over_raw_sqlite": (">=", 0.8),
    "ingest_over_raw_postgresql": (">=", 0.7),
    "rush_p99_ms": ("<=", None),
    "rush_lost_or_doubled": ("==", 0),
    "rss_mb_per_process": ("<=", 300),
    "rollup_mismatches": ("==", 0),
    "bytes_per_event_year": ("<=", None),
}
"""Each figure, and what it has to be; None: no goal, it is only measured."""


@dataclass
class Findings:
    """What was measured: the figures, and the details behind them."""

    figures: dict[str, float] = field(default_factory=dict[str, float])
    """The figures that were measured."""
    detail: dict[str, Any] = field(default_factory=dict[str, Any])
    """By what was measured."""
    problems: list[str] = field(default_factory=list[str])
    """What is not as promised, in sentences."""

    def worst(self, name: str, value: float) -> None:
        """Keep a figure, or what it was before if that is worse."""
        before = self.figures.get(name)
        keep = min if GOALS[name][0] == ">=" else max
        self.figures[name] = value if before is None else keep(before, value)


def meets(name: str, value: float) -> bool:
    """Whether a figure meets its goal; one without a goal always does."""
    how, goal = GOALS[name]
    if goal is None:
        return True
    return value == goal if how == "==" else value <= goal if how == "<=" else value >= goal


def lines(found: Findings) -> list[str]:
    """A line for each figure: its name, its value, its goal, and whether that is met."""
    made: list[str] = []
    for name, (how, goal) in GOALS.items():
        value = found.figures.get(name)
        state = "not measured" if value is None else "ok" if meets(name, value) else "NOT MET"
        wanted = "-" if goal is None else f"{how} {goal:g}"
        made.append(f"{name:<32}{'-' if value is None else f'{value:.2f}':>12}  goal {wanted:<8}  {state}")
    return made


def json_line(found: Findings) -> str:
    """The figures, and what is behind them, for programs."""
    rounded = {name: round(value, 3) for name, value in found.figures.items()}
    return json.dumps({**rounded, "detail": found.detail, "problems": found.problems})


def percentile(values: Iterable[float], percent: float) -> float:
    """The value that so many percent do not exceed. Raises ValueError for no values."""
    ordered = sorted(values)
    if not ordered:
        raise ValueError("nothing was measured")
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def rounded(values: Mapping[str, float], digits: int = 2) -> dict[str, float]:
    """The same values with fewer digits."""
    return {name: round(value, digits) for name, value in values.items()}
