"""Which box belongs to which track: overlap of all with all, and the assignment that makes the most of it."""

from __future__ import annotations

import numpy as np
from scipy.optimize import linear_sum_assignment

from metrica.nodes.geometry.arrays import Float64, Index


def iou(a: Float64, b: Float64, reach: Float64 | None = None) -> Float64:
    """Intersection over union of boxes a [N, 4] and b [M, 4] (x1, y1, x2, y2), [N, M].

    `reach` [N], pixels: how far every pair is blown up on each side first, by the uncertainty of box i of a.
    That is the buffered IoU of Yang et al. (C-BIoU, 2023): boxes that moved too far to overlap still compare.
    """
    # Coordinate by coordinate and in place: with 200 people each of these arrays has 40,000 numbers.
    width = np.minimum(a[:, 2, None], b[:, 2])
    width -= np.maximum(a[:, 0, None], b[:, 0])
    height = np.minimum(a[:, 3, None], b[:, 3])
    height -= np.maximum(a[:, 1, None], b[:, 1])
    size_a, size_b = a[:, 2:] - a[:, :2], b[:, 2:] - b[:, :2]
    if reach is None:
        union = (size_a[:, 0] * size_a[:, 1])[:, None] + size_b[:, 0] * size_b[:, 1]
    else:
        grow = 2 * reach[:, None]
        width += grow
        height += grow
        size_a = size_a + grow
        union = (size_a[:, 0] * size_a[:, 1])[:, None] + (size_b[:, 0] + grow) * (size_b[:, 1] + grow)
    common = np.maximum(width, 0.0, out=width)
    common *= np.maximum(height, 0.0, out=height)
    union -= common
    np.maximum(union, 1e-9, out=union)
    return np.asarray(np.divide(common, union, out=common))


class HeightModulatedIou:
    """`iou` times the intersection over union of the boxes' vertical extents alone.

    Two people who stand close overlap, but their feet and their heads seldom are equally high: this is the
    height-modulated IoU of Yang et al. (Hybrid-SORT, AAAI 2024). An object keeps the memory that it works in: with 200
    people, fetching it from the system each time costs more than the arithmetic.
    """

    def __init__(self) -> None:
        self._memory: Float64 = np.empty((4, 0))

    def __call__(self, a: Float64, b: Float64) -> Float64:
        """Of boxes a [N, 4] and b [M, 4] (x1, y1, x2, y2), [N, M]."""
        size = len(a) * len(b)
        if self._memory.shape[1] < size:
            self._memory = np.empty((4, 2 * size))
        width, height, both, union = self._memory[:, :size].reshape(4, len(a), len(b))
        np.minimum(a[:, 2, None], b[:, 2], out=width)
        width -= np.maximum(a[:, 0, None], b[:, 0], out=both)
        np.maximum(width, 0.0, out=width)
        np.minimum(a[:, 3, None], b[:, 3], out=height)
        height -= np.maximum(a[:, 1, None], b[:, 1], out=both)
        np.maximum(height, 0.0, out=height)
        size_a, size_b = a[:, 2:] - a[:, :2], b[:, 2:] - b[:, :2]
        np.add(size_a[:, 1, None], size_b[:, 1], out=both)
        both -= height
        width *= height
        np.add((size_a[:, 0] * size_a[:, 1])[:, None], size_b[:, 0] * size_b[:, 1], out=union)
        union -= width
        # Both fractions in one: (width * height / union) * (height / both).
        width *= height
        union *= both
        np.maximum(union, 1e-9, out=union)
        return np.asarray(width / union)


def assign(similarity: Float64, least: float) -> tuple[Index, Index]:
    """The pairs (rows, columns) of a similarity matrix [N, M] that together exceed `least` by the most.

    No pair at or below `least` is made, and no better pair is given up to make one more (this is the assignment
    that lapjv finds with a cost limit, as the original ByteTrack uses it).
    """
    rows, columns = np.nonzero(similarity > least)
    if not rows.size:
        return rows, columns
    # Two that have only each other need no solver; in most frames that is nearly everybody.
    per_row, per_column = np.bincount(rows), np.bincount(columns)
    alone = (per_row[rows] == 1) & (per_column[columns] == 1)
    if np.count_nonzero(alone) == alone.size:
        return rows, columns
    contested = ~alone
    open_rows, open_columns = np.bincount(rows[contested]).nonzero()[0], np.bincount(columns[contested]).nonzero()[0]
    rest = np.maximum(similarity[open_rows[:, None], open_columns] - least, 0.0)
    r, c = linear_sum_assignment(rest, maximize=True)
    made = rest[r, c] > 0
    return (
        np.concatenate((rows[alone], open_rows[r[made]])),
        np.concatenate((columns[alone], open_columns[c[made]])),
    )


def others(count: int, taken: Index) -> Index:
    """The indices from 0 to count - 1 that are not taken, in order."""
    free = np.ones(count, np.bool_)
    free[taken] = False
    return free.nonzero()[0]
