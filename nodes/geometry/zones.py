"""Zones: polygons in the picture, and how deep inside or how far outside of them points lie.

A corner at the border of the picture is meant to reach it, and such a side of the polygon is no border that anybody
could pass: who leaves the picture there was in the zone as long as they were seen.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from metrica.nodes.geometry.arrays import Float64
from metrica.nodes.geometry.segments import Point, meet

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
        x, y = inside[:, :1], inside[:, 1:]
        # Even-odd rule: a ray to the right passes the border of a polygon an odd number of times.
        spans = (self._start[1] > y) != (self._end[1] > y)
        spans &= x < self._start[0] + (y - self._start[1]) * self._slope
        odd = np.add.reduceat(spans, self._first, axis=1, dtype=np.int64) % 2
        off_x, off_y = x - self._start[0], y - self._start[1]
        part = (off_x * self._way[0] + off_y * self._way[1]) * self._per_square
        np.minimum(np.maximum(part, 0.0, out=part), 1.0, out=part)
        off_x -= part * self._way[0]
        off_y -= part * self._way[1]
        distance = np.sqrt(off_x * off_x + off_y * off_y)
        distance += self._unreal
        return np.asarray(np.minimum.reduceat(distance, self._first, axis=1).clip(max=FAR) * (2 * odd - 1))

    def narrow(self, frame_size: tuple[int, int]) -> Float64:
        """About half the width of each zone at its usual place, [Z] pixels: its area over its perimeter."""
        self._fit(frame_size)
        return np.array([polygon.narrow for polygon in self._polygons])

    def _fit(self, frame_size: tuple[int, int]) -> None:
        """Put the sides of all polygons into rows of one array each, so that a frame costs the same for any number."""
        if frame_size == self._frame_size and self._polygons:
            return
        self._frame_size = frame_size
        self._polygons = [_Polygon(zone, frame_size) for zone in self._zones]
        self._start: Float64 = np.concatenate([p.start for p in self._polygons]).T.copy()
        self._end: Float64 = np.concatenate([p.end for p in self._polygons]).T.copy()
        self._first = np.cumsum([0, *(len(p.start) for p in self._polygons[:-1])])
        self._way = self._end - self._start
        level = self._way[1] == 0
        self._slope: Float64 = np.where(level, 0.0, self._way[0] / np.where(level, 1.0, self._way[1]))
        self._per_square: Float64 = 1 / np.maximum((self._way**2).sum(axis=0), 1e-12)
        self._unreal: Float64 = np.where(np.concatenate([p.real for p in self._polygons]), 0.0, FAR)


class _Polygon:
    """One zone in a picture of a given size."""

    def __init__(self, zone: Zone, frame_size: tuple[int, int]) -> None:
        far = np.array(frame_size, np.float64)
        corners = np.array(zone.corners, np.float64)
        # One pixel outside: a point that was clipped to the border is then inside, not on the side itself.
        low, high = corners <= _AT_BORDER * far, corners >= (1 - _AT_BORDER) * far
        corners = np.where(low, np.minimum(corners, -1.0), np.where(high, np.maximum(corners, far + 1.0), corners))
        self.start: Float64 = corners
        self.end: Float64 = np.roll(corners, -1, axis=0)
        along_left_or_top = low & np.roll(low, -1, axis=0)
        along_right_or_bottom = high & np.roll(high, -1, axis=0)
        self.real = ~(along_left_or_top | along_right_or_bottom).any(axis=1)
        """Which sides are a border that somebody can pass."""
        way = self.end - self.start
        self.narrow = abs(_area(corners)) / float(np.hypot(way[:, 0], way[:, 1]).sum())


def _area(corners: Float64) -> float:
    """Signed, by the shoelace formula."""
    x, y = corners[:, 0], corners[:, 1]
    return float((x * np.roll(y, -1) - np.roll(x, -1) * y).sum() / 2)
