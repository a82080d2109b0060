"""SORT: one Kalman filter per person, IoU, and the best assignment.

Bewley et al., "Simple Online and Realtime Tracking", ICIP 2016, with filterpy's KalmanFilter and scipy's assignment.
Importing this module takes nearly a second (filterpy imports matplotlib), so import it only where it is used.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from filterpy.kalman import KalmanFilter

from metrica.messages import Thresholds
from metrica.nodes.geometry.arrays import Float32, Float64, Index
from metrica.nodes.geometry.association import assign, iou, unmatched
from metrica.nodes.tracking.frame_clock import REFERENCE_FPS, FrameClock
from metrica.nodes.tracking.tracker import TrackedBoxes, Tracker, usable


@dataclass(frozen=True, slots=True, kw_only=True)
class SortSettings:
    """What can be tuned. Times are in seconds at any frame rate."""

    buffer: float = 1.0
    """Seconds for which a track that is not seen is kept (the paper: one frame)."""
    match: float = 0.3
    """Least IoU of the predicted box of a track and the box that it is matched with."""
    confirm: float = 0.06
    """Seconds for which a track must have been followed to be confirmed (the paper: three frames in a row)."""


def box_filter(measured: Float64) -> Any:
    """The paper's Kalman filter for a box first seen at `measured` (cx, cy, area, aspect ratio), [4].

    The state is (cx, cy, area, ratio, vx, vy, velocity of the area), in pixels and 1/30 s. The matrices are set by
    hand: filterpy's `kinematic_kf` for several dimensions measures the wrong components.
    """
    kf = KalmanFilter(dim_x=7, dim_z=4)
    kf.H = np.eye(4, 7)
    kf.R = np.diag([1.0, 1.0, 10.0, 10.0])
    kf.P = np.diag([10.0, 10.0, 10.0, 10.0, 1e4, 1e4, 1e4])
    kf.x[:4, 0] = measured
    return kf


def transition(steps: float) -> Float64:
    """State transition matrix F of the paper's model over `steps` of 1/30 s, [7, 7]."""
    matrix = np.eye(7)
    matrix[[0, 1, 2], [4, 5, 6]] = steps
    return matrix


PROCESS_NOISE: Float64 = np.diag([1.0, 1.0, 1.0, 1.0, 0.01, 0.01, 0.0001])
"""Process noise matrix Q of the paper's model for 1/30 s, [7, 7]."""
_WALKING_SPEED = 1.0
"""Speed of people who walk, in box heights per second."""


class _Track:
    """One track. Boxes are x1, y1, x2, y2, [4]; times are seconds since the first frame."""

    def __init__(self, track_id: int, box: Float64, score: float, now: float, frame: int) -> None:
        self.filter = box_filter(_measurement(box))
        self.id = track_id
        self.score = score
        self.started = self.seen = now
        self.born = frame
        """Number of the frame in which the track started."""
        self.hits = 1
        """How many boxes it has been matched with."""
        self.confirmed = False

    def predict(self, steps: float) -> None:
        """Predict the state `steps` of 1/30 s later."""
        state = self.filter.x
        if state[2, 0] + steps * state[6, 0] <= 0:
            state[6, 0] = 0.0  # an area cannot be negative
        self.filter.predict(F=transition(steps), Q=PROCESS_NOISE * steps)

    def correct(self, box: Float64, score: float, now: float) -> None:
        """Update the state with the box that the track is matched with."""
        self.filter.update(_measurement(box))
        self.score = score
        self.seen = now
        self.hits += 1

    def box(self) -> list[float]:
        """The box of the current state, x1, y1, x2, y2; of no width if the state has no area."""
        cx, cy, area, ratio = (float(v) for v in self.filter.x[:4, 0])
        width = float(np.sqrt(max(area * ratio, 0.0)))
        height = area / width if width > 0 else 0.0
        return [cx - width / 2, cy - height / 2, cx + width / 2, cy + height / 2]


