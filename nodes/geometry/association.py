"""Association of boxes with tracks: the overlap of every pair of boxes, and the best one-to-one assignment."""

from __future__ import annotations

import numpy as np
from scipy.optimize import linear_sum_assignment

from metrica.nodes.geometry.arrays import Float64, Index

_NOT_ZERO = 1e-9
"""Smallest union, square pixels: the overlap of two boxes without area is 0, not a division by zero."""


def iou(a: Float64, b: Float64, margin: Float64 | None = None) -> Float64:
    """Intersection over union of every pair of boxes a [N, 4] and b [M, 4] (x1, y1, x2, y2), [N, M], from 0 to 1.

    margin [N], pixels: both boxes of a pair are first enlarged on each side by the margin of the box of `a`, so that
    boxes which are near each other but do not overlap can still be compared. This is the buffered IoU (BIoU) of Yang
    et al., "Hard to Track Objects with Irregular Motions and Similar Appearances?", WACV 2023.
    """
    # Coordinate by coordinate and in place: with 200 people, each of these arrays has 40,000 numbers.
    width = np.minimum(a[:, 2, None], b[:, 2])
    width -= np.maximum(a[:, 0, None], b[:, 0])
    height = np.minimum(a[:, 3, None], b[:, 3])
    height -= np.maximum(a[:, 1, None], b[:, 1])
    size_a, size_b = a[:, 2:] - a[:, :2], b[:, 2:] - b[:, :2]
    if margin is None:
        union = (size_a[:, 0] * size_a[:, 1])[:, None] + size_b[:, 0] * size_b[:, 1]
    else:
        growth = 2 * margin[:, None]
        width += growth
        height += growth
        size_a = size_a + growth
        union = (size_a[:, 0] * size_a[:, 1])[:, None] + (size_b[:, 0] + growth) * (size_b[:, 1] + growth)
    intersection = np.maximum(width, 0.0, out=width)
    intersection *= np.maximum(height, 0.0, out=height)
    union -= intersection
    np.maximum(union, _NOT_ZERO, out=union)
    return np.asarray(np.divide(intersection, union, out=intersection))


class HeightModulatedIou:
    """Height-modulated IoU (HMIoU): the IoU of two boxes times the IoU of their vertical extents (HIoU).

    Two people who stand close to each other overlap, but their heads and feet are rarely at the same heights.
    Yang et al., "Hybrid-SORT: Weak Cues Matter for Online Multi-Object Tracking", AAAI 2024.

    The object reuses the memory that it computes in: with 200 people, allocating it anew for each call takes longer
    than the arithmetic. The arrays that it returns are the caller's own.
    """

    def __init__(self) -> None:
        self._memory: Float64 = np.empty((4, 0))

    def __call__(self, a: Float64, b: Float64) -> Float64:
        """HMIoU of every pair of boxes a [N, 4] and b [M, 4] (x1, y1, x2, y2), [N, M], from 0 to 1."""
        pairs = len(a) * len(b)
        if self._memory.shape[1] < pairs:
            self._memory = np.empty((4, 2 * pairs))
        # height_union first holds intermediate results, and at the end the denominator; intersection the numerator.
        intersection, height_intersection, height_union, union = self._memory[:, :pairs].reshape(4, len(a), len(b))
        width = np.minimum(a[:, 2, None], b[:, 2], out=intersection)
        width -= np.maximum(a[:, 0, None], b[:, 0], out=height_union)
        np.maximum(width, 0.0, out=width)
        np.minimum(a[:, 3, None], b[:, 3], out=height_intersection)
        height_intersection -= np.maximum(a[:, 1, None], b[:, 1], out=height_union)
        np.maximum(height_intersection, 0.0, out=height_intersection)
        size_a, size_b = a[:, 2:] - a[:, :2], b[:, 2:] - b[:, :2]
        np.add(size_a[:, 1, None], size_b[:, 1], out=height_union)
        height_union -= height_intersection
        intersection *= height_intersection
        np.add((size_a[:, 0] * size_a[:, 1])[:, None], size_b[:, 0] * size_b[:, 1], out=union)
        union -= intersection
        # One division for both: (intersection * height_intersection) / (union * height_union).
        intersection *= height_intersection
        union *= height_union
        np.maximum(union, _NOT_ZERO, out=union)
        return np.asarray(intersection / union)


def assign(similarity: Float64, least: float) -> tuple[Index, Index]:
    """The one-to-one assignment of rows to columns of a similarity matrix [N, M] with the greatest total gain.

    The gain of a pair is its similarity minus `least`; pairs without a gain are not made. So the result may have fewer
    pairs than possible, if their total gain is greater. Returns the rows and the columns of the pairs, in no particular
    order. It is the assignment that lapjv finds with a cost limit, as used by the original ByteTrack.
    """
    rows, columns = np.nonzero(similarity > least)
    if not rows.size:
        return rows, columns
    # A row and a column that have only each other need no solver; in most frames nearly all pairs are of this kind.
    per_row, per_column = np.bincount(rows), np.bincount(columns)
    alone = (per_row[rows] == 1) & (per_column[columns] == 1)
    if np.count_nonzero(alone) == alone.size:
        return rows, columns
    contested = ~alone
    open_rows, open_columns = np.bincount(rows[contested]).nonzero()[0], np.bincount(columns[contested]).nonzero()[0]
    gain = np.maximum(similarity[open_rows[:, None], open_columns] - least, 0.0)
    row, column = linear_sum_assignment(gain, maximize=True)
    useful = gain[row, column] > 0
    return (
        np.concatenate((rows[alone], open_rows[row[useful]])),
        np.concatenate((columns[alone], open_columns[column[useful]])),
    )


def unmatched(count: int, matched: Index) -> Index:
    """The numbers from 0 to count - 1 that are not in `matched`, in ascending order."""
    free = np.ones(count, np.bool_)
    free[matched] = False
    return free.nonzero()[0]
