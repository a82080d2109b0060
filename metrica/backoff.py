"""Waiting longer after each failure, with jitter, so that a thousand boxes do not come back at the same moment."""

from __future__ import annotations

import random
from dataclasses import dataclass, field


@dataclass(slots=True)
class Backoff:
    """Exponential back-off with equal jitter: each wait is between half and all of first, 2 first, 4 first, … limit.

    Source: M. Brooker, "Exponential Backoff And Jitter", 2015.
    """

    first: float = 1.0
    """Seconds."""
    limit: float = 60.0
    """Seconds."""
    rng: random.Random = field(default_factory=random.Random)
    failures: int = 0

    def next(self) -> float:
        """How many seconds to wait after one more failure."""
        whole = min(self.limit, self.first * 2.0 ** min(self.failures, 32))
        self.failures += 1
        return whole * (0.5 + 0.5 * self.rng.random())

    def reset(self) -> None:
        """It worked: the next failure begins from the first wait again."""
        self.failures = 0
