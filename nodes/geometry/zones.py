"""Zones: polygons in the picture, and the signed distances of points from their borders.

A corner close to the border of the picture is moved onto that border. A side that runs along the border of the picture
does not count as a border of the zone: nobody can be seen beyond it, so a person who leaves the picture there was
inside the zone until the end.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from metrica.nodes.geometry.arrays import Float64
from metrica.nodes.geometry.segments import Point, segments_intersect

_AT_BORDER = 0.02
"""A corner within this fraction of the picture's width or height of its border is treated as lying on the border."""
FAR = 1e6
"""Depth, pixels, of every point in a zone that has no border inside the picture."""


@dataclass(frozen=True, slots=True)
class Zone:
    """A named polygon.

    Raises ValueError if it has fewer than three corners, a corner that is not finite, sides that intersect, or no area.
    """

    name: str
    """Name of the zone, unique for its camera."""
    corners: tuple[Point, ...]
    """Corners in order, once around in either direction, pixels."""

    def __post_init__(self) -> None:
        if len(self.corners) < 3:
            raise ValueError(f"zone '{self.name}' has {len(self.corners)} corners: a zone needs at least three")
        if not all(math.isfinite(v) for corner in self.corners for v in corner):
            raise ValueError(f"zone '{self.name}' has a coordinate that is not a number")
        if intersecting := self._intersecting_sides():
            first, second = intersecting
            raise ValueError(
                f"zone '{self.name}' crosses itself: its sides {first + 1} and {second + 1} meet. "
                "Give the corners in order, once around"
            )
        if abs(_signed_area(np.array(self.corners))) < 1.0:
            raise ValueError(f"zone '{self.name}' has no area: its corners lie on one line")

    def _intersecting_sides(self) -> tuple[int, int] | None:
        """The numbers of two intersecting sides that are not neighbours, or None. Side i starts at corner i."""
        n = len(self.corners)
        sides = [(self.corners[i], self.corners[(i + 1) % n]) for i in range(n)]
        for i in range(n):
            for j in range(i + 2, n):
                if (j + 1) % n != i and segments_intersect(*sides[i], *sides[j]):
                    return i, j
        return None


class ZoneSet:
    """The zones of one camera, for computing where N points lie relative to all Z of them in one call."""

    def __init__(self, zones: Sequence[Zone]) -> None:
        """Raises ValueError if two zones have the same name."""
        names = [zone.name for zone in zones]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"two zones are called '{name}': give each zone its own name")
        self.names = tuple(names)
        """Names of the zones, in the order in which they were given."""
        self._zones = tuple(zones)
        self._frame_size = (0, 0)
        self._polygons: list[_Polygon] = []

    def __len__(self) -> int:
        return len(self.names)

    def depth(self, points: Float64, frame_size: tuple[int, int]) -> Float64:
        """Signed distances of points [N, 2] from the border of each zone, [N, Z] pixels, positive inside.

        A point outside the picture is first moved to the nearest point of the picture. The depth is `FAR` in a zone
        that has no border inside the picture.
        """
        self._prepare(frame_size)
        inside = np.clip(points, 0.0, np.array(frame_size, np.float64))
        x, y = inside[:, :1], inside[:, 1:]
        # Even-odd rule: a ray from an inner point to the right crosses the sides of a polygon an odd number of times.
        crossed = (self._start[1] > y) != (self._end[1] > y)
        crossed &= x < self._start[0] + (y - self._start[1]) * self._x_per_y
        odd = np.add.reduceat(crossed, self._first_side, axis=1, dtype=np.int64) % 2
        # Distance to the nearest point of each side, which lies at `share` of the way from its start to its end.
        offset_x, offset_y = x - self._start[0], y - self._start[1]
        share = (offset_x * self._vector[0] + offset_y * self._vector[1]) * self._per_square
        np.minimum(np.maximum(share, 0.0, out=share), 1.0, out=share)
        offset_x -= share * self._vector[0]
        offset_y -= share * self._vector[1]
        distance = np.sqrt(offset_x * offset_x + offset_y * offset_y)
        distance += self._excluded
        return np.asarray(np.minimum.reduceat(distance, self._first_side, axis=1).clip(max=FAR) * (2 * odd - 1))

    def half_widths(self, frame_size: tuple[int, int]) -> Float64:
        """Typical half width of each zone, [Z] pixels: its area divided by its perimeter.

        For a strip much longer than wide, that is half the width of the strip.
        """
        self._prepare(frame_size)
        return np.array([polygon.half_width for polygon in self._polygons])

    def _prepare(self, frame_size: tuple[int, int]) -> None:
        """Put the S sides of all polygons into arrays [2, S], so that the cost of a frame hardly depends on Z."""
        if frame_size == self._frame_size and self._polygons:
            return
        self._frame_size = frame_size
        self._polygons = [_Polygon(zone, frame_size) for zone in self._zones]
        self._start: Float64 = np.concatenate([p.start for p in self._polygons]).T.copy()
        self._end: Float64 = np.concatenate([p.end for p in self._polygons]).T.copy()
        self._first_side = np.cumsum([0, *(len(p.start) for p in self._polygons[:-1])])
        """Number of the first side of each zone, [Z]."""
        self._vector = self._end - self._start
        """From the start of each side to its end."""
        horizontal = self._vector[1] == 0
        self._x_per_y: Float64 = np.where(horizontal, 0.0, self._vector[0] / np.where(horizontal, 1.0, self._vector[1]))
        """How much x changes per pixel of y along each side, [S]; 0 for a horizontal one, which no ray crosses."""
        self._per_square: Float64 = 1 / np.maximum((self._vector**2).sum(axis=0), 1e-12)
        """One over the squared length of each side, [S]."""
        self._excluded: Float64 = np.where(np.concatenate([p.is_border for p in self._polygons]), 0.0, FAR)
        """What is added to the distance from each side, [S]: `FAR` for the sides that do not count as a border."""


class _Polygon:
    """One zone in a picture of a given size; `start` and `end` are the two ends of its sides, [S, 2] pixels."""

    def __init__(self, zone: Zone, frame_size: tuple[int, int]) -> None:
        size = np.array(frame_size, np.float64)
        corners = np.array(zone.corners, np.float64)
        # To one pixel outside the picture: a point that was clipped to the picture is then inside, not on the side.
        low, high = corners <= _AT_BORDER * size, corners >= (1 - _AT_BORDER) * size
        corners = np.where(low, np.minimum(corners, -1.0), np.where(high, np.maximum(corners, size + 1.0), corners))
        self.start: Float64 = corners
        self.end: Float64 = np.roll(corners, -1, axis=0)
        along_left_or_top = low & np.roll(low, -1, axis=0)
        along_right_or_bottom = high & np.roll(high, -1, axis=0)
        self.is_border = ~(along_left_or_top | along_right_or_bottom).any(axis=1)
        """Which sides count as a border, [S]: all but those along the border of the picture."""
        vector = self.end - self.start
        self.half_width = abs(_signed_area(corners)) / float(np.hypot(vector[:, 0], vector[:, 1]).sum())
        """Area divided by perimeter, pixels."""


def _signed_area(corners: Float64) -> float:
    """Area of a polygon by the shoelace formula; its sign tells in which direction the corners go around."""
    x, y = corners[:, 0], corners[:, 1]
    return float((x * np.roll(y, -1) - np.roll(x, -1) * y).sum() / 2)
