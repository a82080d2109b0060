"""When a delivery that failed is tried again, and when it is given up."""

from __future__ import annotations

import random

SECOND = 1_000_000_000
FIRST = 5.0
"""Longest wait after the first failure, seconds; it doubles with each one that follows …"""
LIMIT = 3600.0
"""… up to this."""
LONGEST_WAIT = round(LIMIT) * SECOND
"""The same, ns."""
PATIENCE = 3 * 86_400 * SECOND
"""A webhook that has failed for so long, ns, is paused."""


def wait(failures: int, asked: float, rng: random.Random) -> int:
    """Return how long to wait, ns. failures: since the last success, this one included; at least 1.

    asked: seconds that the target asks for (`Retry-After`). Many targets that failed together are not tried together:
    the wait is a random time between half of the longest one and all of it.
    """
    longest = min(LIMIT, FIRST * 2.0 ** min(failures - 1, 32))
    return round(min(LIMIT, max(longest * (0.5 + 0.5 * rng.random()), asked)) * SECOND)


def is_dead(failing_since: int, now: int) -> bool:
    """Whether a webhook has failed for so long that it is paused; both ns UTC."""
    return now - failing_since >= PATIENCE
