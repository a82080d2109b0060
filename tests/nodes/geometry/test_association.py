"""Overlap and assignment, against definitions written out."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from metrica.nodes.geometry.arrays import Float64
from metrica.nodes.geometry.association import HeightModulatedIou, assign, iou, others


def test_overlap_of_boxes() -> None:
    a = np.array([[0.0, 0.0, 10.0, 10.0]])
    b = np.array([[0.0, 0.0, 10.0, 10.0], [5.0, 0.0, 15.0, 10.0], [10.0, 0.0, 20.0, 10.0], [50.0, 50.0, 60.0, 60.0]])
    np.testing.assert_allclose(iou(a, b), [[1.0, 1 / 3, 0.0, 0.0]])


def test_reach_compares_boxes_that_do_not_touch() -> None:
    a, b = np.array([[0.0, 0.0, 10.0, 10.0]]), np.array([[12.0, 0.0, 22.0, 10.0]])
    assert iou(a, b)[0, 0] == 0
    np.testing.assert_allclose(iou(a, b, np.array([5.0])), [[8 * 20 / (2 * 400 - 8 * 20)]])


def test_upright_overlap_is_overlap_times_that_of_the_heights() -> None:
    rng, upright_iou = np.random.default_rng(0), HeightModulatedIou()
    for rows, columns in ((1, 2), (30, 20), (3, 0), (2, 5)):  # also after larger ones and of nothing
        a, b = (np.cumsum(rng.uniform(0, 50, (n, 2, 2)), axis=1).reshape(n, 4) for n in (rows, columns))
        common = np.minimum(a[:, 3, None], b[:, 3]) - np.maximum(a[:, 1, None], b[:, 1])
        heights = (a[:, 3] - a[:, 1])[:, None] + (b[:, 3] - b[:, 1])
        expected = iou(a, b) * np.maximum(common, 0) / (heights - common)
        found = upright_iou(a, b)
        np.testing.assert_allclose(found, expected)
        upright_iou(b, a)
        np.testing.assert_allclose(found, expected)  # what was given out is not its memory


def test_overlap_of_nothing_is_empty() -> None:
    assert iou(np.zeros((0, 4)), np.zeros((3, 4))).shape == (0, 3)
    assert assign(np.zeros((0, 3)), 0.2)[0].size == 0


def best_by_trying(gain: Float64) -> float:
    rows, columns = gain.shape
    if rows > columns:
        return best_by_trying(gain.T)
    return max(sum(gain[i, j] for i, j in enumerate(p)) for p in itertools.permutations(range(columns), rows))


@given(arrays(np.float64, st.tuples(st.integers(1, 4), st.integers(1, 4)), elements=st.floats(0, 1)))
def test_no_assignment_is_better(similarity: Float64) -> None:
    rows, columns = assign(similarity, 0.3)
    assert (similarity[rows, columns] > 0.3).all()
    assert len(set(rows.tolist())) == len(rows) and len(set(columns.tolist())) == len(columns)
    found = (similarity[rows, columns] - 0.3).sum()
    np.testing.assert_allclose(found, best_by_trying(np.maximum(similarity - 0.3, 0.0)), atol=1e-12)


def test_others_are_those_not_taken() -> None:
    assert others(5, np.array([3, 0], np.intp)).tolist() == [1, 2, 4]
