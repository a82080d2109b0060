"""OC-SORT: trusts what was observed more than what the motion model has estimated.

Cao et al., "Observation-Centric SORT: Rethinking SORT for Robust Multi-Object Tracking", CVPR 2023. Its three parts
are as in the paper:

- momentum (OCM): a box in the direction in which the person walked is more similar;
- re-update (ORU): when a lost track is found again, the filter is run again as if the person had been seen on the
  straight line between the last box and the new one;
- recovery (OCR): boxes that are left over are compared with the last observed box of each track.

The rest is ByteTrack, with its second association for boxes of low score, as in the authors' own variant.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from metrica.nodes.geometry.arrays import Float64, Index
from metrica.nodes.tracking import kalman
from metrica.nodes.tracking.bytetrack_tracker import ByteTracker, ByteTrackSettings, FrameBoxes, TrackRows
from metrica.nodes.tracking.frame_clock import REFERENCE_FPS

_TRAIL = 4
"""The direction of a track is that from the first to the last of this many observations (the paper: three frames)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OcSortSettings(ByteTrackSettings):
    """What can be tuned, in addition to ByteTrack's settings."""

    momentum: float = 0.2
    """Weight of the direction: the similarity is multiplied by 1 + momentum / 2 for a box straight on, by 1 - momentum
    / 2 for one straight back."""
    recover: float = 0.5
    """Least similarity of the last observed box of a track and a box, both left over."""


@dataclass
class _ObservedRows(TrackRows):
    """All tracks, with their observations (the boxes that they were matched with)."""

    box: Float64
    """Last observed box, x1, y1, x2, y2, pixels, [N, 4]."""
    trail: Float64
    """Centres of the last observations, the newest last, pixels, [N, _TRAIL, 2]. Filled up with the first one."""
    last_mean: Float64
    """State of the filter after the last observation, [N, 8]."""
    last_covariance: Float64
    """Covariance of the filter after the last observation, [N, 4, 3]."""


class OcSortTracker(ByteTracker):
    """OC-SORT for one camera."""

    _rows: _ObservedRows

    def __init__(self, settings: OcSortSettings | None = None) -> None:
        self._oc = settings or OcSortSettings()
        super().__init__(self._oc)

    def _new_rows(self, corners: Float64, score: Float64) -> TrackRows:
        rows = super()._new_rows(corners, score)
        centre = kalman.to_centre(corners)[:, :2]
        return _ObservedRows(
            **vars(rows),
            box=corners.copy(),
            trail=np.repeat(centre[:, None, :], _TRAIL, axis=1),
            last_mean=rows.mean.copy(),
            last_covariance=rows.covariance.copy(),
        )

    def _similarity(self, frame: FrameBoxes, tracks: Index, boxes: Index) -> Float64:
        similarity = super()._similarity(frame, tracks, boxes)
        trail = self._rows.trail[tracks]
        walked = trail[:, -1] - trail[:, 0]
        to_box = kalman.to_centre(frame.corners[boxes])[None, :, :2] - trail[:, -1, None]
        lengths = np.hypot(walked[:, 0], walked[:, 1])[:, None] * np.hypot(to_box[..., 0], to_box[..., 1])
        cosine = (to_box @ walked[:, :, None])[..., 0] / np.maximum(lengths, 1e-9)
        # From 0 (turned round) to 1 (straight on); 0.5 where a direction is unknown, as for people who stand still.
        straightness = 1 - np.arccos(np.clip(cosine, -1.0, 1.0)) / np.pi
        return np.asarray(similarity * (1 + self._oc.momentum * (straightness - 0.5)))

    def _associate_rest(self, frame: FrameBoxes, boxes: Index) -> Index:
        boxes = super()._associate_rest(frame, boxes)
        tracks = np.flatnonzero(frame.matched < 0)
        if not tracks.size or not boxes.size:
            return boxes
        similarity = self._height_modulated_iou(self._rows.box[tracks], frame.corners[boxes])
        return self._match(frame, tracks, boxes, similarity, self._oc.recover)

    def _correct(self, frame: FrameBoxes) -> None:
        rows = self._rows
        matched = np.flatnonzero(frame.matched >= 0)
        box = frame.corners[frame.matched[matched]]
        unseen = self._now - rows.seen[matched]
        for i in np.flatnonzero(unseen > 1.5 * self._step).tolist():
            self._re_update(int(matched[i]), box[i], float(unseen[i]))
        rows.box[matched] = box
        rows.trail[matched] = np.concatenate((rows.trail[matched, 1:], kalman.to_centre(box)[:, None, :2]), axis=1)
        super()._correct(frame)
        seen = rows.seen == self._now
        rows.last_mean[seen], rows.last_covariance[seen] = rows.mean[seen], rows.covariance[seen]

    def _re_update(self, row: int, box: Float64, seconds: float) -> None:
        """Run the filter of a lost track again, with virtual boxes on the straight line to the box that was found.

        box: x1, y1, x2, y2, [4]; seconds: since the last observation. The last step is only predicted, not corrected:
        `_correct` does that with the real box.
        """
        rows, steps = self._rows, max(round(seconds * REFERENCE_FPS), 1)
        mean, covariance = rows.last_mean[row : row + 1].copy(), rows.last_covariance[row : row + 1].copy()
        first, last = kalman.to_centre(np.stack((rows.box[row], box)))
        for i in range(1, steps + 1):
            kalman.predict(mean, covariance, seconds / steps)
            if i < steps:
                mean, covariance = kalman.correct(mean, covariance, (first + (last - first) * i / steps)[None])
        rows.mean[row], rows.covariance[row] = mean[0], covariance[0]
