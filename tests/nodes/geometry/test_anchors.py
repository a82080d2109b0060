"""Anchors and remembered sizes: examples, and the fast functions against plain ones that take one person at a time."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from metrica.nodes.geometry.anchors import BELOW_CENTRE, anchors, cut_sides, remember_size
from metrica.nodes.geometry.arrays import Float64

FRAME = (1280, 720)
Box = tuple[float, float, float, float]
Size = tuple[float, float]
Sides = tuple[bool, bool, bool, bool]
"""Left, top, right, bottom."""


def columns(*rows: tuple[float, ...]) -> Float64:
    """Coordinates first, as the geometry has them."""
    return np.array(rows, np.float64).T


def plain_cut_sides(box: Box) -> Sides:
    """A side is cut within a hundredth of the picture's width or height of its border, or beyond it."""
    x1, y1, x2, y2 = box
    width, height = FRAME
    return (x1 <= 0.01 * width, y1 <= 0.01 * height, x2 >= width - 0.01 * width, y2 >= height - 0.01 * height)


def plain_size(known: float, seen: float, is_cut: bool, seconds: float) -> float:
    """One number, width or height, of one person."""
    if is_cut:
        return max(known, seen)
    time_constant = 0.3 if seen > known else 0.5
    return known + (seen - known) * seconds / (seconds + time_constant)


def plain_anchor(box: Box, size: Size, cut: Sides, below_centre: float) -> tuple[float, float]:
    """The anchor of one person: the weighted mean of what both ends of the box say of the centre."""
    (x1, y1, x2, y2), (width, height) = box, size
    left, top, right, bottom = cut
    left_weight = 0.5 if left == right else 0.0 if left else 1.0
    if top != bottom:
        top_weight = 0.0 if top else 1.0
    else:
        missing = 0.9 * height - (y2 - y1)
        top_weight = 0.5 + min(max(missing / (0.3 * height), 0.0), 0.5)
    x = left_weight * (x1 + width / 2) + (1 - left_weight) * (x2 - width / 2)
    y = top_weight * (y1 + height / 2) + (1 - top_weight) * (y2 - height / 2)
    return x, y + below_centre * height


def at_least(smallest: float, largest: float) -> st.SearchStrategy[float]:
    return st.floats(smallest, largest, allow_subnormal=False)


lengths = at_least(5, 500)
boxes = st.builds(
    lambda x, y, w, h: (x, y, x + w, y + h),
    at_least(-20, 1290) | st.sampled_from([0.0, 12.8, 12.9]),
    at_least(-20, 730) | st.sampled_from([0.0, 7.2, 7.3]),
    lengths | st.sampled_from([1280.0]),  # cut on both sides
    lengths | st.sampled_from([720.0]),
)
sizes = st.tuples(lengths, lengths)


@settings(deadline=None)
@given(st.lists(boxes, max_size=4))
def test_cut_sides_are_those_of_each_box(seen: list[Box]) -> None:
    expected = [plain_cut_sides(box) for box in seen]
    found = cut_sides(np.array(seen, np.float64).reshape(-1, 4).T, FRAME)
    if found is None:
        assert not any(any(sides) for sides in expected)
    else:
        assert [tuple(sides) for sides in found.T.tolist()] == expected


@settings(deadline=None)
@given(st.lists(st.tuples(sizes, boxes, at_least(0.001, 10)), min_size=1, max_size=4), st.booleans())
def test_the_remembered_size_is_that_of_each_person(people: list[tuple[Size, Box, float]], one_step: bool) -> None:
    known, seen, seconds = (list(values) for values in zip(*people, strict=True))
    if one_step:
        seconds = [seconds[0]] * len(people)
    corners, before = columns(*seen), columns(*known)
    found = remember_size(
        before, corners[2:] - corners[:2], cut_sides(corners, FRAME), seconds[0] if one_step else np.array(seconds)
    )
    for person, ((width, height), box, step) in enumerate(zip(known, seen, seconds, strict=True)):
        left, top, right, bottom = plain_cut_sides(box)
        expected = (
            plain_size(width, box[2] - box[0], left or right, step),
            plain_size(height, box[3] - box[1], top or bottom, step),
        )
        np.testing.assert_allclose(found[:, person], expected, rtol=1e-9)
    assert (before == columns(*known)).all()  # the arguments are not changed in place


@settings(deadline=None)
@given(st.lists(st.tuples(boxes, sizes), min_size=1, max_size=4), st.sampled_from(sorted(BELOW_CENTRE.values())))
def test_the_anchor_is_that_of_each_person(people: list[tuple[Box, Size]], below_centre: float) -> None:
    seen, known = (list(values) for values in zip(*people, strict=True))
    corners, size = columns(*seen), columns(*known)
    found = anchors(corners, size, cut_sides(corners, FRAME), below_centre)
    expected = [plain_anchor(b, s, plain_cut_sides(b), below_centre) for b, s in zip(seen, known, strict=True)]
    np.testing.assert_allclose(found.T, expected, rtol=1e-9, atol=1e-6)
    assert (corners == columns(*seen)).all() and (size == columns(*known)).all()


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
