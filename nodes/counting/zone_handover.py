"""Who goes on for whom: a tracker loses people and finds them again under a new id."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from metrica.nodes.geometry.association import assign
from metrica.nodes.geometry.segments import Point

_NEAR = 0.3
"""Box heights within which a person is found again at once,"""
_DRIFT = 0.5
"""and so many more for each second that has passed,"""
_FARTHEST = 1.3
"""up to this many: who is out of sight for long is mostly hidden where they stand."""
_SIMILAR = 1.6
"""The larger of the two heights is at most so many times the smaller."""
_DOUBLE = 1.0
"""Seconds for which two tracks may have followed one person before the older one ends."""
_VELOCITY_MEMORY = 0.3
"""Seconds over which a velocity is averaged."""


@dataclass(slots=True)
class Sight:
    """What is known of somebody's place: times in seconds, lengths in pixels."""

    track: int
    first: float
    last: float
    point: Point
    velocity: Point
    """Per second."""
    height: float

    def see(self, now: float, point: Point, height: float) -> None:
        """Note where they are now."""
        # Plain numbers: an array of two would cost ten times as much.
        seconds = now - self.last
        if seconds > 0:
            follow = seconds / (seconds + _VELOCITY_MEMORY)
            (x, y), (speed_x, speed_y) = self.point, self.velocity
            self.velocity = (
                speed_x + follow * ((point[0] - x) / seconds - speed_x),
                speed_y + follow * ((point[1] - y) / seconds - speed_y),
            )
        self.last, self.point, self.height = now, point, height


S = TypeVar("S", bound=Sight)


def successors(lost: Sequence[S], born: Sequence[S], now: float) -> list[tuple[S, S]]:
    """Pairs (lost, born) of one person each, by place, motion and height; each at most once, the best together."""
    if not lost or not born:
        return []
    gap = now - np.array([p.last for p in lost])
    # The person may have walked on, stopped, or anything between: the distance to that stretch of way counts.
    way = np.array([p.velocity for p in lost]) * np.minimum(gap, 1.0)[:, None]
    offset = np.array([p.point for p in born])[None, :, :] - np.array([p.point for p in lost])[:, None, :]
    length = np.maximum((way**2).sum(axis=1), 1e-9)
    part = np.clip((offset * way[:, None, :]).sum(axis=2) / length[:, None], 0.0, 1.0)
    away = np.linalg.norm(offset - part[:, :, None] * way[:, None, :], axis=2)
    a, b = np.array([p.height for p in lost])[:, None], np.array([p.height for p in born])
    gate = np.minimum(a, b) * np.minimum(_NEAR + _DRIFT * gap, _FARTHEST)[:, None]
    fit = np.where(np.maximum(a, b) <= _SIMILAR * np.minimum(a, b), 1 - away / gate, 0.0)
    return [(lost[i], born[j]) for i, j in zip(*assign(fit, 0.0), strict=True)]


def doubles(gone: Sequence[S], visible: Sequence[S], now: float) -> list[tuple[S, S]]:
    """Pairs (older, younger) that followed one person for a moment, the older of which is no longer seen."""
    pairs: list[tuple[S, S]] = []
    taken: set[int] = set()
    for old in gone:
        near = [
            p
            for p in visible
            if p.track not in taken and old.first < p.first <= old.last <= p.first + _DOUBLE and _close(old, p, now)
        ]
        if near:
            young = min(near, key=lambda p: math.dist(p.point, old.point))
            taken.add(young.track)
            pairs.append((old, young))
    return pairs


def _close(old: Sight, young: Sight, now: float) -> bool:
    tall, small = max(old.height, young.height), min(old.height, young.height)
    near = math.dist(young.point, old.point) <= _NEAR * small
    return near and tall <= _SIMILAR * small and now - old.last <= _DOUBLE
