"""Where a person stands, from a box: the anchor, also while a part of the person is hidden or out of the picture."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

import numpy as np

from metrica.nodes.tracker import Bool, Float64

Anchor = Literal["bottom_center", "center", "top_center"]

BELOW_CENTRE: dict[str, float] = {"bottom_center": 0.5, "center": 0.0, "top_center": -0.5}
"""How many box heights each anchor lies below the centre of the box."""

_BORDER = 0.01
"""A side of a box nearer to the border of the picture than this part of the picture is taken as cut off by it."""
_GROWS, _SHRINKS = 0.3, 1.0
"""Seconds in which the remembered size follows a person who gets larger, smaller: slower to shrink, because what
shrinks a box at once is something in front of it."""


def cut_sides(boxes: Float64, frame_size: tuple[int, int]) -> Bool:
    """Which sides (left, top, right, bottom) of each box the border of the picture cuts, [N, 4]."""
    return np.asarray(boxes * _OUTWARD <= _borders(frame_size))


_OUTWARD: Float64 = np.array([1.0, 1.0, -1.0, -1.0])


@lru_cache(maxsize=16)
def _borders(frame_size: tuple[int, int]) -> Float64:
    """What each side, counted outwards, must not exceed, to be cut."""
    size = np.array(frame_size, np.float64)
    return np.concatenate((_BORDER * size, _BORDER * size - size))


def remember_size(size: Float64, boxes: Float64, cut: Bool, seconds: Float64) -> Float64:
    """The sizes (w, h) of whole persons, [N, 2], from those known before and the boxes of `seconds` [N] later.

    A side that is cut cannot make a person smaller; `size` may hold 0 for a person never seen before.
    """
    seen = boxes[:, 2:] - boxes[:, :2]
    time = seconds[:, None]
    followed = size + time / (time + np.where(seen > size, _GROWS, _SHRINKS)) * (seen - size)
    if cut.any():
        followed = np.where(cut[:, :2] | cut[:, 2:], np.maximum(size, seen), followed)
    return np.where(size > 0, followed, seen)


def anchors(boxes: Float64, size: Float64, cut: Bool, below_centre: float) -> Float64:
    """The anchor of each person, [N, 2] in pixels; it may lie outside the picture.

    The centre comes from both ends of the box, each corrected by half the remembered size, which halves the noise
    of an end that flickers. An end that the border cuts says nothing; and in a box that has become much too short
    it is the feet that are hidden (a counter, a shelf, another person), so the head decides.
    """
    half = size / 2
    starts, ends = boxes[:, :2] + half, boxes[:, 2:] - half
    # How much the left and the upper end decide: half, but in a short box the upper one more.
    short = (0.9 - (boxes[:, 3] - boxes[:, 1]) / size[:, 1]) / 0.3 + 0.5
    trust = np.full(starts.shape, 0.5)
    np.minimum(np.maximum(short, 0.5), 1.0, out=trust[:, 1])
    if cut.any():
        start_cut, end_cut = cut[:, :2], cut[:, 2:]
        trust = np.where(end_cut & ~start_cut, 1.0, np.where(start_cut & ~end_cut, 0.0, trust))
    centre = ends + trust * (starts - ends)
    centre[:, 1] += below_centre * size[:, 1]
    return centre
