"""ByteTrack: the boxes of high score are assigned first; those of low score then go to the tracks that are left.

Zhang et al., "ByteTrack: Multi-Object Tracking by Associating Every Detection Box", ECCV 2022. All tracks are kept in
arrays, one row per track, so that a frame takes a few dozen array operations however many people are in it.
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
"""State of a track: seen once and not confirmed; seen in the last frame; confirmed but not seen in the last frame."""
_USUAL_DEVIATION = 0.12
"""Standard deviation of the predicted position at 30 frames/s of a track seen once, in box heights."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ByteTrackSettings:
    """What can be tuned. Times are in seconds at any frame rate.

    The similarity of a track and a box, from 0 to 1, is the `HeightModulatedIou` of the predicted box and the box.
    """

    buffer: float = 1.5
    """Seconds for which a track that is not seen is kept."""
    match: float = 0.12
    """Least similarity of a track and a box of high score. The similarity is first multiplied by the box's weight: its
    score divided by `thresholds.new`, at most 1."""
    match_low: float = 0.5
    """Least similarity of a track and a box of low score."""
    match_new: float = 0.3
    """Least similarity, times the box's weight, of a track seen once and the box that confirms it."""
    match_far: float = 0.3
    """Least buffered IoU of a track that is not lost and a box of high score, both left over. See `reach`."""
    duplicate: float = 0.85
    """Two tracks with a larger IoU are the same person; the one that was followed for longer stays."""
    doubt: float = 1.0
    """The measurement noise of a box is multiplied by 1 + doubt * (1 - weight). A person who is half hidden gives a box
    with a low score and in the wrong place."""
    reach: float = 1.0
    """How far boxes are enlarged for the buffered IoU: this many times the amount by which the standard deviation of
    the predicted position exceeds what is usual at 30 frames/s. It keeps tracks together at 2 to 8 frames/s, where the
    boxes of a person in two frames overlap little or not at all."""


@dataclass
class TrackRows:
    """All tracks; row i of every array belongs to the same track."""

    mean: Float64
    """State of the Kalman filter, [N, 8]."""
    covariance: Float64
    """Covariance of the Kalman filter, [N, 4, 3]."""
    id: Int64
    """Track ids, [N]."""
    state: Int64
    """`_TENTATIVE`, `_TRACKED` or `_LOST`, [N]."""
    born: Int64
    """Number of the frame in which the track started, [N]."""
    started: Float64
    """Time at which the track started, seconds (the sum of all steps), [N]."""
    seen: Float64
    """Time at which the track was last matched with a box, seconds, [N]."""
    score: Float64
    """Score of that box, [N]."""

    def keep(self, which: Bool) -> None:
        """Drop the tracks for which `which` [N] is False."""
        for name, column in vars(self).items():
            setattr(self, name, column[which])

    def add(self, new: TrackRows) -> None:
        """Append the tracks of `new`."""
        for name, column in vars(self).items():
            setattr(self, name, np.concatenate((column, getattr(new, name))))


@dataclass(slots=True)
class FrameBoxes:
    """The M boxes of one frame, and the assignment of boxes to the N tracks so far."""

    corners: Float64
    """Boxes x1, y1, x2, y2, pixels, [M, 4]."""
    score: Float64
    """Scores of the boxes, [M]."""
    weight: Float64
    """Scores divided by `thresholds.new`, at most 1, [M]."""
    predicted: Float64
    """Predicted boxes of the tracks, x1, y1, x2, y2, pixels, [N, 4]."""
    matched: Index
    """Number of the box of each track, -1 for none, [N]."""


