"""Which box belongs to which track: overlap of all with all, and the assignment that makes the most of it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment

from metrica.nodes.tracker import Float64

Index = npt.NDArray[np.intp]


def iou(a: Float64, b: Float64, reach: Float64 | None = None) -> Float64:
    """Intersection over union of boxes a [N, 4] and b [M, 4] (x1, y1, x2, y2), [N, M].

    `reach` [N], pixels: how far every pair is blown up on each side first, by the uncertainty of box i of a.
    That is the buffered IoU of Yang et al. (C-BIoU, 2023): boxes that moved too far to overlap still compare.
    """
    a, b = a[:, None, :], b[None, :, :]
    upper = np.minimum(a[..., 2:], b[..., 2:])
    lower = np.maximum(a[..., :2], b[..., :2])
    size_a, size_b = a[..., 2:] - a[..., :2], b[..., 2:] - b[..., :2]
    overlap = upper - lower
    if reach is not None:
        grow = 2 * reach[:, None, None]
        overlap = overlap + grow
        size_a, size_b = size_a + grow, size_b + grow
    np.maximum(overlap, 0.0, out=overlap)
    common = overlap[..., 0] * overlap[..., 1]
    union = size_a[..., 0] * size_a[..., 1] + size_b[..., 0] * size_b[..., 1] - common
    return np.asarray(common / np.maximum(union, 1e-9))


def assign(similarity: Float64, least: float) -> tuple[Index, Index]:
    """The pairs (rows, columns) of a similarity matrix [N, M] that together exceed `least` by the most.

    No pair at or below `least` is made, and no better pair is given up to make one more (this is the assignment
    that lapjv finds with a cost limit, as the original ByteTrack uses it).
    """
    gain = np.maximum(similarity - least, 0.0)
    possible = gain > 0
    per_row, per_column = possible.sum(axis=1), possible.sum(axis=0)
    # Two that have only each other need no solver; in most frames that is nearly everybody.
    alone = possible & (per_row == 1)[:, None] & (per_column == 1)[None, :]
    rows, columns = np.nonzero(alone)
    taken_row, taken_column = alone.any(axis=1), alone.any(axis=0)
    open_rows = np.flatnonzero((per_row > 0) & ~taken_row)
    open_columns = np.flatnonzero((per_column > 0) & ~taken_column)
    if open_rows.size and open_columns.size:
        rest = gain[np.ix_(open_rows, open_columns)]
        r, c = linear_sum_assignment(rest, maximize=True)
        made = rest[r, c] > 0
        rows = np.concatenate((rows, open_rows[r[made]]))
        columns = np.concatenate((columns, open_columns[c[made]]))
    return rows, columns


def others(count: int, taken: Index) -> Index:
    """The indices from 0 to count - 1 that are not taken, in order."""
    free = np.ones(count, np.bool_)
    free[taken] = False
    return np.flatnonzero(free)
