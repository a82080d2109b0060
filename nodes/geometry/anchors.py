"""Where a person stands, from a box: the anchor, also while a part of the person is hidden or out of the picture.

Arrays are coordinates first (corners [4, N], points and sizes [2, N]): the rows are contiguous then, and with a few
dozen people that is half the price.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

import numpy as np

from metrica.nodes.geometry.arrays import Bool, Float64

Anchor = Literal["bottom_center", "center", "top_center"]

BELOW_CENTRE: dict[str, float] = {"bottom_center": 0.5, "center": 0.0, "top_center": -0.5}
"""How many box heights each anchor lies below the centre of the box."""

_BORDER = 0.01
"""A side of a box nearer to the border of the picture than this part of the picture is taken as cut off by it."""
_GROWS, _SHRINKS = 0.3, 0.5
"""Seconds in which the remembered size follows a person who gets larger, smaller: slower to shrink, because what
shrinks a box at once is something in front of it."""
_WHOLE, _HIDDEN = 0.9, 0.3
"""A box shorter than the first part of a person's height is too short; where it lacks half the second more, only its
upper end counts."""


# Numbers as arrays, and borders as wide as the boxes: with a few dozen people a frame costs what its few dozen array
# operations cost before they begin, and with a Python number, or with two shapes, that is twice as much or more.
_HALF: Float64 = np.array(0.5)
_NOTHING: Float64 = np.array(0.0)
_WHOLE_PART: Float64 = np.array(_WHOLE)


def cut_sides(corners: Float64, frame_size: tuple[int, int]) -> Bool | None:
    """Which sides (left, top, right, bottom) of each box the border of the picture cuts, [4, N]; None for none."""
    outward, borders = _borders(frame_size, corners.shape[1])
    cut = corners * outward <= borders
    return cut if np.count_nonzero(cut) else None


@lru_cache(maxsize=64)
def _borders(frame_size: tuple[int, int], count: int) -> tuple[Float64, Float64]:
    """The factor that makes each side count outwards, and what it must not exceed then, to be cut; both [4, N]."""
    size = np.array(frame_size, np.float64)
    borders = np.concatenate((_BORDER * size, _BORDER * size - size))
    return np.repeat([[1.0], [1.0], [-1.0], [-1.0]], count, axis=1), np.repeat(borders[:, None], count, axis=1)


def remember_size(size: Float64, seen: Float64, cut: Bool | None, seconds: Float64 | float) -> Float64:
    """The sizes (w, h) of whole persons, [2, N], from those known before and the size `seen` `seconds` [N] later.

    A side that is `cut` cannot make a person smaller.
    """
    change = seen - size
    # Growing takes the larger of the two parts of a rise, and of a fall the one that is less of a fall.
    slowly = change * (seconds / (seconds + _SHRINKS))
    change *= seconds / (seconds + _GROWS)
    np.maximum(change, slowly, out=change)
    change += size
    if cut is not None:
        np.maximum(size, seen, out=change, where=cut[:2] | cut[2:])
    return change


def anchors(corners: Float64, size: Float64, cut: Bool | None, below_centre: float) -> Float64:
    """The anchor of each person, [2, N] in pixels; it may lie outside the picture.

    The centre comes from both ends of the box, each corrected by half the remembered size, which halves the noise
    of an end that flickers. An end that the border cuts says nothing; and in a box that has become much too short
    it is the feet that are hidden (a counter, a shelf, another person), so the head decides.
    """
    tall = size[1]
    centre = corners[:2] + corners[2:]
    centre *= _HALF
    short = _WHOLE_PART * tall
    short -= corners[3]
    short += corners[1]
    hidden = np.count_nonzero(short > _NOTHING)
    if cut is not None or hidden:
        # How much more than half the left and the upper end decide: half more if the border cuts the other end, half
        # less if it cuts this one; and in a short box that it does not cut, the upper end more.
        more = np.zeros(centre.shape)
        if cut is not None:
            np.subtract(cut[2:], cut[:2], out=more, dtype=np.float64)
            more *= _HALF
        if hidden:
            upper = np.minimum(np.maximum(short / (_HIDDEN * tall), 0.0), 0.5)
            more[1] += upper if cut is None else np.where(more[1] == 0.0, upper, 0.0)
        more *= size - corners[2:] + corners[:2]
        centre += more
    if below_centre:
        centre[1] += below_centre * tall
    return centre
