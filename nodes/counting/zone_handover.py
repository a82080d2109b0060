"""When a tracker loses a person and finds them under a new id: which new track continues which lost track."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from metrica.nodes.counting.zone_tracks import ZoneTrack
from metrica.nodes.geometry.association import assign

_NEAR = 0.3
"""Distance within which a person is found again at once, box heights."""
_DRIFT = 0.5
"""What is added to that distance for each second since the loss, box heights per second."""
_FARTHEST = 1.3
"""The largest such distance, box heights: a person out of sight for long is usually hidden where they stand."""
_MAX_WALK = 1.0
"""Seconds for which a lost person is assumed to have walked on at most."""
_MAX_HEIGHT_RATIO = 1.6
"""The larger of the heights of two tracks of one person is at most this many times the smaller."""
_MAX_OVERLAP = 1.0
"""Seconds for which two tracks may have followed one person before the older one ends."""


def successors(lost: Sequence[ZoneTrack], born: Sequence[ZoneTrack], now: float) -> list[tuple[ZoneTrack, ZoneTrack]]:
    """Pairs (lost, new) of tracks of one person each, by place, motion and height.

    Each track is in one pair at most. All pairs are chosen together, so that they fit best as a whole.
    """
    if not lost or not born:
        return []
    elapsed = now - np.array([p.last_seen for p in lost])
    # The person may have stopped, walked on, or anything between, so the new position is compared with the whole
    # segment from where the person was lost to where they would be by now.
    way = np.array([p.velocity for p in lost]) * np.minimum(elapsed, _MAX_WALK)[:, None]
    offset = np.array([p.point for p in born])[None, :, :] - np.array([p.point for p in lost])[:, None, :]
    length_squared = np.maximum((way**2).sum(axis=1), 1e-9)
    part = np.clip((offset * way[:, None, :]).sum(axis=2) / length_squared[:, None], 0.0, 1.0)
    distance = np.linalg.norm(offset - part[:, :, None] * way[:, None, :], axis=2)
    lost_heights, heights = np.array([p.height for p in lost])[:, None], np.array([p.height for p in born])
    taller, smaller = np.maximum(lost_heights, heights), np.minimum(lost_heights, heights)
    gate = smaller * np.minimum(_NEAR + _DRIFT * elapsed, _FARTHEST)[:, None]
    similarity = np.where(taller <= _MAX_HEIGHT_RATIO * smaller, 1 - distance / gate, 0.0)
    return [(lost[i], born[j]) for i, j in zip(*assign(similarity, 0.0), strict=True)]


def duplicates(
    gone: Sequence[ZoneTrack], visible: Sequence[ZoneTrack], now: float
) -> list[tuple[ZoneTrack, ZoneTrack]]:
    """Pairs (older, younger) of tracks that followed one person for a moment, until the older one was lost."""
    pairs: list[tuple[ZoneTrack, ZoneTrack]] = []
    used: set[int] = set()
    for old in gone:
        near = [p for p in visible if p.track not in used and _is_duplicate(old, p, now)]
        if near:
            young = min(near, key=lambda p: math.dist(p.point, old.point))
            used.add(young.track)
            pairs.append((old, young))
    return pairs


def _is_duplicate(old: ZoneTrack, young: ZoneTrack, now: float) -> bool:
    """Whether the younger track began while the older one was seen, beside it, and the older one ended soon after."""
    overlap = old.first_seen < young.first_seen <= old.last_seen <= young.first_seen + _MAX_OVERLAP
    if not overlap or now - old.last_seen > _MAX_OVERLAP:
        return False
    taller, smaller = max(old.height, young.height), min(old.height, young.height)
    near = math.dist(young.point, old.point) <= _NEAR * smaller
    return near and taller <= _MAX_HEIGHT_RATIO * smaller
