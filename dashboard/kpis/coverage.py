"""Coverage: the times at which each camera of a store looked."""

from __future__ import annotations

from metrica.dashboard.kpis.events import MINUTE

Coverage = dict[str, list[tuple[int, int]]]
"""For each camera, by name, the (start, end) of the times at which it looked, ns UTC."""

TOLERANCE = 2 * MINUTE
"""A pause of a camera that is no longer than this (ns) is no gap: restarting takes about as long."""


def known_since(first: int | None, coverage: Coverage) -> int | None:
    """Return from when on a store is known (ns UTC): zero visitors before that are no data; None if never.

    first: the first event of its history. A camera that looked while nobody came knows that nobody came.
    """
    looked = (start for spans in coverage.values() for start, _ in spans)
    return min((*looked, *(() if first is None else (first,))), default=None)
