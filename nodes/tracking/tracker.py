"""What every tracker is: two methods, arrays in, arrays out. No sockets, no clock, no I/O."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field

import numpy as np

from metrica.messages import Thresholds
from metrica.nodes.geometry.arrays import Bool, Float32, Int32, Int64

REFERENCE_FPS = 30.0
"""The papers give their constants per frame of a video of about 30 frames/s; ours are scaled from there by time."""


@dataclass(frozen=True, slots=True)
class TrackedBoxes:
    """The confirmed tracks that were seen in one frame; row i of every array is the same person."""

    boxes: Float32
    """x1, y1, x2, y2 in pixels, [N, 4]."""
    ids: Int64
    """Track ids, [N]; the first one after `reset` is 1, and none is given twice."""
    scores: Float32
    """Scores of the detections, [N]."""
    ages: Int32
    """Frames since the track was born, [N]; the first is 1."""


class Tracker(ABC):
    """Gives the boxes of one camera's frames identities that last from frame to frame."""

    @abstractmethod
    def update(self, boxes: Float32, scores: Float32, time: float, thresholds: Thresholds) -> TrackedBoxes:
        """The confirmed tracks seen in this frame.

        boxes [N, 4] (x1, y1, x2, y2, pixels), scores [N] from 0 to 1, time in seconds on any scale that grows.
        Call it for every frame, also for one without boxes. Boxes that are empty or not finite are left out.
        """

    @abstractmethod
    def reset(self) -> None:
        """Forget everything; the next track is number 1 again."""


@dataclass(slots=True)
class FrameClock:
    """Turns the times of frames into steps that a motion model can use."""

    longest: float = 10.0
    """Seconds; after a longer pause nothing that was followed is still where it was."""
    _last: float | None = None
    _usual: float = 1.0 / REFERENCE_FPS
    frames: int = field(default=0, init=False)

    def step(self, time: float) -> float:
        """Seconds since the frame before, 0 for the first one.

        A time that stands still or runs backwards (a clock that was set, a clip that starts again) counts as
        one usual frame, because a picture did arrive; a pause counts as `longest` at the most.
        """
        self.frames += 1
        last, self._last = self._last, time
        if last is None:
            return 0.0
        if not time > last:
            return self._usual
        step = time - last
        if step < 1.0:
            self._usual += 0.1 * (step - self._usual)
        return min(step, self.longest)


def usable(boxes: Float32, scores: Float32) -> Bool:
    """Which boxes have an area and finite numbers, [N]."""
    return np.asarray(
        np.isfinite(boxes).all(axis=1) & np.isfinite(scores) & (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
    )
