"""Overlap and assignment: the fast functions give what their definitions give, pair by pair."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from metrica.nodes.geometry.arrays import Float64
from metrica.nodes.geometry.association import HeightModulatedIou, assign, iou, unmatched

Box = tuple[float, float, float, float]
coordinates = st.integers(-50, 150).map(float) | st.floats(-50, 150)  # whole numbers make boxes that touch
sizes = st.integers(1, 100).map(float) | st.floats(0.5, 100)
boxes = st.builds(lambda x, y, w, h: (x, y, x + w, y + h), coordinates, coordinates, sizes, sizes)
several_boxes = st.lists(boxes, max_size=5)


def plain_iou(a: Box, b: Box) -> float:
    """Intersection over union, as it is defined."""
    width = max(0.0, min(a[2], b[2]) - max(a[0], b[0]))
    height = max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    intersection = width * height
    area_a, area_b = (a[2] - a[0]) * (a[3] - a[1]), (b[2] - b[0]) * (b[3] - b[1])
    return intersection / (area_a + area_b - intersection)


def enlarged(box: Box, margin: float) -> Box:
    return (box[0] - margin, box[1] - margin, box[2] + margin, box[3] + margin)


def plain_height_iou(a: Box, b: Box) -> float:
    """Intersection over union of the vertical extents."""
    intersection = max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    return intersection / ((a[3] - a[1]) + (b[3] - b[1]) - intersection)


def array(listed: list[Box]) -> Float64:
    return np.array(listed, np.float64).reshape(-1, 4)


def matrix(rows: list[list[float]], columns: int) -> Float64:
    return np.array(rows, np.float64).reshape(len(rows), columns)


@settings(deadline=None)
@given(several_boxes, several_boxes)
def test_iou_is_that_of_each_pair(a: list[Box], b: list[Box]) -> None:
    expected = matrix([[plain_iou(p, q) for q in b] for p in a], len(b))
    np.testing.assert_allclose(iou(array(a), array(b)), expected, atol=1e-9)


@settings(deadline=None)
@given(st.lists(st.tuples(boxes, st.floats(0, 40)), max_size=5), several_boxes)
def test_buffered_iou_is_that_of_the_enlarged_boxes(a: list[tuple[Box, float]], b: list[Box]) -> None:
    expected = matrix([[plain_iou(enlarged(p, margin), enlarged(q, margin)) for q in b] for p, margin in a], len(b))
    found = iou(array([p for p, _ in a]), array(b), np.array([margin for _, margin in a], np.float64))
    np.testing.assert_allclose(found, expected, atol=1e-9)


@settings(deadline=None)
@given(st.lists(st.tuples(several_boxes, several_boxes), min_size=1, max_size=3))
def test_height_modulated_iou_is_iou_times_that_of_the_heights(calls: list[tuple[list[Box], list[Box]]]) -> None:
    height_modulated_iou = HeightModulatedIou()
    expected = [matrix([[plain_iou(p, q) * plain_height_iou(p, q) for q in b] for p in a], len(b)) for a, b in calls]
    found = [height_modulated_iou(array(a), array(b)) for a, b in calls]
    # Compared after the last call: the memory is used again, but never for what has been returned.
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-9)


def test_overlap_of_boxes() -> None:
    a = np.array([[0.0, 0.0, 10.0, 10.0]])
    b = np.array([[0.0, 0.0, 10.0, 10.0], [5.0, 0.0, 15.0, 10.0], [10.0, 0.0, 20.0, 10.0], [50.0, 50.0, 60.0, 60.0]])
    np.testing.assert_allclose(iou(a, b), [[1.0, 1 / 3, 0.0, 0.0]])


def test_a_margin_compares_boxes_that_do_not_touch() -> None:
    a, b = np.array([[0.0, 0.0, 10.0, 10.0]]), np.array([[12.0, 0.0, 22.0, 10.0]])
    assert iou(a, b)[0, 0] == 0
    np.testing.assert_allclose(iou(a, b, np.array([5.0])), [[8 * 20 / (2 * 400 - 8 * 20)]])


def test_boxes_without_area_overlap_nothing() -> None:
    point = np.array([[3.0, 3.0, 3.0, 3.0]])
    assert iou(point, point).tolist() == [[0.0]]
    assert HeightModulatedIou()(point, point).tolist() == [[0.0]]


def test_overlap_of_nothing_is_empty() -> None:
    assert iou(np.zeros((0, 4)), np.zeros((3, 4))).shape == (0, 3)
    assert assign(np.zeros((0, 3)), 0.2)[0].size == 0


def greatest_gain(similarity: Float64, least: float) -> float:
    """The greatest total gain of any one-to-one assignment, by trying them all."""
    gain = np.maximum(similarity - least, 0.0)
    if gain.shape[0] > gain.shape[1]:
        gain = gain.T
    rows, columns = gain.shape
    return max(sum(gain[i, j] for i, j in enumerate(p)) for p in itertools.permutations(range(columns), rows))


# Many equal values and zeros: pairs that have only each other, ties, and rows that nothing suits.
similarities = st.sampled_from([0.0, 0.1, 0.3, 0.5, 0.9]) | st.floats(0, 1)


@settings(deadline=None)
@given(arrays(np.float64, st.tuples(st.integers(1, 5), st.integers(1, 5)), elements=similarities), st.floats(0, 0.9))
def test_no_assignment_has_a_greater_gain(similarity: Float64, least: float) -> None:
    rows, columns = assign(similarity, least)
    assert (similarity[rows, columns] > least).all()
    assert len(set(rows.tolist())) == len(rows) and len(set(columns.tolist())) == len(columns)
    found = (similarity[rows, columns] - least).sum()
    np.testing.assert_allclose(found, greatest_gain(similarity, least), atol=1e-12)


@settings(deadline=None)
@given(st.integers(0, 8), st.data())
def test_unmatched_are_the_numbers_that_are_not_matched(count: int, data: st.DataObject) -> None:
    matched = data.draw(st.lists(st.integers(0, count - 1), unique=True) if count else st.just([]))
    assert unmatched(count, np.array(matched, np.intp)).tolist() == [i for i in range(count) if i not in matched]
