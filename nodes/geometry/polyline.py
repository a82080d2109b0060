"""The polyline of one counting line: signed distances, nearest points and intersections.

A line may bend at its inner points. For distances and sides it is extended straight beyond both ends; `extends_to` says
whether a position along it still belongs to the line itself.
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
"""An end within this fraction of the picture's width or height of its border is treated as lying on the border."""
_TOLERANCE = 1e-9
"""Rounding error allowed for an intersection at the end of a segment, as a fraction of the length."""


class NearestPoint(NamedTuple):
    """The point of a line that is nearest to some other point."""

    along: float
    """Position along the line: 0 at its start, 1 at its end; below 0 or above 1 on its straight extensions."""
    point: Point
    """The point itself, pixels."""
    normal: Point
    """Unit vector at right angles to the line there, pointing to the IN side."""

    def speed_across(self, velocity: Sequence[float]) -> float:
        """The component of a velocity (vx, vy) along the normal: positive for a movement towards the IN side."""
        return self.normal[0] * velocity[0] + self.normal[1] * velocity[1]

    def distance_to_border(self, side: int, frame_size: tuple[int, int]) -> float:
        """Distance from this point along the normal to the border of the picture, pixels.

        side: 1 to look towards the IN side, -1 towards the OUT side. Infinite if the point lies outside the picture
        on that side.
        """
        (x, y), (dx, dy) = self.point, self.normal
        if side < 0:
            dx, dy = -dx, -dy
        to_border_x = ((frame_size[0] if dx > 0 else 0) - x) / dx if dx else math.inf
        to_border_y = ((frame_size[1] if dy > 0 else 0) - y) / dy if dy else math.inf
        distance = min(to_border_x, to_border_y)
        return distance if distance > 0 else math.inf


class _Segment(NamedTuple):
    """One straight segment of a polyline."""

    start: Point
    """First point, pixels."""
    direction: Point
    """Unit vector from the first point to the last."""
    normal: Point
    """Unit vector towards the IN side."""
    length_before: float
    """Total length of the segments before this one, pixels."""
    lowest: float
    """Smallest position on the segment, pixels from its start: 0, or minus infinity for the first segment."""
    highest: float
    """Largest position on the segment, pixels from its start: its length, or infinity for the last segment."""

    def nearest(self, point: Point) -> tuple[float, Point]:
        """The nearest point of the segment: its position, pixels from the start, and its coordinates."""
        (x, y), (dx, dy) = self.start, self.direction
        position = min(max((point[0] - x) * dx + (point[1] - y) * dy, self.lowest), self.highest)
        return position, (x + position * dx, y + position * dy)


