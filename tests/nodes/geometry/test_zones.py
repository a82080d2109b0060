"""Zones: the depth of points in them, and which polygons are refused."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metrica.nodes.geometry.zones import FAR, Zone, ZoneSet

SIZE = (1280, 720)
SQUARE = Zone("queue", ((200.0, 200.0), (600.0, 200.0), (600.0, 600.0), (200.0, 600.0)))
L_SHAPE = Zone("shop", ((100, 100), (900, 100), (900, 300), (300, 300), (300, 600), (100, 600)))


def depth(zone: Zone, *points: tuple[float, float], size: tuple[int, int] = SIZE) -> list[float]:
    return [float(v) for v in ZoneSet([zone]).depth(np.array(points, np.float64), size)[:, 0]]


def test_depth_is_the_distance_to_the_border_positive_inside() -> None:
    assert depth(SQUARE, (400, 400), (210, 400), (190, 400), (400, 700), (630, 640)) == [200, 10, -10, -100, -50]


def test_a_zone_may_have_a_notch() -> None:
    inside = depth(L_SHAPE, (200, 500), (800, 200), (600, 450))
    assert [d > 0 for d in inside] == [True, True, False]
    assert inside[2] == -150


@settings(deadline=None)
@given(
    turn=st.integers(0, 3),
    flip=st.booleans(),
    x=st.floats(0, 1280),
    y=st.floats(0, 720),
)
def test_where_the_corners_begin_and_which_way_round_they_go_changes_nothing(
    turn: int, flip: bool, x: float, y: float
) -> None:
    corners = L_SHAPE.corners[turn:] + L_SHAPE.corners[:turn]
    other = Zone("shop", corners[::-1] if flip else corners)
    assert depth(other, (x, y)) == pytest.approx(depth(L_SHAPE, (x, y)))


@settings(deadline=None)
@given(angle=st.floats(0, 2 * math.pi), radius=st.floats(0, 140))
def test_depth_in_a_polygon_of_many_corners_is_nearly_that_in_a_circle(angle: float, radius: float) -> None:
    circle = Zone("round", tuple((640 + 100 * math.cos(a), 360 + 100 * math.sin(a)) for a in np.linspace(0, 6.2, 63)))
    point = (640 + radius * math.cos(angle), 360 + radius * math.sin(angle))
    assert depth(circle, point)[0] == pytest.approx(100 - radius, abs=0.5)


def test_a_zone_over_the_whole_picture_has_no_border_and_holds_whoever_leaves_the_picture() -> None:
    whole = Zone("room", ((0, 0), (1280, 0), (1275, 720), (3, 718)))
    assert depth(whole, (640, 360), (0, 0), (1280, 720), (640, 900), (-30, 100)) == [FAR] * 5


def test_a_side_along_the_border_of_the_picture_is_no_border_of_the_zone() -> None:
    left = Zone("left", ((0, 0), (400, 0), (400, 720), (0, 720)))
    assert depth(left, (5, 715), (390, 2), (-50, 360), (450, 800)) == [395, 10, 400, -50]


def test_half_the_width_of_a_narrow_zone() -> None:
    strip = Zone("strip", ((100, 300), (900, 300), (900, 340), (100, 340)))
    square_half, strip_half = ZoneSet([SQUARE, strip]).half_widths(SIZE)
    assert square_half == 100  # area over perimeter: for a square, a quarter of its side
    assert 15 < strip_half < 20


@pytest.mark.parametrize(
    ("corners", "words"),
    [
        (((0, 0), (10, 0)), "has 2 corners: a zone needs at least three"),
        (((0, 0), (10, 10), (10, 0), (0, 10)), "crosses itself: its sides 1 and 3 meet"),
        (((0, 0), (10, 0), (20, 0)), "has no area"),
        (((0, 0), (10, 0), (math.nan, 5)), "a coordinate that is not a number"),
    ],
)
def test_what_is_no_area_is_refused(corners: tuple[tuple[float, float], ...], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Zone("queue", corners)


def test_two_zones_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="two zones are called 'queue'"):
        ZoneSet([SQUARE, SQUARE])
