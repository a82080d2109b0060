"""Compare counted crossings with labelled ones: pure functions.

A counted crossing is right if a labelled one has the same line and direction and lies within a second; pairs are one to
one. Totals alone are not compared: a counter that misses one person and invents another would look perfect.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from metrica.messages import Direction

TOLERANCE = 1.0
"""How many seconds too early or too late a crossing may be counted."""
_Z_95 = 1.959963984540054
"""95 % of a normal distribution lies within this many standard deviations of its mean."""

Interval = tuple[float, float]
"""The lower and the upper end of a confidence interval."""


@dataclass(frozen=True, slots=True, order=True)
class TimedCrossing:
    """One crossing of a line, counted or labelled."""

    time: float
    """When the line was crossed, seconds from the start of the clip."""
    line: str
    """Name of the line."""
    direction: Direction
    """`in` or `out`."""


@dataclass(frozen=True, slots=True)
class Score:
    """How well the counted crossings agree with the labelled ones."""

    labelled: int
    """How many crossings were labelled."""
    counted: int
    """How many crossings were counted."""
    right: int
    """How many of the counted crossings match a labelled one."""

    @property
    def precision(self) -> float | None:
        """The share of the counted crossings that are right; None if nothing was counted."""
        return self.right / self.counted if self.counted else None

    @property
    def recall(self) -> float | None:
        """The share of the labelled crossings that were counted; None if nothing was labelled."""
        return self.right / self.labelled if self.labelled else None

    @property
    def f1(self) -> float | None:
        """The harmonic mean of precision and recall; None if nothing was labelled and nothing counted."""
        return 2 * self.right / (self.labelled + self.counted) if self.labelled + self.counted else None

    @property
    def total_error(self) -> float | None:
        """(counted - labelled) / labelled, signed; None if nothing was labelled."""
        return (self.counted - self.labelled) / self.labelled if self.labelled else None

    @property
    def precision_interval(self) -> Interval:
        """The 95 % confidence interval of the precision; (0, 1) if nothing was counted."""
        return wilson(self.right, self.counted)

    @property
    def recall_interval(self) -> Interval:
        """The 95 % confidence interval of the recall; (0, 1) if nothing was labelled."""
        return wilson(self.right, self.labelled)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The scores of each direction and of both together, and every mistake."""

    scores: dict[str, Score]
    """By `in`, `out` and `all`."""
    missed: tuple[TimedCrossing, ...]
    """Labelled crossings that were not counted."""
    extra: tuple[TimedCrossing, ...]
    """Counted crossings that were not labelled."""
    mean_delay: float | None
    """By how many seconds the right crossings were counted later than labelled, on average."""


def wilson(right: int, of: int) -> Interval:
    """The 95 % confidence interval of the proportion right / of (Wilson 1927); (0, 1) for of = 0.

    Unlike the simple interval p ± 1.96 s it is right for few events and for a proportion of 1.
    Raises ValueError unless 0 <= right <= of.
    """
    if not 0 <= right <= of:
        raise ValueError(f"{right} of {of} is no proportion")
    if of == 0:
        return (0.0, 1.0)
    p, z2 = right / of, _Z_95**2
    middle = (p + z2 / (2 * of)) / (1 + z2 / of)
    half = _Z_95 / (1 + z2 / of) * math.sqrt(p * (1 - p) / of + z2 / (4 * of**2))
    return (0.0 if right == 0 else middle - half, 1.0 if right == of else middle + half)


def match(
    labelled: Sequence[TimedCrossing], counted: Sequence[TimedCrossing], tolerance: float = TOLERANCE
) -> list[tuple[int, int]]:
    """Pair labelled and counted crossings. Returns pairs (labelled index, counted index).

    As many pairs as possible are made; among those choices, the one with the smallest sum of time differences.
    """
    if not labelled or not counted:
        return []
    keys = sorted({(e.line, e.direction) for e in (*labelled, *counted)})
    kind_a, kind_b = (np.array([keys.index((e.line, e.direction)) for e in es]) for es in (labelled, counted))
    apart = np.abs(np.subtract.outer([e.time for e in labelled], [e.time for e in counted]))
    fits = (kind_a[:, None] == kind_b) & (apart <= tolerance + 1e-9)
    # The reward for one more pair exceeds any sum of time differences, so the number of pairs comes first.
    worth = np.where(fits, tolerance * (min(apart.shape) + 1) + tolerance - apart + 1.0, 0.0)
    rows, columns = linear_sum_assignment(worth, maximize=True)
    return [(i, j) for i, j in zip(rows.tolist(), columns.tolist(), strict=True) if fits[i, j]]


def evaluate(
    labelled: Sequence[TimedCrossing],
    counted: Sequence[TimedCrossing],
    tolerance: float = TOLERANCE,
    within: tuple[float, float] = (-math.inf, math.inf),
) -> Evaluation:
    """Score counted crossings against labelled ones.

    within: the labelled part of the clip, start and end in seconds. Crossings outside it are neither right nor wrong,
    except that a labelled crossing near an end may be matched by one that was counted just beyond it.
    """
    begin, end = within
    labelled = sorted(e for e in labelled if begin <= e.time <= end)
    counted = sorted(counted)
    pairs = match(labelled, counted, tolerance)
    found, right = {i for i, _ in pairs}, {j for _, j in pairs}
    judged = [j for j, e in enumerate(counted) if j in right or begin <= e.time <= end]
    scores: dict[str, Score] = {}
    for name, directions in (("in", ("in",)), ("out", ("out",)), ("all", ("in", "out"))):
        scores[name] = Score(
            labelled=sum(e.direction in directions for e in labelled),
            counted=sum(counted[j].direction in directions for j in judged),
            right=sum(labelled[i].direction in directions for i in found),
        )
    delays = [counted[j].time - labelled[i].time for i, j in pairs]
    return Evaluation(
        scores=scores,
        missed=tuple(e for i, e in enumerate(labelled) if i not in found),
        extra=tuple(counted[j] for j in judged if j not in right),
        mean_delay=sum(delays) / len(delays) if delays else None,
    )
