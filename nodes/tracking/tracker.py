"""The interface of a tracking algorithm: two methods, arrays in and arrays out. No sockets, no clock, no I/O."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from metrica.messages import Thresholds
from metrica.nodes.geometry.arrays import Bool, Float32, Int32, Int64


@dataclass(frozen=True, slots=True)
class TrackedBoxes:
    """The confirmed tracks seen in one frame; row i of every array belongs to the same track."""

    boxes: Float32
    """Boxes x1, y1, x2, y2, pixels, [N, 4]."""
    ids: Int64
    """Track ids, [N]. The first track after `reset` has id 1; no id is used twice."""
    scores: Float32
    """Scores of the detections, from 0 to 1, [N]."""
    ages: Int32
    """Age of each track, frames, [N]: 1 in the frame in which it started."""


class Tracker(ABC):
    """Follows the people in the frames of one camera: gives their boxes ids that last from frame to frame."""

    @abstractmethod
    def update(self, boxes: Float32, scores: Float32, time: float, thresholds: Thresholds) -> TrackedBoxes:
        """Take in the detections of the next frame; return the confirmed tracks seen in it.

        boxes: x1, y1, x2, y2, pixels, [N, 4]; those that are empty or not finite are ignored. scores: from 0 to 1, [N].
        time: seconds, on any scale that grows. thresholds: what a score means for the model that gave it.
        Call it for every frame, also for one without boxes.
        """

    @abstractmethod
    def reset(self) -> None:
        """Forget all tracks; the next one has id 1."""


def usable(boxes: Float32, scores: Float32) -> Bool:
    """Which boxes [N, 4] have an area and, with their scores [N], only finite numbers, [N]."""
    return np.asarray(
        np.isfinite(boxes).all(axis=1) & np.isfinite(scores) & (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
    )