class Polyline:
    """One line through two or more points, pixels; S is the number of its straight segments."""

    def __init__(self, points: Sequence[Point]) -> None:
        lengths = [math.dist(a, b) for a, b in pairwise(points)]
        self.length = sum(lengths)
        """Length of the line, pixels."""
        self._ends = (points[0], points[-1])
        last = len(lengths) - 1
        self._segments = [
            _Segment(
                start=(float(a[0]), float(a[1])),
                direction=((b[0] - a[0]) / length, (b[1] - a[1]) / length),
                normal=((a[1] - b[1]) / length, (b[0] - a[0]) / length),
                length_before=length_before,
                lowest=0.0 if i else -math.inf,
                highest=math.inf if i == last else length,
            )
            for i, ((a, b), length, length_before) in enumerate(
                zip(pairwise(points), lengths, accumulate(lengths, initial=0.0), strict=False)
            )
        ]
        self._start: Float64 = np.array([s.start for s in self._segments])
        self._direction: Float64 = np.array([s.direction for s in self._segments])
        self._lowest: Float64 = np.array([s.lowest for s in self._segments])
        self._highest: Float64 = np.array([s.highest for s in self._segments])
        normal = np.stack((-self._direction[:, 1], self._direction[:, 0]), axis=1)
        # At a bend, the sum of the two normals gives the side: on the outside of a corner, the nearest point is the
        # bend itself, and the normal of one segment alone can give the wrong side.
        bend = normal[:-1] + normal[1:]
        before, after = np.vstack((normal[:1], bend)), np.vstack((bend, normal[-1:]))
        self._normals: Float64 = np.stack((before, normal, after), axis=1)
        """Normals that give the side before, beside and after each segment, [S, 3, 2]; not all of unit length."""

    def distances(self, points: Float64) -> Float64:
        """Signed distances of points [2, N] from the line, [N] pixels, positive on the IN side."""
        offset = points.T[:, None, :] - self._start
        position = (offset * self._direction).sum(axis=2)
        clipped = np.clip(position, self._lowest, self._highest)
        from_nearest = offset - clipped[:, :, None] * self._direction
        squares = (from_nearest**2).sum(axis=2)
        segment = squares.argmin(axis=1)
        row = np.arange(len(offset))
        where = np.sign(position - clipped).astype(np.intp)[row, segment] + 1  # 0 before the segment, 1 beside, 2 after
        side = (from_nearest[row, segment] * self._normals[segment, where]).sum(axis=1)
        return np.asarray(np.copysign(np.sqrt(squares[row, segment]), side))

    def distance(self, point: Point) -> float:
        """Signed distance of one point, pixels, positive on the IN side."""
        if len(self._segments) == 1:
            ((x, y), (dx, dy), *_) = self._segments[0]
            return (point[1] - y) * dx - (point[0] - x) * dy
        return float(self.distances(np.array(point, np.float64)[:, None])[0])

    def nearest_point(self, point: Point) -> NearestPoint:
        """The point of the line, with its extensions, that is nearest to `point`."""
        if len(self._segments) == 1:
            segment = self._segments[0]
            position, nearest = segment.nearest(point)
        else:
            candidates = [(segment, *segment.nearest(point)) for segment in self._segments]
            segment, position, nearest = min(candidates, key=lambda candidate: math.dist(point, candidate[2]))
        return NearestPoint((segment.length_before + position) / self.length, nearest, segment.normal)

    def intersection(
        self, before: Point, distance_before: float, after: Point, distance_after: float
    ) -> tuple[float, float]:
        """Where a step from `before` to `after`, two points on different sides, crosses the line.

        The distances are the signed distances of the two points. Returns the position on the step (0 at `before`, 1 at
        `after`) and the position along the line as in `NearestPoint.along`.
        """
        if len(self._segments) > 1 and (found := self._segment_intersection(before, after)):
            return found
        share = distance_before / (distance_before - distance_after)
        at = (before[0] + share * (after[0] - before[0]), before[1] + share * (after[1] - before[1]))
        return share, self.nearest_point(at).along

    def _segment_intersection(self, before: Point, after: Point) -> tuple[float, float] | None:
        """The first intersection of the step with a segment, as from `intersection`; None if there is none."""
        step_x, step_y = after[0] - before[0], after[1] - before[1]
        found: list[tuple[float, float]] = []
        for segment in self._segments:
            (x, y), (dx, dy) = segment.start, segment.direction
            cross = step_y * dx - step_x * dy
            if cross == 0:
                continue  # parallel
            offset_x, offset_y = x - before[0], y - before[1]
            share = (offset_y * dx - offset_x * dy) / cross
            position = (offset_y * step_x - offset_x * step_y) / cross
            margin = _TOLERANCE * self.length
            on_step = -_TOLERANCE <= share <= 1 + _TOLERANCE
            if on_step and segment.lowest - margin <= position <= segment.highest + margin:
                found.append((min(max(share, 0.0), 1.0), (segment.length_before + position) / self.length))
        return min(found, default=None)

    def extends_to(self, along: float, frame_size: tuple[int, int]) -> bool:
        """Whether a position along the line (as in `NearestPoint.along`) belongs to the line.

        It does from 0 to 1. Beyond an end that lies at the border of the picture it does too: a person who walks along
        that border has the feet outside the picture, beyond the end of any line drawn in it.
        """
        if 0.0 <= along <= 1.0:
            return True
        return _at_border(self._ends[0] if along < 0 else self._ends[1], frame_size)


def _at_border(point: Point, frame_size: tuple[int, int]) -> bool:
    return any(
        at <= _AT_BORDER * size or at >= (1 - _AT_BORDER) * size for at, size in zip(point, frame_size, strict=True)
    )
