"""The anchor of a person: the point of the box that stands for them, also while a part of the person is not visible.

Arrays have the coordinates first: corners (x1, y1, x2, y2) [4, N], points (x, y) and sizes (w, h) [2, N], pixels. Each
row is then contiguous in memory, which halves the cost for a few dozen people.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

import numpy as np

from metrica.nodes.geometry.arrays import Bool, Float64

Anchor = Literal["bottom_center", "center", "top_center"]
"""Which point of a box stands for the person."""

BELOW_CENTRE: dict[str, float] = {"bottom_center": 0.5, "center": 0.0, "top_center": -0.5}
"""How far below the centre of a box each anchor lies, in box heights."""

_BORDER = 0.01
"""A side of a box within this fraction of the picture's width or height of its border is treated as cut off by it."""
_GROWS = 0.3
"""Time constant, seconds, with which the remembered size follows a box that grows."""
_SHRINKS = 0.5
"""Time constant, seconds, with which it follows a box that shrinks. Slower, because a box that shrinks at once is
usually that of a person whom something has partly hidden."""
_WHOLE = 0.9
"""A box shorter than this fraction of the remembered height is too short: a part of the person is hidden."""
_HIDDEN = 0.3
"""How fast the upper end of a too short box gains weight: the weight is 0.5 + missing / (_HIDDEN * height), at most 1,
where `missing` is what the height of the box lacks to _WHOLE * height."""


# Constants as arrays, and borders repeated for each box: with a few dozen people, most of the time goes into starting
# the array operations, and numpy starts one with a Python number, or with arrays of two shapes, twice as slowly.
_HALF: Float64 = np.array(0.5)
_ZERO: Float64 = np.array(0.0)
_WHOLE_ARRAY: Float64 = np.array(_WHOLE)


def cut_sides(corners: Float64, frame_size: tuple[int, int]) -> Bool | None:
    """Which sides (left, top, right, bottom) of each box are cut off by the border of the picture, [4, N].

    corners: [4, N]; frame_size: width and height of the picture. None instead of an array without any True.
    """
    outward, limits = _limits(frame_size, corners.shape[1])
    cut = corners * outward <= limits
    return cut if np.count_nonzero(cut) else None


@lru_cache(maxsize=64)
def _limits(frame_size: tuple[int, int], count: int) -> tuple[Float64, Float64]:
    """Signs and limits, both [4, N]: a side is cut if its coordinate times the sign does not exceed the limit.

    The signs (1 for left and top, -1 for right and bottom) make one comparison do for all four sides.
    """
    size = np.array(frame_size, np.float64)
    limits = np.concatenate((_BORDER * size, _BORDER * size - size))
    return np.repeat([[1.0], [1.0], [-1.0], [-1.0]], count, axis=1), np.repeat(limits[:, None], count, axis=1)


def remember_size(size: Float64, seen: Float64, cut: Bool | None, seconds: Float64 | float) -> Float64:
    """Update the remembered sizes (w, h) of whole people with the sizes of their boxes, [2, N].

    size: remembered until now, [2, N]; seen: of the boxes, [2, N]; cut: from `cut_sides`; seconds: since the last
    update, one number or [N]. The size follows with a time constant that is shorter for growing than for shrinking.
    Where the border of the picture cuts the box, its width or height can only grow, and does so at once.
    """
    change = seen - size
    # Two steps of first-order filters; the one for growing is longer. If the change is positive, the larger step is
    # that for growing; if it is negative, the larger (less negative) one is that for shrinking. So the maximum is right
    # for both, without a condition.
    shrinking = change * (seconds / (seconds + _SHRINKS))
    change *= seconds / (seconds + _GROWS)
    np.maximum(change, shrinking, out=change)
    change += size
    if cut is not None:
        np.maximum(size, seen, out=change, where=cut[:2] | cut[2:])
    return change


def anchors(corners: Float64, size: Float64, cut: Bool | None, below_centre: float) -> Float64:
    """The anchor of each person, [2, N] pixels; it may lie outside the picture.

    corners: of the boxes, [4, N]; size: of the whole people, from `remember_size`, [2, N]; cut: from `cut_sides`;
    below_centre: from `BELOW_CENTRE`.

    In each direction, both ends of a box give an estimate of the person's centre: the end plus or minus half the
    remembered size. Their mean is used, which halves the noise of an end that flickers, except in two cases: an end
    that the border cuts off does not count; and in a box that is much too short the upper end counts more, because
    what is hidden (by a counter, a shelf, another person) is usually the feet.
    """
    height = size[1]
    centre = corners[:2] + corners[2:]
    centre *= _HALF
    missing = _WHOLE_ARRAY * height
    missing -= corners[3]
    missing += corners[1]
    any_short = np.count_nonzero(missing > _ZERO)
    if cut is not None or any_short:
        # With a weight of 0.5 + extra for the left (upper) end and 0.5 - extra for the other one, the weighted mean of
        # the two estimates is the middle of the box plus extra * (size - size of the box).
        extra = np.zeros(centre.shape)
        if cut is not None:
            np.subtract(cut[2:], cut[:2], out=extra, dtype=np.float64)
            extra *= _HALF
        if any_short:
            upper = np.minimum(np.maximum(missing / (_HIDDEN * height), 0.0), 0.5)
            extra[1] += upper if cut is None else np.where(extra[1] == 0.0, upper, 0.0)
        extra *= size - corners[2:] + corners[:2]
        centre += extra
    if below_centre:
        centre[1] += below_centre * height
    return centre
