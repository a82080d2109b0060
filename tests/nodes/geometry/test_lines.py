"""Lines: sides, distances, and which lines are refused."""

from __future__ import annotations

import numpy as np
import pytest

from metrica.nodes.geometry.lines import Line, LineSet

FRAME = (1280, 720)


def test_the_right_of_a_line_is_positive() -> None:
    lines = LineSet([Line("up", (600, 432), (600, 0)), Line("right", (0, 100), (200, 100))])
    points = [(650.0, 216.0), (550.0, 432.0)]
    np.testing.assert_allclose(lines.distances(np.array(points).T), [[50, -50], [116, 332]])
    assert [[lines[i].distance(p) for i in range(2)] for p in points] == [[50, 116], [-50, 332]]
    assert [[lines[i].nearest_point(p).along for i in range(2)] for p in points] == [[0.5, 3.25], [0.0, 2.75]]


def test_distance_does_not_depend_on_the_length_of_a_line() -> None:
    lines = LineSet([Line("short", (0, 0), (3, 4)), Line("long", (0, 0), (300, 400))])
    np.testing.assert_allclose(lines.distances(np.array([[100.0], [0.0]])), [[-80.0], [-80.0]])


def test_the_picture_ends_at_its_border_on_both_sides_of_a_line() -> None:
    lines = LineSet([Line("up", (600, 720), (600, 0)), Line("slope", (0, 0), (720, 720))])
    nearest = [lines[0].nearest_point((600, 360)), lines[1].nearest_point((360, 360))]
    left, right = ([n.distance_to_border(side, FRAME) for n in nearest] for side in (-1, 1))
    assert left == pytest.approx([600, 360 * np.sqrt(2)])  # the left of the slope is up
    assert right == pytest.approx([680, 360 * np.sqrt(2)])


def test_a_line_that_ends_at_the_border_is_extended_beyond_it() -> None:
    line = LineSet([Line("up", (600, 719), (600, 300))])[0]
    assert line.extends_to(-0.5, FRAME)
    assert line.extends_to(1.0, FRAME)
    assert not line.extends_to(1.01, FRAME)


def test_a_line_of_one_point_is_refused() -> None:
    with pytest.raises(ValueError, match=r"line 'door' starts and ends at the same point \(5, 6\): give two different"):
        Line("door", (5, 6), (5, 6))
    with pytest.raises(ValueError, match="a coordinate that is not a number"):
        Line("door", (5, 6), (float("nan"), 6))


def test_two_lines_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="two lines are called 'a'"):
        LineSet([Line("a", (0, 0), (1, 1)), Line("a", (0, 0), (1, 2))])
