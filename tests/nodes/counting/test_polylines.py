"""Lines that bend: where points lie relative to them, and who is counted."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metrica.nodes.geometry.lines import Line, LineSet
from tests.nodes.counting.scenes import Scene, at, directions, play

FRAME = (1280, 720)
ROUND_A_DOOR = Line("door", (500, 0), (500, 200), (800, 200), (800, 0))
"""Around the mat of a door at the top of the picture; the shop, outside of it, is the IN side."""
H = 100.0

places = st.tuples(st.floats(-200, 1500), st.floats(-200, 900))


def test_sides_and_distances_beside_parts_and_around_corners() -> None:
    lines = LineSet([ROUND_A_DOOR])
    points = [(650.0, 150.0), (650.0, 260.0), (400.0, 100.0), (830.0, 240.0), (650.0, -5000.0), (470.0, -5000.0)]
    expected = [-50.0, 60.0, 100.0, 50.0, -150.0, 30.0]
    np.testing.assert_allclose(lines.distances(np.array(points).T)[0], expected)
    assert [lines[0].distance(p) for p in points] == pytest.approx(expected)


def test_along_runs_over_the_whole_length() -> None:
    polyline = LineSet([ROUND_A_DOOR])[0]
    alongs = [polyline.nearest_point(p).along for p in [(500, 0), (450, 100), (650, 230), (810, 0), (810, -70)]]
    assert alongs == pytest.approx([0, 1 / 7, 0.5, 1, 1.1])


@settings(max_examples=60, deadline=None)
@given(st.lists(places, min_size=1, max_size=5), st.floats(0.05, 0.95), places, places)
def test_an_extra_point_on_a_straight_line_changes_nothing(
    points: list[tuple[float, float]], part: float, a: tuple[float, float], b: tuple[float, float]
) -> None:
    if np.hypot(a[0] - b[0], a[1] - b[1]) < 20:
        return
    middle = (a[0] + part * (b[0] - a[0]), a[1] + part * (b[1] - a[1]))
    try:
        bent = Line("bent", a, middle, b)
    except ValueError:  # the rounded middle lies a hair beside the line, and folds it
        return
    straight, other = LineSet([Line("straight", a, b)]), LineSet([bent])
    here = np.array(points).T
    np.testing.assert_allclose(other.distances(here), straight.distances(here), atol=1e-3)
    for point in points:
        assert other[0].nearest_point(point).along == pytest.approx(straight[0].nearest_point(point).along, abs=1e-3)
        assert other[0].nearest_point(point).normal == pytest.approx(straight[0].nearest_point(point).normal, abs=1e-3)


@settings(max_examples=60, deadline=None)
@given(places, places)
def test_whoever_changes_sides_has_gone_through_the_line_or_its_continuation(
    before: tuple[float, float], now: tuple[float, float]
) -> None:
    zigzag = LineSet([Line("zigzag", (300, 720), (500, 400), (450, 250), (700, 0))])[0]
    sides = zigzag.distance(before), zigzag.distance(now)
    if (sides[0] >= 0) == (sides[1] >= 0):
        return
    part, along = zigzag.intersection(before, sides[0], now, sides[1])
    at = (before[0] + part * (now[0] - before[0]), before[1] + part * (now[1] - before[1]))
    assert 0 <= part <= 1
    assert abs(zigzag.distance(at)) < 1e-6
    assert zigzag.nearest_point(at).along == pytest.approx(along, abs=1e-6)


@pytest.mark.parametrize("fps", [2, 5, 15, 30])
@pytest.mark.parametrize("way", [(0, 1), (1, 0), (-1, 0), (1, 1)])
def test_who_comes_out_of_a_door_and_goes_any_way_is_counted_once(fps: float, way: tuple[float, float]) -> None:
    speed = 90 / np.hypot(*way)
    out: Scene = lambda t: [(1, 650 + way[0] * speed * t, 110 + way[1] * speed * t, H)]  # noqa: E731
    back: Scene = lambda t: [(1, 650 + way[0] * speed * (5 - t), 110 + way[1] * speed * (5 - t), H)]  # noqa: E731
    assert directions(play(out, 5, fps, lines=[ROUND_A_DOOR])) == ["in"]
    assert directions(play(back, 5, fps, lines=[ROUND_A_DOOR])) == ["out"]


def test_the_time_is_that_of_the_part_that_was_passed() -> None:
    down: Scene = lambda t: [(1, 650, 110 + 90 * t, H)]  # noqa: E731
    (passage,) = play(down, 4, 5, lines=[ROUND_A_DOOR])
    assert at(passage) == pytest.approx(1.0, abs=0.03)


def test_walking_past_outside_along_all_parts_counts_nothing() -> None:
    corners = np.array([(440, 60), (440, 280), (860, 280), (860, 60)], np.float64)

    def past(t: float) -> list[tuple[int, float, float, float]]:
        x, y = (float(np.interp(t, (0, 3, 8, 11), corners[:, axis])) for axis in (0, 1))
        return [(1, x, y, H)]

    assert play(past, 11, lines=[ROUND_A_DOOR]) == []


def test_standing_on_a_corner_counts_nothing() -> None:
    noise = np.random.default_rng(0).normal(0, 4, (1801, 2))
    stand: Scene = lambda t: [(1, 500 + noise[round(t * 15), 0], 200 + noise[round(t * 15), 1], H)]  # noqa: E731
    assert play(stand, 120, lines=[ROUND_A_DOOR]) == []


def test_walking_round_the_end_of_a_bent_line_counts_nothing() -> None:
    hook = Line("hook", (640, 600), (640, 400), (800, 400))
    beyond: Scene = lambda t: [(1, 500 + 90 * t, 690, H)]  # noqa: E731
    through: Scene = lambda t: [(1, 500 + 90 * t, 500, H)]  # noqa: E731
    assert play(beyond, 4, lines=[hook]) == []
    assert directions(play(through, 4, lines=[hook])) == ["in"]


@pytest.mark.parametrize(
    ("numbers", "words"),
    [
        ([1, 2], "line 'door' has 2 numbers: give x and y of two or more points"),
        ([1, 2, 3, 4, 5], "line 'door' has 5 numbers: give x and y of two or more points"),
        ([0, 0, 9, 9, 0, 0], r"starts and ends at the same point \(0, 0\)"),
        ([0, 0, 9, 9, 9, 9, 20, 0], r"has the point \(9, 9\) twice in a row: give it once"),
        ([0, 0, 100, 0, 50, 0], r"turns back over itself at \(100, 0\): leave that point out"),
        ([0, 0, 100, 0, 100, 50, 50, -50], "crosses itself: its parts 1 and 3 meet. Give the points in order"),
    ],
)
def test_an_invalid_line_is_explained(numbers: list[int], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Line.of("door", numbers)
