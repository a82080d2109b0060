"""SORT: one Kalman filter per person, overlap, and the best assignment.

Bewley et al., "Simple Online and Realtime Tracking", ICIP 2016, with filterpy's KalmanFilter and scipy's
assignment. Importing this module takes nearly a second (filterpy brings matplotlib), so only who tracks
with it should.
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
    """What can be tuned; times are seconds whatever the frame rate."""

    buffer: float = 1.0
    """How long a track that is not seen is looked for (the paper: one frame)."""
    match: float = 0.3
    """Least IoU of a track and its box."""
    confirm: float = 0.06
    """How long a track must have been followed to be believed (the paper: three frames in a row)."""


def box_filter(measured: Float64) -> Any:
    """The paper's filter for a box first seen at `measured` (cx, cy, area, aspect ratio), [4].

    The state is (cx, cy, area, ratio, and the velocities of the first three) in pixels per 1/30 s. F, H and Q
    are set by hand: filterpy's `kinematic_kf` for several dimensions measures the wrong components.
    """
    kf = KalmanFilter(dim_x=7, dim_z=4)
    kf.H = np.eye(4, 7)
    kf.R = np.diag([1.0, 1.0, 10.0, 10.0])
    kf.P = np.diag([10.0, 10.0, 10.0, 10.0, 1e4, 1e4, 1e4])
    kf.x[:4, 0] = measured
    return kf


def transition(steps: float) -> Float64:
    """F of the paper's model over `steps` of 1/30 s, [7, 7]."""
    matrix = np.eye(7)
    matrix[[0, 1, 2], [4, 5, 6]] = steps
    return matrix


PROCESS_NOISE: Float64 = np.diag([1.0, 1.0, 1.0, 1.0, 0.01, 0.01, 0.0001])
"""Q of the paper's model over 1/30 s."""
_WALK = 1.0
"""How fast people walk, in box heights per second."""


class _Track:
    """One person: a filter, and what is known of it."""

    def __init__(self, number: int, box: Float64, score: float, now: float, frame: int) -> None:
        self.filter = box_filter(_measure(box))
        self.number = number
        self.score = score
        self.started = self.seen = now
        self.born = frame
        self.hits = 1
        self.confirmed = False

    def predict(self, steps: float) -> None:
        state = self.filter.x
        if state[2, 0] + steps * state[6, 0] <= 0:
            state[6, 0] = 0.0  # an area cannot shrink through zero
        self.filter.predict(F=transition(steps), Q=PROCESS_NOISE * steps)

    def correct(self, box: Float64, score: float, now: float) -> None:
        self.filter.update(_measure(box))
        self.score = score
        self.seen = now
        self.hits += 1

    def box(self) -> list[float]:
        cx, cy, area, ratio = (float(v) for v in self.filter.x[:4, 0])
        width = float(np.sqrt(max(area * ratio, 0.0)))
        height = area / width if width > 0 else 0.0
        return [cx - width / 2, cy - height / 2, cx + width / 2, cy + height / 2]


class SortTracker(Tracker):
    """SORT for one camera.

    Boxes from `thresholds.keep` up count, and a track starts at `thresholds.new`. The paper's constants are per
    frame of a 30 frames/s video; here they go by time, and below 20 frames/s a second association catches
    those who walked out of their own box.
    """

    def __init__(self, settings: SortSettings | None = None) -> None:
        self._settings = settings or SortSettings()
        self.reset()

    def reset(self) -> None:
        self._clock = FrameClock()
        self._now = 0.0
        self._given = 0
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
        columns = self._match(predicted, corners, score, before)
        for column in unmatched(len(corners), columns):
            if score[column] >= thresholds.new:
                self._given += 1
                track = _Track(self._given, corners[column], float(score[column]), self._now, self._clock.frames)
                self._tracks.append(track)
        self._tracks = [t for t in self._tracks if self._is_kept(t)]
        return self._seen_now()

    def _match(self, predicted: Float64, corners: Float64, score: Float64, before: float) -> Index:
        """Correct the tracks that have a box; the boxes that are taken."""
        rows, columns = assign(iou(predicted, corners), self._settings.match)
        step = self._now - before
        if step > 1.5 / REFERENCE_FPS:
            # A walker at 5 frames/s hardly overlaps himself: what is left over is compared with boxes blown up
            # by the way that can be walked meanwhile.
            seen_before = [i for i in unmatched(len(predicted), rows) if self._tracks[i].seen == before]
            left = np.array(seen_before, np.intp)
            free = unmatched(len(corners), columns)
            height = predicted[left, 3] - predicted[left, 1]
            reach = np.minimum(_WALK * (step - 1 / REFERENCE_FPS), 0.5) * height
            r, c = assign(iou(predicted[left], corners[free], reach), self._settings.match)
            rows, columns = np.concatenate((rows, left[r])), np.concatenate((columns, free[c]))
        for row, column in zip(rows, columns, strict=True):
            self._tracks[row].correct(corners[column], float(score[column]), self._now)
        return columns

    def _is_kept(self, track: _Track) -> bool:
        unseen = self._now - track.seen
        return unseen == 0 or (track.confirmed and unseen <= self._settings.buffer)

    def _seen_now(self) -> TrackedBoxes:
        seen = [t for t in self._tracks if t.seen == self._now]
        first = self._now <= self._settings.confirm  # as in the paper: at the start there is nothing to wait for
        for track in seen:
            waited = self._now - track.started >= self._settings.confirm
            track.confirmed = track.confirmed or first or (track.hits >= 2 and waited)
        shown = [t for t in seen if t.confirmed]
        return TrackedBoxes(
            boxes=np.array([t.box() for t in shown], np.float32).reshape(-1, 4),
            ids=np.array([t.number for t in shown], np.int64),
            scores=np.array([t.score for t in shown], np.float32),
            ages=np.array([self._clock.frames - t.born + 1 for t in shown], np.int32),
        )


def _measure(box: Float64) -> Float64:
    """x1, y1, x2, y2 as cx, cy, area, aspect ratio, [4]."""
    width, height = box[2] - box[0], box[3] - box[1]
    return np.array([box[0] + width / 2, box[1] + height / 2, width * height, width / height])
