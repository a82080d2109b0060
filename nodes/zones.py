"""Zones: polygons in the picture, and how deep inside or how far outside of them points lie.

A corner at the border of the picture is meant to reach it, and such a side of the polygon is no border that anybody
could pass: who leaves the picture there was in the zone as long as they were seen.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from metrica.nodes.segments import Point, meet
from metrica.nodes.tracker import Float64

_AT_BORDER = 0.02
"""A corner nearer to the border of the picture than this part of the picture is taken to lie on it."""
FAR = 1e6
"""Pixels to the border of a zone that has none inside the picture."""


@dataclass(frozen=True, slots=True)
class Zone:
    """A named polygon, corners in order, pixels. Raises ValueError if that is no area."""

    name: str
    corners: tuple[Point, ...]

    def __post_init__(self) -> None:
        if len(self.corners) < 3:
            raise ValueError(f"zone '{self.name}' has {len(self.corners)} corners: a zone needs at least three")
        if not all(math.isfinite(v) for corner in self.corners for v in corner):
            raise ValueError(f"zone '{self.name}' has a coordinate that is not a number")
        if crossed := self._crossed_sides():
            first, second = crossed
            raise ValueError(
                f"zone '{self.name}' crosses itself: its sides {first + 1} and {second + 1} meet. "
                "Give the corners in order, once around"
            )
        if abs(_area(np.array(self.corners))) < 1.0:
            raise ValueError(f"zone '{self.name}' has no area: its corners lie on one line")

    def _crossed_sides(self) -> tuple[int, int] | None:
        """Two sides that are not neighbours and meet, side 0 being that from the first corner to the second."""
        n = len(self.corners)
        sides = [(self.corners[i], self.corners[(i + 1) % n]) for i in range(n)]
        for i in range(n):
            for j in range(i + 2, n):
                if (j + 1) % n != i and meet(*sides[i], *sides[j]):
                    return i, j
        return None


class Zones:
    """Several zones at once: where N points lie relative to Z polygons."""

    def __init__(self, zones: Sequence[Zone]) -> None:
        """Raises ValueError if two zones have one name."""
        names = [zone.name for zone in zones]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"two zones are called '{name}': give each zone its own name")
        self.names = tuple(names)
        self._zones = tuple(zones)
        self._frame_size = (0, 0)
        self._polygons: list[_Polygon] = []

    def __len__(self) -> int:
        return len(self.names)

    def depth(self, points: Float64, frame_size: tuple[int, int]) -> Float64:
        """How far points [N, 2] are from the border of each zone, [N, Z] pixels: positive inside, negative outside.

        A point outside the picture counts where it is nearest to it. `FAR` where a zone has no border in the picture.
        """
        self._fit(frame_size)
        inside = np.clip(points, 0.0, np.array(frame_size, np.float64))
        return np.stack([polygon.depth(inside) for polygon in self._polygons], axis=1)

    def narrow(self, frame_size: tuple[int, int]) -> Float64:
        """About half the width of each zone at its usual place, [Z] pixels: its area over its perimeter."""
        self._fit(frame_size)
        return np.array([polygon.narrow for polygon in self._polygons])

    def _fit(self, frame_size: tuple[int, int]) -> None:
        if frame_size != self._frame_size or not self._polygons:
            self._polygons = [_Polygon(zone, frame_size) for zone in self._zones]
            self._frame_size = frame_size


class _Polygon:
    """One zone in a picture of a given size."""

    def __init__(self, zone: Zone, frame_size: tuple[int, int]) -> None:
        far = np.array(frame_size, np.float64)
        corners = np.array(zone.corners, np.float64)
        # One pixel outside: a point that was clipped to the border is then inside, not on the side itself.
        low, high = corners <= _AT_BORDER * far, corners >= (1 - _AT_BORDER) * far
        corners = np.where(low, np.minimum(corners, -1.0), np.where(high, np.maximum(corners, far + 1.0), corners))
        self._start: Float64 = corners
        self._end: Float64 = np.roll(corners, -1, axis=0)
        along_left_or_top = low & np.roll(low, -1, axis=0)
        along_right_or_bottom = high & np.roll(high, -1, axis=0)
        self._real = ~(along_left_or_top | along_right_or_bottom).any(axis=1)
        """Which sides are a border that somebody can pass."""
        way = self._end - self._start
        self.narrow = abs(_area(corners)) / float(np.hypot(way[:, 0], way[:, 1]).sum())

    def depth(self, points: Float64) -> Float64:
        """[N] of points [N, 2]."""
        start, way = self._start, self._end - self._start
        # Even-odd rule: a ray to the right passes the border an odd number of times.
        above = start[:, 1] > points[:, None, 1]
        spans = above != (self._end[:, 1] > points[:, None, 1])
        with np.errstate(divide="ignore", invalid="ignore"):
            x = start[:, 0] + (points[:, None, 1] - start[:, 1]) / way[:, 1] * way[:, 0]
        inside = (spans & (points[:, None, 0] < x)).sum(axis=1) % 2 == 1
        if not self._real.any():
            return np.where(inside, FAR, -FAR)
        start, way = start[self._real], way[self._real]
        offset = points[:, None, :] - start
        length = np.maximum((way**2).sum(axis=1), 1e-12)
        part = np.clip((offset * way).sum(axis=2) / length, 0.0, 1.0)
        distance = np.linalg.norm(offset - part[:, :, None] * way, axis=2).min(axis=1)
        return np.asarray(np.where(inside, distance, -distance))


def _area(corners: Float64) -> float:
    """Signed, by the shoelace formula."""
    x, y = corners[:, 0], corners[:, 1]
    return float((x * np.roll(y, -1) - np.roll(x, -1) * y).sum() / 2)
