"""Signed distances of lines and zones: the fast functions against plain ones that take one point at a time."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from metrica.nodes.geometry.arrays import Float64
from metrica.nodes.geometry.lines import Line, LineSet
from metrica.nodes.geometry.polyline import Polyline
from metrica.nodes.geometry.segments import Point
from metrica.nodes.geometry.zones import FAR, Zone, ZoneSet

FRAME = (100, 80)

# On a coarse grid: points on the line, beside its bends and equally far from two of its segments all come up.
points = st.tuples(st.integers(-10, 110).map(float), st.integers(-10, 90).map(float))


@st.composite
def lines(draw: st.DrawFn, largest: int = 5) -> Line:
    """A line of two to `largest` points that is not refused."""
    try:
        return Line("line", *draw(st.lists(points, min_size=2, max_size=largest)))
    except ValueError:
        assume(False)
        raise


@st.composite
def zones(draw: st.DrawFn) -> Zone:
    """A zone of three to five corners that is not refused."""
    try:
        return Zone("zone", tuple(draw(st.lists(points, min_size=3, max_size=5))))
    except ValueError:
        assume(False)
        raise


def cross(a: Point, b: Point) -> float:
    return a[0] * b[1] - a[1] * b[0]


def minus(a: Point, b: Point) -> Point:
    return (a[0] - b[0], a[1] - b[1])


def segment_distance(point: Point, a: Point, b: Point, *, before: bool = False, after: bool = False) -> float:
    """Distance from the segment ab, extended straight `before` a or `after` b."""
    along, offset = minus(b, a), minus(point, a)
    share = (along[0] * offset[0] + along[1] * offset[1]) / (along[0] ** 2 + along[1] ** 2)
    share = max(share, -math.inf if before else 0.0)
    share = min(share, math.inf if after else 1.0)
    return math.dist(point, (a[0] + share * along[0], a[1] + share * along[1]))


def plain_distances(point: Point, line: Line) -> set[float]:
    """The signed distance from a line; two values where two segments are equally near and on different sides.

    The side is that of the nearest segment. Where the nearest point is a bend, it is the outer side of the bend.
    """
    segments = list(pairwise(line.points))
    last = len(segments) - 1
    distances = [segment_distance(point, *s, before=i == 0, after=i == last) for i, s in enumerate(segments)]
    found = set()
    for i, (a, b) in enumerate(segments):
        if distances[i] > min(distances) + 1e-9:
            continue
        along, offset = minus(b, a), minus(point, a)
        share = (along[0] * offset[0] + along[1] * offset[1]) / (along[0] ** 2 + along[1] ** 2)
        right_of = cross(along, offset)
        if share < 0 and i > 0:
            right_of = -cross(minus(a, segments[i - 1][0]), along) or right_of
        elif share > 1 and i < last:
            right_of = -cross(along, minus(segments[i + 1][1], b)) or right_of
        found.add(math.copysign(distances[i], right_of))
    return found


@settings(deadline=None)
@given(lines(), st.lists(points, min_size=1, max_size=6))
def test_the_distance_from_a_polyline_is_that_from_its_nearest_segment(line: Line, at: list[Point]) -> None:
    polyline = Polyline(line.points)
    found = polyline.distances(np.array(at, np.float64).T)
    for point, distance in zip(at, found.tolist(), strict=True):
        assert any(distance == pytest.approx(plain, abs=1e-9) for plain in plain_distances(point, line))
        assert polyline.distance(point) == pytest.approx(distance, abs=1e-9)
        assert math.dist(polyline.nearest_point(point).point, point) == pytest.approx(abs(distance), abs=1e-9)


@settings(deadline=None)
@given(st.lists(lines(3), max_size=4), st.lists(st.lists(points, min_size=1, max_size=5), min_size=1, max_size=3))
def test_the_distances_from_several_lines_are_those_from_each(
    given_lines: list[Line], frames: list[list[Point]]
) -> None:
    several = LineSet([Line(str(i), *line.points) for i, line in enumerate(given_lines)])
    for at in frames:  # of different length: what is kept for the last number of points must not be used for another
        array = np.array(at, np.float64).T
        expected = [Polyline(line.points).distances(array) for line in given_lines]
        assert several.distances(array).shape == (len(given_lines), len(at))
        if given_lines:
            np.testing.assert_allclose(several.distances(array), expected, atol=1e-9)


def snapped(corner: Point) -> Point:
    """A corner within a fiftieth of the picture of its border lies one pixel outside."""
    return (snapped_to(corner[0], FRAME[0]), snapped_to(corner[1], FRAME[1]))


def snapped_to(at: float, size: int) -> float:
    if at <= 0.02 * size:
        return min(at, -1.0)
    return max(at, size + 1.0) if at >= 0.98 * size else at


def along_border(a: Point, b: Point) -> bool:
    """Whether a side runs along the border of the picture, or outside of it."""
    return any((p < 0 and q < 0) or (p > size and q > size) for p, q, size in zip(a, b, FRAME, strict=True))


def plain_depth(point: Point, zone: Zone) -> float:
    point = (min(max(point[0], 0.0), FRAME[0]), min(max(point[1], 0.0), FRAME[1]))
    corners = [snapped(corner) for corner in zone.corners]
    sides = list(pairwise([*corners, corners[0]]))
    crossed = [
        (a[1] > point[1]) != (b[1] > point[1]) and point[0] < a[0] + (point[1] - a[1]) * (b[0] - a[0]) / (b[1] - a[1])
        for a, b in sides
    ]
    borders = [segment_distance(point, *side) for side in sides if not along_border(*side)]
    depth = min(borders, default=FAR)
    return depth if sum(crossed) % 2 else -depth


@settings(deadline=None)
@given(st.lists(zones(), min_size=1, max_size=3), st.lists(points, min_size=1, max_size=6))
def test_the_depth_in_several_zones_is_that_in_each(given_zones: list[Zone], at: list[Point]) -> None:
    array: Float64 = np.array(at, np.float64)
    found = ZoneSet([Zone(str(i), zone.corners) for i, zone in enumerate(given_zones)]).depth(array, FRAME)
    expected = [[plain_depth(point, zone) for zone in given_zones] for point in at]
    np.testing.assert_allclose(found, expected, atol=1e-6)
