"""The head count written plainly, with one number for each case: the reference for the arrays of `Headcount`."""

from __future__ import annotations

import math
from collections.abc import Callable

from metrica.dashboard.kpis.headcount import ErrorRates, ExpectedDwell

Moves = Callable[[float, int], list[tuple[int, float]]]
"""From a leaving rate and a head count to the head counts that may follow, each with its weight."""


class PlainHeadcount:
    """The filter over (mean dwell, people inside), without a window: for small crowds only."""

    def __init__(self, rates: ErrorRates, dwell: ExpectedDwell) -> None:
        self.rates = rates
        steps = [-2 + 4 * n / 6 for n in range(7)]
        prior = [math.exp(-(step**2) / 2) for step in steps]
        self.leave_rates = [math.exp(-dwell.spread * step) / dwell.seconds for step in steps]
        # For each (mean dwell, people inside): the probability, and the same times the expected person-seconds.
        self.state = {(i, 0): (p / sum(prior), 0.0) for i, p in enumerate(prior)}

    @property
    def mean(self) -> float:
        return sum(p * people for (_, people), (p, _) in self.state.items())

    @property
    def person_seconds(self) -> float:
        return sum(s for _, s in self.state.values())

    def probability(self, people: int) -> float:
        return sum(p for (_, n), (p, _) in self.state.items() if n == people)

    def came_in(self) -> None:
        none, two = self.rates.extra_in, (1 - self.rates.extra_in) * self.rates.missed_in
        self.move(lambda _rate, n: [(n, none), (n + 1, 1 - none - two), (n + 2, two)])

    def went_out(self) -> None:
        mean, seen = self.mean, 1 - self.rates.missed_out
        weight = 1 / (1 + 0.08 * mean)
        false_out = max(self.rates.extra_out, 1e-3)

        def moves(rate: float, n: int) -> list[tuple[int, float]]:
            stayed = (n, false_out * (seen * rate * max(1.0, mean)) ** weight)
            return [stayed, (n - 1, (seen * rate * n) ** weight)] if n else [stayed]

        self.move(moves)

    def set_empty(self) -> None:
        if self.probability(0) > 1e-3:
            self.state = {case: value for case, value in self.state.items() if case[1] == 0}
        self.move(lambda _rate, _n: [(0, 1.0)])

    def advance(self, seconds: float, seen_share: float, arrival_rate: float) -> None:
        if seconds <= 0:
            return
        counted = seen_share * (1 - self.rates.missed_out)
        changes = (1 - counted) * sum(self.leave_rates) / 7 * (self.mean + 1) + arrival_rate
        substeps = min(40, 1 + int(seconds * changes / 0.2))
        for _ in range(substeps):
            self.elapse(seconds / substeps, counted, arrival_rate)

    def elapse(self, seconds: float, counted: float, arrival_rate: float) -> None:
        weight = 1 / (1 + 0.08 * self.mean)
        for (i, n), (p, s) in self.state.items():
            likelihood = math.exp(-weight * counted * seconds * self.leave_rates[i] * n)
            self.state[i, n] = (p * likelihood, (s + p * n * seconds) * likelihood)

        def leave(rate: float, n: int) -> list[tuple[int, float]]:
            left = min((1 - counted) * seconds * rate * n, 0.5)
            return [(n, 1 - left), (n - 1, left)] if n else [(n, 1.0)]

        arrived = min(0.5, arrival_rate * seconds)
        self.move(leave)
        self.move(lambda _rate, n: [(n, 1 - arrived), (n + 1, arrived)])

    def move(self, moves: Moves) -> None:
        """Move every case to those that may follow, and make the probabilities sum to 1."""
        after: dict[tuple[int, int], tuple[float, float]] = {}
        for (i, n), (p, s) in self.state.items():
            for people, weight in moves(self.leave_rates[i], n):
                old_p, old_s = after.get((i, people), (0.0, 0.0))
                after[i, people] = (old_p + weight * p, old_s + weight * s)
        total = sum(p for p, _ in after.values())
        self.state = {case: (p / total, s / total) for case, (p, s) in after.items()}
