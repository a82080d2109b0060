"""Coverage: the times at which each camera of a store looked."""

from __future__ import annotations

from metrica.dashboard.kpis.events import MINUTE

Coverage = dict[str, list[tuple[int, int]]]
"""For each camera, by name, the (start, end) of the times at which it looked, ns UTC."""

TOLERANCE = 2 * MINUTE
"""A pause of a camera that is no longer than this (ns) is no gap: restarting takes about as long."""
