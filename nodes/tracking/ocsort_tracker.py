"""OC-SORT: what was seen is trusted more than what the motion model made of it.

Cao et al., "Observation-Centric SORT: Rethinking SORT for Robust Multi-Object Tracking", CVPR 2023. Its three parts
are here as in the paper: the direction in which a person walked speaks for a box (momentum); who is found again
is followed along the straight way between the two sights, as if he had been seen there (re-update); and what is left
over is compared with the last boxes seen (recovery). The frame around them is ByteTrack's, with its second look at
doubtful boxes, as in the authors' own variant.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from metrica.nodes.geometry.arrays import Float64, Index
from metrica.nodes.tracking import kalman
from metrica.nodes.tracking.bytetrack_tracker import ByteTracker, ByteTrackSettings, FrameBoxes, TrackRows
from metrica.nodes.tracking.frame_clock import REFERENCE_FPS

_TRAIL = 4
"""The direction of a track is that from the first to the last of so many sights (the paper: three frames)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OcSortSettings(ByteTrackSettings):
    """As for ByteTrack, and:"""

    momentum: float = 0.2
    """How much the direction weighs beside the overlap."""
    recover: float = 0.5
    """Least similarity of a track's last box seen and a box that nobody took."""


@dataclass
class _ObservedRows(TrackRows):
    """Tracks with what was seen of them."""

    box: Float64
    """The last box, corners [N, 4]."""
    trail: Float64
    """The centres of the last sights, the newest last, [N, _TRAIL, 2]; at the beginning the first one repeated."""
    last_mean: Float64
    """The filter as the last sight left it: mean [N, 8]"""
    last_covariance: Float64
    """and covariance [N, 4, 3]."""


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

    def _similarity(self, frame: FrameBoxes, tracks: Index, found: Index) -> Float64:
        similarity = super()._similarity(frame, tracks, found)
        trail = self._rows.trail[tracks]
        walked = trail[:, -1] - trail[:, 0]
        way = kalman.to_centre(frame.corners[found])[None, :, :2] - trail[:, -1, None]
        lengths = np.hypot(walked[:, 0], walked[:, 1])[:, None] * np.hypot(way[..., 0], way[..., 1])
        cosine = (way @ walked[:, :, None])[..., 0] / np.maximum(lengths, 1e-9)
        # From 0 (turned back) to 1 (straight on); a half where nobody knows, as for who stood still.
        straight = 1 - np.arccos(np.clip(cosine, -1.0, 1.0)) / np.pi
        return np.asarray(similarity * (1 + self._oc.momentum * (straight - 0.5)))

    def _associate_rest(self, frame: FrameBoxes, found: Index) -> Index:
        found = super()._associate_rest(frame, found)
        tracks = np.flatnonzero(frame.matched < 0)
        if not tracks.size or not found.size:
            return found
        last, corners = self._rows.box[tracks], frame.corners[found]
        return self._give(frame, tracks, found, self._upright_iou(last, corners), self._oc.recover)

    def _correct(self, frame: FrameBoxes) -> None:
        rows = self._rows
        hit = np.flatnonzero(frame.matched >= 0)
        box = frame.corners[frame.matched[hit]]
        unseen = self._now - rows.seen[hit]
        for i in np.flatnonzero(unseen > 1.5 * self._step).tolist():
            self._follow_straight(int(hit[i]), box[i], float(unseen[i]))
        rows.box[hit] = box
        rows.trail[hit] = np.concatenate((rows.trail[hit, 1:], kalman.to_centre(box)[:, None, :2]), axis=1)
        super()._correct(frame)
        seen = rows.seen == self._now
        rows.last_mean[seen], rows.last_covariance[seen] = rows.mean[seen], rows.covariance[seen]

    def _follow_straight(self, row: int, box: Float64, seconds: float) -> None:
        """Let the filter see the boxes on the straight way from the last sight to this one, but for the last."""
        rows, steps = self._rows, max(round(seconds * REFERENCE_FPS), 1)
        mean, covariance = rows.last_mean[row : row + 1].copy(), rows.last_covariance[row : row + 1].copy()
        first, last = kalman.to_centre(np.stack((rows.box[row], box)))
        for i in range(1, steps + 1):
            kalman.predict(mean, covariance, seconds / steps)
            if i < steps:
                mean, covariance = kalman.correct(mean, covariance, (first + (last - first) * i / steps)[None])
        rows.mean[row], rows.covariance[row] = mean[0], covariance[0]
