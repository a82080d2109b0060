"""Compare tracks with ground truth: HOTA, CLEAR MOT and identity metrics, as pure functions.

HOTA, DetA, AssA: Luiten et al. 2021. MOTA, IDSW: Bernardin and Stiefelhagen 2008. IDF1: Ristani et al. 2016. The order
of the steps is that of TrackEval (the reference of the MOT challenge), and so are the results.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment

from metrica.nodes.geometry.arrays import Float64

_ALPHAS: Float64 = np.arange(0.05, 0.99, 0.05)
_THRESHOLD = 0.5
"""The IoU from which a track matches a person, for all metrics but HOTA, which averages over `_ALPHAS`."""
_EPS = float(np.finfo(np.float64).eps)
Index = npt.NDArray[np.intp]
"""An array of indices, of any shape."""


@dataclass(frozen=True, slots=True)
class Compared:
    """One frame: the true people, the tracks, and the overlap of each person with each track."""

    truth: Index
    """The people in the frame, [N], numbered from 0 without gaps over the whole sequence."""
    tracks: Index
    """The tracks in the frame, [M], numbered from 0 without gaps over the whole sequence."""
    overlap: Float64
    """Intersection over union, [N, M]."""


@dataclass(frozen=True, slots=True)
class MotScores:
    """The scores of one sequence, as in the MOT challenge."""

    hota: float
    """Higher order tracking accuracy, percent: DetA and AssA in one figure."""
    det_a: float
    """Detection accuracy (DetA), percent: how well the people are found, whoever they are."""
    ass_a: float
    """Association accuracy (AssA), percent: how well each track stays with one person."""
    mota: float
    """Multiple object tracking accuracy, percent: at most 100; negative if there are more errors than true boxes."""
    idf1: float
    """Identification F1, percent: the share of boxes in which track and person are the right pair."""
    id_switches: int
    """How often a person got another track than the last one."""
    true_positives: int
    """Boxes of tracks that match a person, at IoU 0.5."""
    false_positives: int
    """Boxes of tracks that match nobody, at IoU 0.5."""
    false_negatives: int
    """Boxes of people that no track matches, at IoU 0.5."""


def score(frames: Sequence[Compared]) -> MotScores:
    """The scores of one sequence."""
    people = 1 + max((int(f.truth.max()) for f in frames if f.truth.size), default=-1)
    tracked = 1 + max((int(f.tracks.max()) for f in frames if f.tracks.size), default=-1)
    hota, det_a, ass_a = _hota(frames, people, tracked)
    hits, false, missed, switches = _clear(frames, people)
    found, total = _identity(frames, people, tracked)
    return MotScores(
        hota=100 * hota,
        det_a=100 * det_a,
        ass_a=100 * ass_a,
        mota=100 * (hits - false - switches) / max(1, hits + missed),
        idf1=100 * found / max(1.0, total / 2),
        id_switches=switches,
        true_positives=hits,
        false_positives=false,
        false_negatives=missed,
    )


def _hota(frames: Sequence[Compared], people: int, tracked: int) -> tuple[float, float, float]:
    together = np.zeros((people, tracked))
    seen_people, seen_tracks = np.zeros((people, 1)), np.zeros((1, tracked))
    for f in frames:
        either = f.overlap.sum(axis=0)[None, :] + f.overlap.sum(axis=1)[:, None] - f.overlap
        share = np.divide(f.overlap, either, out=np.zeros_like(f.overlap), where=either > _EPS)
        together[f.truth[:, None], f.tracks[None, :]] += share
        seen_people[f.truth] += 1
        seen_tracks[0, f.tracks] += 1
    aligned = together / np.maximum(seen_people + seen_tracks - together, 1e-12)
    hits = np.zeros(len(_ALPHAS))
    pairs = np.zeros((len(_ALPHAS), people, tracked))
    for f in frames:
        if f.truth.size and f.tracks.size:
            rows, columns = linear_sum_assignment(aligned[f.truth[:, None], f.tracks] * f.overlap, maximize=True)
            right = f.overlap[rows, columns] >= _ALPHAS[:, None] - _EPS
            hits += right.sum(axis=1)
            pairs[:, f.truth[rows], f.tracks[columns]] += right
    misses, false = seen_people.sum() - hits, seen_tracks.sum() - hits
    # Each match is weighted by how well its person and track agree over the whole sequence (HOTA's AssA).
    kept = pairs * pairs / np.maximum(1, seen_people + seen_tracks - pairs)
    ass_a = kept.sum(axis=(1, 2)) / np.maximum(1, hits)
    det_a = hits / np.maximum(1, hits + misses + false)
    return float(np.sqrt(det_a * ass_a).mean()), float(det_a.mean()), float(ass_a.mean())


def _clear(frames: Sequence[Compared], people: int) -> tuple[int, int, int, int]:
    """True positives, false positives, false negatives, identity switches."""
    hits = false = missed = switches = 0
    latest = np.full(people, -1, np.intp)  # the track that each person last had
    previous = np.full(people, -1, np.intp)  # and had in the frame before
    for f in frames:
        if not f.truth.size or not f.tracks.size:
            false += f.tracks.size
            missed += f.truth.size
            continue
        worth = 1000 * (f.tracks[None, :] == previous[f.truth][:, None]) + f.overlap
        worth[f.overlap < _THRESHOLD - _EPS] = 0
        rows, columns = linear_sum_assignment(worth, maximize=True)
        made = worth[rows, columns] > _EPS
        who, track = f.truth[rows[made]], f.tracks[columns[made]]
        switches += int(((latest[who] >= 0) & (latest[who] != track)).sum())
        latest[who] = track
        previous[:] = -1
        previous[who] = track
        hits += who.size
        false += f.tracks.size - who.size
        missed += f.truth.size - who.size
    return hits, false, missed, switches


def _identity(frames: Sequence[Compared], people: int, tracked: int) -> tuple[int, int]:
    """IDTP, and the numbers of true boxes and track boxes: each track is assigned to at most one person (IDF1)."""
    together = np.zeros((people, tracked))
    total = 0
    for f in frames:
        rows, columns = np.nonzero(f.overlap >= _THRESHOLD)
        together[f.truth[rows], f.tracks[columns]] += 1
        total += f.truth.size + f.tracks.size
    rows, columns = linear_sum_assignment(together, maximize=True)
    return int(together[rows, columns].sum()), total
