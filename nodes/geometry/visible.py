"""How much of a line or of a zone lies inside a picture."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from metrica.nodes.geometry.segments import Point

_INSIDE = 1e-6
"""Pixels. What lies on the border of the picture itself is outside: nobody can be seen on its other side."""


def visible_share_of_line(points: Sequence[Point], size: tuple[int, int]) -> float:
    """How much of the length of a line lies inside a picture, from 0 to 1.

    points: two or more, pixels. size: width and height, pixels.
    """
    parts = list(pairwise(points))
    whole = sum(math.dist(a, b) for a, b in parts)
    return sum(math.dist(a, b) * _clipped(a, b, size) for a, b in parts) / whole if whole else 0.0


def visible_share_of_zone(corners: Sequence[Point], size: tuple[int, int]) -> float:
    """How much of the area of a zone lies inside a picture, from 0 to 1.

    corners: three or more, in order around it, pixels. size: width and height, pixels.
    """
    whole = _area(corners)
    left = list(corners)
    # Sutherland and Hodgman 1974: cut off what is beyond each border, one after the other.
    for axis, limit, sign in ((0, 0.0, 1), (0, float(size[0]), -1), (1, 0.0, 1), (1, float(size[1]), -1)):
        left = _cut(left, axis, limit, sign)
    return min(1.0, _area(left) / whole) if whole else 0.0


def _clipped(a: Point, b: Point, size: tuple[int, int]) -> float:
    """The share of the segment ab inside the picture (Liang and Barsky 1984)."""
    begin, end = 0.0, 1.0
    for axis in (0, 1):
        low, high = _INSIDE, size[axis] - _INSIDE
        step = b[axis] - a[axis]
        if step == 0:
            if not low <= a[axis] <= high:
                return 0.0
            continue
        enters, leaves = sorted(((low - a[axis]) / step, (high - a[axis]) / step))
        begin, end = max(begin, enters), min(end, leaves)
    return max(0.0, end - begin)


def _cut(corners: list[Point], axis: int, limit: float, sign: int) -> list[Point]:
    kept: list[Point] = []
    for a, b in zip(corners, corners[1:] + corners[:1], strict=True):
        a_in, b_in = sign * (a[axis] - limit) >= 0, sign * (b[axis] - limit) >= 0
        if a_in:
            kept.append(a)
        if a_in != b_in:
            share = (limit - a[axis]) / (b[axis] - a[axis])
            kept.append((a[0] + share * (b[0] - a[0]), a[1] + share * (b[1] - a[1])))
    return kept


def _area(corners: Sequence[Point]) -> float:
    return abs(sum(a[0] * b[1] - a[1] * b[0] for a, b in zip(corners, [*corners[1:], *corners[:1]], strict=True))) / 2
