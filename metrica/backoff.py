"""Exponential back-off: wait longer after each failure, with jitter, so that many boxes do not retry at once."""

from __future__ import annotations

import random
from dataclasses import dataclass, field


@dataclass(slots=True)
class Backoff:
    """Exponential back-off with equal jitter.

    The longest wait is `first` after the first failure and doubles with each further one, up to `limit`. Each wait is
    a random time between half of the longest wait and all of it.

    Source: M. Brooker, "Exponential Backoff And Jitter", 2015.
    """

    first: float = 1.0
    """Longest wait after the first failure, seconds."""
    limit: float = 60.0
    """Longest wait after any failure, seconds."""
    rng: random.Random = field(default_factory=random.Random)
    """Where the jitter comes from."""
    failures: int = 0
    """How many failures there were since the last success."""

    def next(self) -> float:
        """Count one more failure, and return how many seconds to wait."""
        longest = min(self.limit, self.first * 2.0 ** min(self.failures, 32))
        self.failures += 1
        return longest * (0.5 + 0.5 * self.rng.random())

    def reset(self) -> None:
        """Start again from the first wait, after a success."""
        self.failures = 0