class ByteTracker(Tracker):
    """ByteTrack for one camera.

    As in the paper: boxes with a score of at least `thresholds.keep` (high) are first assigned to all tracks, boxes of
    at least `thresholds.low` (low) then to the tracks seen in the frame before. A box of at least `thresholds.new`
    that is left over starts a track, which is confirmed by a second match in the next frame (in the very first frame,
    at once).

    Different from the paper: times are in seconds and steps may have any length; scores are weighed against the model's
    own thresholds; the similarity is the height-modulated IoU (Hybrid-SORT); a box of low score gets more measurement
    noise; and a last association compares what is left over by buffered IoU (C-BIoU).
    """

    def __init__(self, settings: ByteTrackSettings | None = None) -> None:
        self._settings = settings or ByteTrackSettings()
        self._height_modulated_iou = HeightModulatedIou()
        self.reset()

    def reset(self) -> None:
        self._clock = FrameClock()
        self._now = self._step = 0.0
        self._last_id = 0
        self._rows = self._new_rows(np.zeros((0, 4)), np.zeros(0))

    def update(self, boxes: Float32, scores: Float32, time: float, thresholds: Thresholds) -> TrackedBoxes:
        self._step = self._clock.step(time)
        self._now += self._step
        good = usable(boxes, scores) & (scores >= thresholds.low)
        corners, score = boxes[good].astype(np.float64), scores[good].astype(np.float64)
        is_high = score >= thresholds.keep
        high, low = _true_rows(is_high), _true_rows(~is_high)
        self._predict()
        rows, settings = self._rows, self._settings
        frame = FrameBoxes(
            corners=corners,
            score=score,
            weight=np.minimum(score / max(thresholds.new, 1e-6), 1.0),
            predicted=kalman.to_corners(rows.mean),
            matched=np.full(len(rows.id), -1, np.intp),
        )
        confirmed, tentative = _true_rows(rows.state != _TENTATIVE), _true_rows(rows.state == _TENTATIVE)
        high = self._associate(frame, confirmed, high, settings.match, weighed=True)
        self._associate(frame, _true_rows((rows.state == _TRACKED) & (frame.matched < 0)), low, settings.match_low)
        high = self._associate(frame, tentative, high, settings.match_new, weighed=True)
        high = self._associate_rest(frame, high)

        self._correct(frame)
        self._start(high[score[high] >= thresholds.new], frame)
        return self._seen_now(self._drop_duplicates())

    def _associate(
        self, frame: FrameBoxes, tracks: Index, boxes: Index, least: float, *, weighed: bool = False
    ) -> Index:
        """Assign these boxes to these tracks by similarity; return the boxes that are left over.

        weighed: multiply the similarity by the weight of the box.
        """
        if not tracks.size or not boxes.size:
            return boxes
        similarity = self._similarity(frame, tracks, boxes)
        if weighed:
            similarity *= frame.weight[boxes]
        return self._match(frame, tracks, boxes, similarity, least)

    def _similarity(self, frame: FrameBoxes, tracks: Index, boxes: Index) -> Float64:
        """Similarity of each of these tracks and each of these boxes, [len(tracks), len(boxes)]."""
        return self._height_modulated_iou(frame.predicted[tracks], frame.corners[boxes])

    def _associate_rest(self, frame: FrameBoxes, boxes: Index) -> Index:
        """Assign boxes that are left over by buffered IoU; return those that are left over again."""
        tracks = _true_rows((self._rows.state != _LOST) & (frame.matched < 0))
        if not tracks.size or not boxes.size:
            return boxes
        buffered_iou = iou(frame.predicted[tracks], frame.corners[boxes], self._margin()[tracks])
        return self._match(frame, tracks, boxes, buffered_iou, self._settings.match_far)

    def _match(self, frame: FrameBoxes, tracks: Index, boxes: Index, similarity: Float64, least: float) -> Index:
        """Note the best assignment in `frame.matched`; return the boxes that are left over."""
        rows, columns = assign(similarity, least)
        frame.matched[tracks[rows]] = boxes[columns]
        return boxes[unmatched(len(boxes), columns)]

    def _predict(self) -> None:
        """Predict the state of all tracks for this frame."""
        rows = self._rows
        rows.mean[rows.state != _TRACKED, 6:] = 0.0  # the last estimate of growth must not change the size for long
        kalman.predict(rows.mean, rows.covariance, self._step)

    def _margin(self) -> Float64:
        """By how much the box of each track is enlarged for the buffered IoU, pixels, [N]."""
        height = self._rows.mean[:, 3]
        deviation = np.sqrt(self._rows.covariance[:, 0, kalman.POSITION])
        return np.asarray(np.clip(self._settings.reach * (deviation - _USUAL_DEVIATION * height), 0.0, 0.5 * height))

    def _correct(self, frame: FrameBoxes) -> None:
        """Correct the tracks that have a box; drop those that have had none for too long."""
        rows = self._rows
        is_matched = frame.matched >= 0
        matched = _true_rows(is_matched)
        box = frame.matched[matched]
        noise = 1 + self._settings.doubt * (1 - frame.weight[box])
        rows.mean[matched], rows.covariance[matched] = kalman.correct(
            rows.mean[matched], rows.covariance[matched], kalman.to_centre(frame.corners[box]), noise
        )
        rows.score[matched] = frame.score[box]
        rows.seen[matched] = self._now
        was_tentative = rows.state == _TENTATIVE
        rows.state[matched] = _TRACKED
        rows.state[~is_matched & ~was_tentative] = _LOST
        stays = is_matched | (~was_tentative & (self._now - rows.seen <= self._settings.buffer))
        if not stays.all():
            rows.keep(stays)

    def _start(self, boxes: Index, frame: FrameBoxes) -> None:
        """Start a track with each of these boxes."""
        if boxes.size:
            self._rows.add(self._new_rows(frame.corners[boxes], frame.score[boxes]))

    def _new_rows(self, corners: Float64, score: Float64) -> TrackRows:
        """Tracks that start in this frame with these boxes [K, 4] and scores [K]."""
        count = len(corners)
        mean, covariance = kalman.start(kalman.to_centre(corners))
        first_id = self._last_id + 1
        self._last_id += count
        now = np.full(count, self._now)
        return TrackRows(
            mean=mean,
            covariance=covariance,
            id=np.arange(first_id, first_id + count),
            state=np.full(count, _TRACKED if self._clock.frames == 1 else _TENTATIVE),
            born=np.full(count, self._clock.frames),
            started=now,
            seen=now.copy(),
            score=score,
        )

    def _drop_duplicates(self) -> Float64:
        """Drop one of a seen and a lost track that are the same person; return the boxes of the rest, [N, 4]."""
        rows = self._rows
        corners = kalman.to_corners(rows.mean)
        tracked, lost = _true_rows(rows.state == _TRACKED), _true_rows(rows.state == _LOST)
        if not tracked.size or not lost.size:
            return corners
        a, b = np.nonzero(iou(corners[tracked], corners[lost]) > self._settings.duplicate)
        if not a.size:
            return corners
        a, b = tracked[a], lost[b]
        followed = rows.seen - rows.started
        keep = np.ones(len(rows.id), np.bool_)
        keep[np.where(followed[a] > followed[b], b, a)] = False
        rows.keep(keep)
        return corners[keep]

    def _seen_now(self, corners: Float64) -> TrackedBoxes:
        """The confirmed tracks seen in this frame; corners [N, 4]: the boxes of all tracks."""
        rows = self._rows
        shown = _true_rows(rows.state == _TRACKED)
        return TrackedBoxes(
            boxes=corners[shown].astype(np.float32),
            ids=rows.id[shown],
            scores=rows.score[shown].astype(np.float32),
            ages=(self._clock.frames - rows.born[shown] + 1).astype(np.int32),
        )


def _true_rows(which: Bool) -> Index:
    """The numbers of the rows [N] that are True: np.flatnonzero in half the time, for ten calls per frame."""
    return which.nonzero()[0]
