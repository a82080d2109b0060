"""The polyline of one line: how far from it, how far along it, and how much of the picture lies beside it.

A line may bend at its inner points. Beyond its ends it goes on straight, as far as sides are concerned; whether
somebody went through the line itself is asked with `reaches`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import NamedTuple

import numpy as np

from metrica.nodes.geometry.arrays import Float64
from metrica.nodes.geometry.segments import Point

_AT_BORDER = 0.02
"""An end of a line nearer to the border of the picture than this part of the picture is meant to reach it."""
_ON_IT = 1e-9
"""How exactly two ways that touch are found to meet, in parts of them."""


class Spot(NamedTuple):
    """The place of a line that is nearest to a point."""

    along: float
    """How far along the line, 0 at its start and 1 at its end; below 0 and above 1 beyond them."""
    at: Point
    right: Point
    """The direction of the IN side there, of length 1."""

    def speed(self, velocity: Sequence[float]) -> float:
        """That part of a velocity that goes across the line, positive towards the IN side."""
        return self.right[0] * velocity[0] + self.right[1] * velocity[1]

    def room(self, side: int, frame_size: tuple[int, int]) -> float:
        """How far the picture goes on at right angles to the line, on its IN side (1) or OUT side (-1), pixels.

        Infinite where the line runs outside the picture.
        """
        (x, y), (ahead_x, ahead_y) = self.at, self.right
        if side < 0:
            ahead_x, ahead_y = -ahead_x, -ahead_y
        room_x = ((frame_size[0] if ahead_x > 0 else 0) - x) / ahead_x if ahead_x else math.inf
        room_y = ((frame_size[1] if ahead_y > 0 else 0) - y) / ahead_y if ahead_y else math.inf
        room = min(room_x, room_y)
        return room if room > 0 else math.inf


class _Part(NamedTuple):
    """A straight part of a line."""

    start: Point
    way: Point
    """The direction, of length 1, and"""
    right: Point
    """that of its IN side."""
    before: float
    """The length of the parts before it, pixels."""
    lowest: float
    """Where on the part a nearest place can be, pixels from its start: minus infinity for the first part of a line,"""
    highest: float
    """and infinity for the last one."""

    def nearest(self, point: Point) -> tuple[float, Point]:
        """How many pixels from its start the place nearest to a point is, and where."""
        (x, y), (dx, dy) = self.start, self.way
        along = min(max((point[0] - x) * dx + (point[1] - y) * dy, self.lowest), self.highest)
        return along, (x + along * dx, y + along * dy)


class Polyline:
    """One line through these points, pixels."""

    def __init__(self, points: Sequence[Point]) -> None:
        lengths = [math.dist(a, b) for a, b in pairwise(points)]
        self.length = sum(lengths)
        self._ends = (points[0], points[-1])
        last = len(lengths) - 1
        self._parts = [
            _Part(
                start=(float(a[0]), float(a[1])),
                way=((b[0] - a[0]) / length, (b[1] - a[1]) / length),
                right=((a[1] - b[1]) / length, (b[0] - a[0]) / length),
                before=before,
                lowest=0.0 if i else -math.inf,
                highest=math.inf if i == last else length,
            )
            for i, ((a, b), length, before) in enumerate(
                zip(pairwise(points), lengths, accumulate(lengths, initial=0.0), strict=False)
            )
        ]
        self._start: Float64 = np.array([p.start for p in self._parts])
        self._way: Float64 = np.array([p.way for p in self._parts])
        self._lowest: Float64 = np.array([p.lowest for p in self._parts])
        self._highest: Float64 = np.array([p.highest for p in self._parts])
        right = np.stack((-self._way[:, 1], self._way[:, 0]), axis=1)
        # At a bend the side is that of both parts together: each alone can be wrong about a point outside the corner.
        bend = right[:-1] + right[1:]
        self._right: Float64 = np.stack((np.vstack((right[:1], bend)), right, np.vstack((bend, right[-1:]))), axis=1)

    def distances(self, points: Float64) -> Float64:
        """Of points [2, N] the distance, [N] pixels, positive on the IN side."""
        offset = points.T[:, None, :] - self._start
        along = (offset * self._way).sum(axis=2)
        at = np.clip(along, self._lowest, self._highest)
        away = offset - at[:, :, None] * self._way
        squares = (away**2).sum(axis=2)
        nearest = squares.argmin(axis=1)
        row = np.arange(len(offset))
        where = np.sign(along - at).astype(np.intp)[row, nearest] + 1  # before the part, beside it, after it
        side = (away[row, nearest] * self._right[nearest, where]).sum(axis=1)
        return np.asarray(np.copysign(np.sqrt(squares[row, nearest]), side))

    def distance(self, point: Point) -> float:
        """The distance of one point."""
        if len(self._parts) == 1:
            ((x, y), (dx, dy), *_) = self._parts[0]
            return (point[1] - y) * dx - (point[0] - x) * dy
        return float(self.distances(np.array(point, np.float64)[:, None])[0])

    def spot(self, point: Point) -> Spot:
        """The nearest place of the line."""
        if len(self._parts) == 1:
            part = self._parts[0]
            along, at = part.nearest(point)
        else:
            spots = [(part, *part.nearest(point)) for part in self._parts]
            part, along, at = min(spots, key=lambda spot: math.dist(point, spot[2]))
        return Spot((part.before + along) / self.length, at, part.right)

    def passed(self, before: Point, distance_before: float, now: Point, distance: float) -> tuple[float, float]:
        """Where somebody who changed sides between two points did so: the part of the way, and how far along.

        The distances are those of the two points.
        """
        if len(self._parts) > 1 and (through := self._through(before, now)):
            return through
        part = distance_before / (distance_before - distance)
        at = (before[0] + part * (now[0] - before[0]), before[1] + part * (now[1] - before[1]))
        return part, self.spot(at).along

    def _through(self, before: Point, now: Point) -> tuple[float, float] | None:
        """Where the straight way between two points goes through the line: the part of the way, and how far along.

        None if it does not.
        """
        wx, wy = now[0] - before[0], now[1] - before[1]
        found: list[tuple[float, float]] = []
        for part in self._parts:
            (x, y), (dx, dy) = part.start, part.way
            against = wy * dx - wx * dy
            if against == 0:
                continue
            ox, oy = x - before[0], y - before[1]
            share, along = (oy * dx - ox * dy) / against, (oy * wx - ox * wy) / against
            near = _ON_IT * self.length
            if -_ON_IT <= share <= 1 + _ON_IT and part.lowest - near <= along <= part.highest + near:
                found.append((min(max(share, 0.0), 1.0), (part.before + along) / self.length))
        return min(found, default=None)

    def reaches(self, along: float, frame_size: tuple[int, int]) -> bool:
        """Whether a line goes through a place `along` it: from 0 to 1, and on from an end at the picture's border.

        Who walks along the border has the feet outside the picture, beyond the end of every line that is drawn in it.
        """
        if 0.0 <= along <= 1.0:
            return True
        return _at_border(self._ends[0] if along < 0 else self._ends[1], frame_size)


def _at_border(point: Point, frame_size: tuple[int, int]) -> bool:
    return any(
        at <= _AT_BORDER * size or at >= (1 - _AT_BORDER) * size for at, size in zip(point, frame_size, strict=True)
    )
