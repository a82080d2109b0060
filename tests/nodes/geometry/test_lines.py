"""Lines, sides and anchors: the arithmetic under the counting rule."""

from __future__ import annotations

import numpy as np
import pytest

from metrica.nodes.geometry.anchors import anchors, cut_sides, remember_size
from metrica.nodes.geometry.arrays import Float64
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


def test_the_room_beside_a_line_ends_at_the_border() -> None:
    lines = LineSet([Line("up", (600, 720), (600, 0)), Line("slope", (0, 0), (720, 720))])
    nearest = [lines[0].nearest_point((600, 360)), lines[1].nearest_point((360, 360))]
    assert [s.distance_to_border(-1, FRAME) for s in nearest] == pytest.approx(
        [600, 360 * np.sqrt(2)]
    )  # the slope's left is up
    assert [s.distance_to_border(1, FRAME) for s in nearest] == pytest.approx([680, 360 * np.sqrt(2)])


def test_a_line_that_reaches_the_border_goes_on_behind_it() -> None:
    line = LineSet([Line("up", (600, 719), (600, 300))])[0]
    assert line.extends_to(-0.5, FRAME)
    assert line.extends_to(1.0, FRAME)
    assert not line.extends_to(1.01, FRAME)


def test_a_line_of_one_point_is_none() -> None:
    with pytest.raises(ValueError, match=r"line 'door' starts and ends at the same point \(5, 6\): give two different"):
        Line("door", (5, 6), (5, 6))
    with pytest.raises(ValueError, match="a coordinate that is not a number"):
        Line("door", (5, 6), (float("nan"), 6))


def test_two_lines_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="two lines are called 'a'"):
        LineSet([Line("a", (0, 0), (1, 1)), Line("a", (0, 0), (1, 2))])


def columns(*rows: tuple[float, ...]) -> Float64:
    """Coordinates first, as the geometry has them."""
    return np.array(rows, np.float64).T


def test_anchors_of_a_whole_person() -> None:
    boxes, size = columns((100, 200, 180, 400)), columns((80, 200))
    assert cut_sides(boxes, FRAME) is None
    assert anchors(boxes, size, None, 0.5).T.tolist() == [[140, 400]]
    assert anchors(boxes, size, None, 0.0).T.tolist() == [[140, 300]]
    assert anchors(boxes, size, None, -0.5).T.tolist() == [[140, 200]]


def test_feet_under_the_border_are_where_the_height_puts_them() -> None:
    boxes = columns((100, 600, 180, 720))
    cut = cut_sides(boxes, FRAME)
    assert cut is not None
    assert cut.T.tolist() == [[False, False, False, True]]
    assert anchors(boxes, columns((80, 200)), cut, 0.5).T.tolist() == [[140, 800]]


def test_a_middle_beyond_the_border_is_where_the_width_puts_it() -> None:
    boxes = columns((1250, 300, 1280, 500), (0, 300, 30, 500))
    at = anchors(boxes, columns((80, 200), (80, 200)), cut_sides(boxes, FRAME), 0.0)
    assert at.T.tolist() == [[1290, 400], [-10, 400]]


def test_in_a_box_that_is_much_too_short_the_head_decides() -> None:
    boxes = columns((100, 200, 180, 320), (300, 200, 380, 400))
    assert anchors(boxes, columns((80, 200), (80, 200)), None, 0.5).T.tolist() == [[140, 400], [340, 400]]


def test_a_border_makes_nobody_smaller() -> None:
    size, seen = columns((80, 200)), columns((80, 120))
    cut = cut_sides(columns((100, 600, 180, 720)), FRAME)
    assert remember_size(size, seen, cut, 1.0).T.tolist() == [[80, 200]]
    assert remember_size(size, columns((80, 100)), None, 0.5).T.tolist() == [[80, 150]]


def test_a_person_grows_faster_than_they_shrink() -> None:
    seconds = np.array([0.3, 0.3])
    size = remember_size(columns((80, 200), (80, 200)), columns((80, 220), (80, 180)), None, seconds)
    np.testing.assert_allclose(size.T, [[80, 210], [80, 200 - 20 * 0.3 / 0.8]])
