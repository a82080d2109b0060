"""Coverage: the times at which each camera of a store looked."""

from __future__ import annotations

from metrica.dashboard.kpis.events import MINUTE, QUARTER

Coverage = dict[str, list[tuple[int, int]]]
"""For each camera, by name, the (start, end) of the times at which it looked, ns UTC."""

TOLERANCE = 2 * MINUTE
"""A pause of a camera that is no longer than this (ns) is no gap: restarting takes about as long."""


def known_since(first: int | None, first_look: int | None) -> int | None:
    """Return from when on a store is known (ns UTC): zero visitors before that are no data; None if never.

    It is a whole quarter of an hour. first: the first event of its history. first_look: when a camera looked first; one
    that looked while nobody came knows that nobody came.
    """
    times = [time - time % QUARTER for time in (first, first_look) if time is not None]
    return min(times, default=None)
