"""Files of the MOT challenge, read and prepared as its own evaluation does.

A line of a file is frame, id, left, top, width, height, score, and in ground truth also class and visibility. Frames
are numbered from 1. If the truth names classes (MOT16 and later), tracks on distractors (people on vehicles, sitting
people, reflections, …) are removed first: they count neither as right nor as wrong.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
from scipy.optimize import linear_sum_assignment

from metrica.errors import ParameterError
from metrica.messages import Thresholds
from metrica.nodes.geometry.arrays import Float64
from metrica.nodes.geometry.association import iou
from metrica.nodes.tracking.tracker import Tracker
from metrica.tools.evaluate.mot import Compared

_FRAME, _ID, _BOX, _SCORE, _CLASS = 0, 1, slice(2, 6), 6, 7
_PEDESTRIAN = 1
_DISTRACTORS = (2, 7, 8, 12)
"""Person on a vehicle, static person, distractor, reflection."""
_CLASSES = 13
_OVERLAP = 0.5
_EPS = float(np.finfo(np.float64).eps)


def read_mot(path: Path) -> Float64:
    """The lines of a file, plain or .gz, [N, 9]; missing columns are -1. Raises ParameterError."""
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*input contained no data.*")
            rows = np.loadtxt(path, delimiter=",", dtype=np.float64, ndmin=2)
    except OSError as error:
        raise ParameterError("mot", f"{path} cannot be read: {error.strerror or error}") from None
    except ValueError as error:
        raise ParameterError("mot", f"{path} is not a file of the MOT challenge: {error}") from None
    if not rows.size:
        return np.zeros((0, 9))
    if rows.shape[1] < 6 or not np.isfinite(rows).all():
        raise ParameterError("mot", f"{path} needs numbers for frame, id, left, top, width, height on each line")
    wide = np.full((len(rows), 9), -1.0)
    wide[:, : min(9, rows.shape[1])] = rows[:, :9]
    return wide


def compare(truth: Float64, tracks: Float64, first: int = 1, last: int | None = None) -> list[Compared]:
    """Compare both files frame by frame, from frame `first` to `last`.

    Raises ParameterError if an id occurs twice in a frame.
    """
    end = last or int(max(truth[:, _FRAME].max(initial=0), tracks[:, _FRAME].max(initial=0)))
    truth = truth[(truth[:, _FRAME] >= first) & (truth[:, _FRAME] <= end)]
    tracks = tracks[(tracks[:, _FRAME] >= first) & (tracks[:, _FRAME] <= end)]
    # MOT15 has -1 there, or the first of three coordinates in metres.
    classes = len(truth) > 0 and bool(np.isin(truth[:, _CLASS], np.arange(1, _CLASSES + 1)).all())
    prepared: list[tuple[Float64, Float64, Float64]] = []
    for frame in range(first, end + 1):
        there, found = truth[truth[:, _FRAME] == frame], tracks[tracks[:, _FRAME] == frame]
        for rows, what in ((there, "the ground truth"), (found, "the tracks")):
            if len(np.unique(rows[:, _ID])) < len(rows):
                raise ParameterError("mot", f"{what} have one id twice in frame {frame}: an id names one box")
        overlap = iou(_corners(there), _corners(found))
        if classes:
            keep = ~_on_distractors(there, overlap)
            found, overlap = found[keep], overlap[:, keep]
        counts = there[:, _SCORE] != 0
        if classes:
            counts &= there[:, _CLASS] == _PEDESTRIAN
        prepared.append((there[counts, _ID], found[:, _ID], overlap[counts]))
    people = np.unique(np.concatenate([np.zeros(0), *(p[0] for p in prepared)]))
    tracked = np.unique(np.concatenate([np.zeros(0), *(p[1] for p in prepared)]))
    return [Compared(np.searchsorted(people, t), np.searchsorted(tracked, f), o) for t, f, o in prepared]


def follow(detections: Float64, tracker: Tracker, thresholds: Thresholds, fps: float, first: int = 1) -> Float64:
    """Run a tracker over recorded detections, from frame `first` on. Returns tracks [N, 9] as `read_mot` does."""
    rows = [np.zeros((0, 9))]
    for frame in range(first, int(detections[:, _FRAME].max(initial=0)) + 1):
        now = detections[detections[:, _FRAME] == frame]
        found = tracker.update(
            _corners(now).astype(np.float32), now[:, _SCORE].astype(np.float32), (frame - 1) / fps, thresholds
        )
        size = found.boxes[:, 2:] - found.boxes[:, :2]
        new = np.full((len(found.ids), 9), -1.0)
        new[:, _FRAME], new[:, _ID] = frame, found.ids
        new[:, _BOX] = np.concatenate((found.boxes[:, :2], size), axis=1)
        new[:, _SCORE] = found.scores
        rows.append(new)
    return np.concatenate(rows)


def _corners(rows: Float64) -> Float64:
    box = rows[:, _BOX]
    return np.concatenate((box[:, :2], box[:, :2] + box[:, 2:]), axis=1)


def _on_distractors(there: Float64, overlap: Float64) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Which tracks match a distractor better than a pedestrian, [M]."""
    on = np.zeros(overlap.shape[1], np.bool_)
    worth = np.where(overlap < _OVERLAP - _EPS, 0.0, overlap)
    rows, columns = linear_sum_assignment(worth, maximize=True)
    made = worth[rows, columns] > _EPS
    rows, columns = rows[made], columns[made]
    on[columns[np.isin(there[rows, _CLASS], _DISTRACTORS)]] = True
    return on
