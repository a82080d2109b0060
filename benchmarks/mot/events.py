"""Compares counted crossings with the truth: the same direction, within a second, each matched once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

CountedCrossing = tuple[float, str]
"""Time in seconds, and IN or OUT."""


@dataclass(slots=True)
class Tally:
    """The result of a comparison: number of right events, and lists of false and missed ones."""

    found: int = 0
    extra: list[CountedCrossing] = field(default_factory=list)
    missed: list[CountedCrossing] = field(default_factory=list)

    def __add__(self, other: Tally) -> Tally:
        return Tally(self.found + other.found, self.extra + other.extra, self.missed + other.missed)

    @property
    def f1(self) -> float:
        """F1 score; 1 if there was nothing to count and nothing was counted."""
        errors = len(self.extra) + len(self.missed)
        return 2 * self.found / (2 * self.found + errors) if self.found + errors else 1.0

    @property
    def net_error(self) -> int:
        """Absolute error of the number of events in both directions together."""
        return abs(len(self.extra) - len(self.missed))

    def __str__(self) -> str:
        return f"F1 {self.f1:.3f} ({self.found} found, {len(self.extra)} false, {len(self.missed)} missed)"


def compare(
    counted: Iterable[CountedCrossing],
    truth: Sequence[CountedCrossing],
    ignored: Sequence[CountedCrossing] = (),
    within: float = 1.0,
) -> Tally:
    """Compare counted events with the truth. A counted event that only matches an ignored one is left out."""
    tally = Tally()
    by_direction: dict[str, list[float]] = {"IN": [], "OUT": []}
    for time, direction in counted:
        by_direction[direction].append(time)
    for direction, times in by_direction.items():
        pairs, left, missed = _match(times, [t for t, d in truth if d == direction], within)
        _, left, _ = _match(left, [t for t, d in ignored if d == direction], within)
        tally += Tally(pairs, [(t, direction) for t in left], [(t, direction) for t in missed])
    return tally


def _match(counted: Sequence[float], truth: Sequence[float], within: float) -> tuple[int, list[float], list[float]]:
    """The largest possible number of pairs, and the times left over on both sides.

    In order of time, pairing with the first that fits is optimal.
    """
    a, b = sorted(counted), sorted(truth)
    pairs, extra, missed = 0, [], []
    while a and b:
        if abs(a[0] - b[0]) <= within:
            pairs, a, b = pairs + 1, a[1:], b[1:]
        elif a[0] < b[0]:
            extra.append(a.pop(0))
        else:
            missed.append(b.pop(0))
    return pairs, extra + a, missed + b
