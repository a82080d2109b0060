"""ByteTrack: also the boxes a detector doubts, once the sure ones are given out.

Zhang et al., "ByteTrack: Multi-Object Tracking by Associating Every Detection Box", ECCV 2022. All tracks live in
arrays, one row each, so that a frame costs a few dozen array operations however many people are in it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from metrica.messages import Thresholds
from metrica.nodes.geometry.arrays import Bool, Float32, Float64, Index, Int64
from metrica.nodes.geometry.association import HeightModulatedIou, assign, iou, unmatched
from metrica.nodes.tracking import kalman
from metrica.nodes.tracking.frame_clock import FrameClock
from metrica.nodes.tracking.tracker import TrackedBoxes, Tracker, usable

_TENTATIVE, _TRACKED, _LOST = 0, 1, 2


@dataclass(frozen=True, slots=True, kw_only=True)
class ByteTrackSettings:
    """What can be tuned; similarities go from 0 to 1, times are seconds whatever the frame rate.

    Similar is who overlaps, IoU, and is equally tall and stands equally high: `HeightModulatedIou`.
    """

    buffer: float = 1.5
    """How long a track that is not seen is looked for."""
    match: float = 0.12
    """Least similarity of a track and a sure box, times its score, where `thresholds.new` counts as 1."""
    match_low: float = 0.5
    """Least similarity of a track and a doubtful box."""
    match_new: float = 0.3
    """Least similarity of a track seen once and the box that confirms it."""
    match_far: float = 0.3
    """Least IoU, after both boxes are blown up by `reach`, of a track seen in the frame before and a sure box
    that nobody took."""
    duplicate: float = 0.85
    """Two tracks that overlap by more are one person; the older one stays."""
    doubt: float = 1.0
    """A box of score 0 may be off by so many times more than a sure one: half a person seen behind another is a box
    with a low score and in the wrong place."""
    reach: float = 1.0
    """How far, in standard deviations of a predicted position beyond what is usual at 30 frames/s. This is
    what holds people at 2 to 8 frames/s, where their boxes overlap little or not at all."""


@dataclass
class TrackRows:
    """All tracks; row i of every array is one of them."""

    mean: Float64
    covariance: Float64
    id: Int64
    state: Int64
    born: Int64
    """Number of the frame in which the track began."""
    started: Float64
    """Seconds (sum of steps) at which it began, and"""
    seen: Float64
    """at which it was last matched."""
    score: Float64

    def keep(self, which: Bool) -> None:
        for name, column in vars(self).items():
            setattr(self, name, column[which])

    def add(self, new: TrackRows) -> None:
        for name, column in vars(self).items():
            setattr(self, name, np.concatenate((column, getattr(new, name))))


@dataclass(slots=True)
class FrameBoxes:
    """The boxes of one frame, and which track has which."""

    corners: Float64
    """x1, y1, x2, y2, [M, 4]."""
    score: Float64
    weight: Float64
    """The score in parts of `thresholds.new`, at most 1, [M]."""
    predicted: Float64
    """Where the tracks should be, corners [N, 4]."""
    matched: Index
    """The box of each track, or -1, [N]."""


class ByteTracker(Tracker):
    """ByteTrack for one camera.

    The original's rules hold: boxes from `thresholds.keep` up are matched first with all tracks, boxes from
    `thresholds.low` then with the tracks that were seen in the frame before; a track starts at `thresholds.new`
    and is confirmed by a second match in the very next frame (in the first frame of all, at once). Ours are
    times in seconds and steps of any length, scores weighed against the model's own thresholds, overlap weighed by that
    of the heights alone (Hybrid-SORT), less trust in the place of a doubtful box, and a last association of boxes
    blown up by what the motion model does not know.
    """

    def __init__(self, settings: ByteTrackSettings | None = None) -> None:
        self._settings = settings or ByteTrackSettings()
        self._upright_iou = HeightModulatedIou()
        self.reset()

    def reset(self) -> None:
        self._clock = FrameClock()
        self._now = self._step = 0.0
        self._given = 0
        self._rows = self._new_rows(np.zeros((0, 4)), np.zeros(0))

    def update(self, boxes: Float32, scores: Float32, time: float, thresholds: Thresholds) -> TrackedBoxes:
        step = self._clock.step(time)
        self._now += step
        self._step = step
        good = usable(boxes, scores) & (scores >= thresholds.low)
        corners, score = boxes[good].astype(np.float64), scores[good].astype(np.float64)
        sure = score >= thresholds.keep
        high, low = _places(sure), _places(~sure)
        self._predict(step)
        rows, settings = self._rows, self._settings
        frame = FrameBoxes(
            corners=corners,
            score=score,
            weight=np.minimum(score / max(thresholds.new, 1e-6), 1.0),
            predicted=kalman.to_corners(rows.mean),
            matched=np.full(len(rows.id), -1, np.intp),
        )
        confirmed, tentative = _places(rows.state != _TENTATIVE), _places(rows.state == _TENTATIVE)
        high = self._associate(frame, confirmed, high, settings.match, weighed=True)
        self._associate(frame, _places((rows.state == _TRACKED) & (frame.matched < 0)), low, settings.match_low)
        high = self._associate(frame, tentative, high, settings.match_new, weighed=True)
        high = self._associate_rest(frame, high)

        self._correct(frame)
        self._start(high[score[high] >= thresholds.new], frame)
        return self._seen_now(self._drop_duplicates())

    def _associate(
        self, frame: FrameBoxes, tracks: Index, found: Index, least: float, *, weighed: bool = False
    ) -> Index:
        """Match these tracks with these boxes by place and height; the boxes that nobody took."""
        if not tracks.size or not found.size:
            return found
        similarity = self._similarity(frame, tracks, found)
        if weighed:
            similarity *= frame.weight[found]
        return self._give(frame, tracks, found, similarity, least)

    def _similarity(self, frame: FrameBoxes, tracks: Index, found: Index) -> Float64:
        """How well each box suits each track, [tracks, found]."""
        return self._upright_iou(frame.predicted[tracks], frame.corners[found])

    def _associate_rest(self, frame: FrameBoxes, found: Index) -> Index:
        """What is left over, compared over a distance that the motion model allows; the boxes that nobody took."""
        tracks = _places((self._rows.state != _LOST) & (frame.matched < 0))
        if not tracks.size or not found.size:
            return found
        far = iou(frame.predicted[tracks], frame.corners[found], self._reach()[tracks])
        return self._give(frame, tracks, found, far, self._settings.match_far)

    def _give(self, frame: FrameBoxes, tracks: Index, found: Index, similarity: Float64, least: float) -> Index:
        """Give each track its box where they are similar enough; the boxes that nobody took."""
        r, c = assign(similarity, least)
        frame.matched[tracks[r]] = found[c]
        return found[unmatched(len(found), c)]

    def _predict(self, step: float) -> None:
        rows = self._rows
        rows.mean[rows.state != _TRACKED, 6:] = 0.0  # a lost box must not grow or shrink on an old guess
        kalman.predict(rows.mean, rows.covariance, step)

    def _reach(self) -> Float64:
        height = self._rows.mean[:, 3]
        spread = np.sqrt(self._rows.covariance[:, 0, kalman.POSITION])
        return np.asarray(np.clip(self._settings.reach * (spread - _USUAL_SPREAD * height), 0.0, 0.5 * height))

    def _correct(self, frame: FrameBoxes) -> None:
        rows = self._rows
        found = frame.matched >= 0
        hit = _places(found)
        box = frame.matched[hit]
        noise = 1 + self._settings.doubt * (1 - frame.weight[box])
        rows.mean[hit], rows.covariance[hit] = kalman.correct(
            rows.mean[hit], rows.covariance[hit], kalman.to_centre(frame.corners[box]), noise
        )
        rows.score[hit] = frame.score[box]
        rows.seen[hit] = self._now
        was_tentative = rows.state == _TENTATIVE
        rows.state[hit] = _TRACKED
        rows.state[~found & ~was_tentative] = _LOST
        stays = found | (~was_tentative & (self._now - rows.seen <= self._settings.buffer))
        if not stays.all():
            rows.keep(stays)

    def _start(self, found: Index, frame: FrameBoxes) -> None:
        if found.size:
            self._rows.add(self._new_rows(frame.corners[found], frame.score[found]))

    def _new_rows(self, corners: Float64, score: Float64) -> TrackRows:
        """Tracks that begin now with these boxes."""
        count = len(corners)
        mean, covariance = kalman.start(kalman.to_centre(corners))
        first = self._given + 1
        self._given += count
        now = np.full(count, self._now)
        return TrackRows(
            mean=mean,
            covariance=covariance,
            id=np.arange(first, first + count),
            state=np.full(count, _TRACKED if self._clock.frames == 1 else _TENTATIVE),
            born=np.full(count, self._clock.frames),
            started=now,
            seen=now.copy(),
            score=score,
        )

    def _drop_duplicates(self) -> Float64:
        """Of two tracks on one person only one stays; the corners of those that do, [N, 4]."""
        rows = self._rows
        corners = kalman.to_corners(rows.mean)
        tracked, lost = _places(rows.state == _TRACKED), _places(rows.state == _LOST)
        if not tracked.size or not lost.size:
            return corners
        a, b = np.nonzero(iou(corners[tracked], corners[lost]) > self._settings.duplicate)
        if not a.size:
            return corners
        a, b = tracked[a], lost[b]
        lived = rows.seen - rows.started
        keep = np.ones(len(rows.id), np.bool_)
        keep[np.where(lived[a] > lived[b], b, a)] = False
        rows.keep(keep)
        return corners[keep]

    def _seen_now(self, corners: Float64) -> TrackedBoxes:
        rows = self._rows
        shown = _places(rows.state == _TRACKED)
        return TrackedBoxes(
            boxes=corners[shown].astype(np.float32),
            ids=rows.id[shown],
            scores=rows.score[shown].astype(np.float32),
            ages=(self._clock.frames - rows.born[shown] + 1).astype(np.int32),
        )


_USUAL_SPREAD = 0.12
"""Standard deviation of the predicted position at 30 frames/s of a track seen once, in box heights."""


def _places(which: Bool) -> Index:
    """Where a row of truths is true; half the price of np.flatnonzero, which is asked ten times in a frame."""
    return which.nonzero()[0]