class SortTracker(Tracker):
    """SORT for one camera.

    Boxes with a score of at least `thresholds.keep` are used; one of at least `thresholds.new` can start a track. The
    paper's constants are per frame at 30 frames/s; here they are per second. Below 20 frames/s, a second association
    by buffered IoU finds people whose boxes in two frames do not overlap.
    """

    def __init__(self, settings: SortSettings | None = None) -> None:
        self._settings = settings or SortSettings()
        self.reset()

    def reset(self) -> None:
        self._clock = FrameClock()
        self._now = 0.0
        self._last_id = 0
        self._tracks: list[_Track] = []

    def update(self, boxes: Float32, scores: Float32, time: float, thresholds: Thresholds) -> TrackedBoxes:
        step = self._clock.step(time)
        before, self._now = self._now, self._now + step
        good = usable(boxes, scores) & (scores >= thresholds.keep)
        corners, score = boxes[good].astype(np.float64), scores[good].astype(np.float64)
        if step > 0:
            for track in self._tracks:
                track.predict(step * REFERENCE_FPS)
        predicted = np.array([t.box() for t in self._tracks]).reshape(-1, 4)
        matched = self._match(predicted, corners, score, before)
        for box in unmatched(len(corners), matched):
            if score[box] >= thresholds.new:
                self._last_id += 1
                track = _Track(self._last_id, corners[box], float(score[box]), self._now, self._clock.frames)
                self._tracks.append(track)
        self._tracks = [t for t in self._tracks if self._is_kept(t)]
        return self._seen_now()

    def _match(self, predicted: Float64, corners: Float64, score: Float64, before: float) -> Index:
        """Match the tracks with the boxes and correct them; return the numbers of the matched boxes.

        predicted [N, 4], corners [M, 4]: x1, y1, x2, y2 of tracks and boxes; before: time of the frame before, seconds.
        """
        rows, columns = assign(iou(predicted, corners), self._settings.match)
        step = self._now - before
        if step > 1.5 / REFERENCE_FPS:
            # At 5 frames/s the boxes of a person who walks hardly overlap. So the tracks and boxes that are left over
            # are compared again, enlarged by the distance that a person can have walked.
            recent = [i for i in unmatched(len(predicted), rows) if self._tracks[i].seen == before]
            open_rows, open_columns = np.array(recent, np.intp), unmatched(len(corners), columns)
            height = predicted[open_rows, 3] - predicted[open_rows, 1]
            margin = np.minimum(_WALKING_SPEED * (step - 1 / REFERENCE_FPS), 0.5) * height
            buffered_iou = iou(predicted[open_rows], corners[open_columns], margin)
            row, column = assign(buffered_iou, self._settings.match)
            rows = np.concatenate((rows, open_rows[row]))
            columns = np.concatenate((columns, open_columns[column]))
        for track, box in zip(rows, columns, strict=True):
            self._tracks[track].correct(corners[box], float(score[box]), self._now)
        return columns

    def _is_kept(self, track: _Track) -> bool:
        unseen = self._now - track.seen
        return unseen == 0 or (track.confirmed and unseen <= self._settings.buffer)

    def _seen_now(self) -> TrackedBoxes:
        """Confirm the tracks that have been followed for long enough; return the confirmed ones seen in this frame."""
        seen = [t for t in self._tracks if t.seen == self._now]
        at_start = self._now <= self._settings.confirm  # as in the paper: the first tracks are confirmed at once
        for track in seen:
            long_enough = self._now - track.started >= self._settings.confirm
            track.confirmed = track.confirmed or at_start or (track.hits >= 2 and long_enough)
        shown = [t for t in seen if t.confirmed]
        return TrackedBoxes(
            boxes=np.array([t.box() for t in shown], np.float32).reshape(-1, 4),
            ids=np.array([t.id for t in shown], np.int64),
            scores=np.array([t.score for t in shown], np.float32),
            ages=np.array([self._clock.frames - t.born + 1 for t in shown], np.int32),
        )


def _measurement(box: Float64) -> Float64:
    """The measurement for a box x1, y1, x2, y2: cx, cy, area, aspect ratio (width / height), [4]."""
    width, height = box[2] - box[0], box[3] - box[1]
    return np.array([box[0] + width / 2, box[1] + height / 2, width * height, width / height])
