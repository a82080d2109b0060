"""People found in one frame, and the arithmetic on boxes that the decoders share."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from metrica.models.fit import Fit

Floats = npt.NDArray[np.float32]
"""An array of 32-bit floats, of any shape."""

MAX_CANDIDATES = 1000
"""Boxes that go into non-maximum suppression at most, the best first."""


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """The people in one frame."""

    boxes: Floats
    """One row x1, y1, x2, y2 for each person, pixels of the frame, float32 [N, 4]."""
    scores: Floats
    """One score for each person, 0 to 1, float32 [N]."""

    def __len__(self) -> int:
        return len(self.scores)


def found(boxes: npt.NDArray[np.floating], scores: npt.NDArray[np.floating], fit: Fit) -> Found:
    """`Found` from boxes [N, 4] in pixels of the input: back in the frame, clipped to it.

    A box that is not finite, or of which nothing is left inside the frame, is dropped.
    """
    width, height = fit.frame
    in_frame = np.clip(fit.to_frame(boxes), 0, np.array([width, height] * 2, np.float32))
    # A comparison with NaN is false, so a box that is not finite is dropped here too.
    real = (in_frame[:, 2] > in_frame[:, 0]) & (in_frame[:, 3] > in_frame[:, 1]) & np.isfinite(scores)
    return Found(np.ascontiguousarray(in_frame[real]), np.ascontiguousarray(scores[real], dtype=np.float32))


def best(scores: npt.NDArray[np.floating], floor: float) -> npt.NDArray[np.intp]:
    """Indices of the scores at or above the floor, at most MAX_CANDIDATES of them, in no particular order."""
    above = np.flatnonzero(scores >= floor)
    if len(above) > MAX_CANDIDATES:
        above = above[np.argpartition(scores[above], -MAX_CANDIDATES)[-MAX_CANDIDATES:]]
    return above


def suppressed(boxes: npt.NDArray[np.floating], scores: npt.NDArray[np.floating], iou: float, fit: Fit) -> Found:
    """`found`, after greedy non-maximum suppression: of two boxes that overlap by more than `iou`, the better stays."""
    finite = np.isfinite(boxes).all(axis=1) & np.isfinite(scores)
    boxes, scores = boxes[finite], scores[finite]
    if not len(boxes):
        return found(boxes, scores, fit)
    corner_and_size = np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=1)
    kept = np.asarray(cv2.dnn.NMSBoxes(corner_and_size.tolist(), scores.tolist(), 0.0, iou), np.intp).reshape(-1)
    return found(boxes[kept], scores[kept], fit)
