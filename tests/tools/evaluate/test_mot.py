"""The tracking metrics are those of TrackEval 1.3: the numbers here were computed with it, from the same files."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from metrica.errors import ParameterError
from metrica.messages import Thresholds
from metrica.nodes.geometry.arrays import Float64
from metrica.nodes.tracking.bytetrack_tracker import ByteTracker
from metrica.tools.evaluate.mot import Compared, MotScores, score
from metrica.tools.evaluate.mot_files import compare, follow, read_mot
from tests.clips import REAL
from tests.paths import SHARED

TRACKEVAL = {
    # HOTA, DetA, AssA, MOTA, IDF1, IDSW
    "switch": (43.609, 74.246, 25.732, 97.5, 52.5, 2),
    "fragment": (52.318, 56.844, 48.19, 72.5, 67.097, 1),
    "gaps": (61.563, 60.973, 62.242, 80.263, 89.655, 0),
    "classes": (36.245, 52.702, 25.017, 57.5, 42.857, 2),
}
TRACKEVAL_REAL = {
    "MOT17-05": (48.162, 58.129, 39.923, 72.994, 60.51, 59),
    "TUD-Stadtmitte": (46.94, 61.219, 36.007, 77.249, 57.689, 11),
}


def jitter(frame: int, k: int) -> Float64:
    """The same small error each time, without a random generator whose numbers may change."""
    return np.array([((frame * (7 + i) + 5 * k) % 9 - 4) * 1.5 for i in range(4)])


def made(kind: str) -> tuple[Float64, Float64]:
    """Two people who walk towards each other and past, and what a tracker makes of them: rows of 9 numbers."""
    truth: list[list[Any]] = []
    tracks: list[list[Any]] = []
    for f in range(1, 41):
        a, b = (10 + 6 * f, 50, 40, 90), (260 - 6 * f, 56, 40, 90)
        there = [] if kind == "gaps" and f in (10, 11) else [(1, a), (2, b)]
        known = (1, 1) if kind == "classes" else (1, -1)  # counts, class
        truth += [[f, person, *box, *known, -1] for person, box in there]
        first, second = (2, 1) if kind in ("switch", "classes") and f > 20 else (1, 2)
        if kind == "fragment" and f > 25:
            first = 3
        if not (kind == "fragment" and 18 <= f <= 25) and not (kind == "gaps" and f in (30, 31, 32)):
            tracks.append([f, first, *(np.array(a) + jitter(f, 1)), 1, -1, -1])
        if not (kind != "switch" and f % 7 == 0) and not (kind == "gaps" and f in (30, 31, 32)):
            tracks.append([f, second, *(np.array(b) + jitter(f, 2)), 1, -1, -1])
        if kind == "fragment" and f % 5 == 0:
            tracks.append([f, 70 + f, 600, 300, 30, 60, 1, -1, -1])
        if kind == "classes":  # a person in a car, somebody hidden who does not count, and tracks on both
            truth += [[f, 9, 400, 50, 40, 90, 0, 7, 1], [f, 10, 500, 50, 40, 90, 0, 1, 0.2]]
            tracks.append([f, 50, 402, 51, 40, 90, 1, -1, -1])
            if f % 3:
                tracks.append([f, 51, 501, 52, 38, 90, 1, -1, -1])
    return np.array(truth, np.float64), np.array(tracks, np.float64)


def worsened(truth: Float64) -> Float64:
    """Tracks from ground truth: shifted, some left out, ids that change now and then, and boxes on nothing."""
    people = truth[(truth[:, 6] != 0) | (truth[:, 1] % 3 == 0)].copy()
    order = np.arange(len(people))
    people[:, 2:4] += np.stack((order * 7 % 11 - 5, order * 5 % 13 - 6), axis=1) * people[:, 4:5] / 30
    people[:, 1] += 1000 * ((people[:, 0] + people[:, 1] * 17) // 120)
    people[:, 2] += np.where(order % 23 == 0, 4000, 0)
    return np.asarray(people[order % 7 != 0])


def numbers(s: MotScores) -> tuple[float, ...]:
    return (s.hota, s.det_a, s.ass_a, s.mota, s.idf1, s.id_switches)


def saved(path: Path, rows: Float64) -> Path:
    np.savetxt(path, rows, fmt="%.3f", delimiter=",")
    return path


@pytest.mark.parametrize("kind", [*TRACKEVAL, *(TRACKEVAL_REAL if REAL else ())])
def test_the_scores_are_those_of_trackeval(tmp_path: Path, kind: str) -> None:
    """Of small sequences made here, and of real ones: with distractors, and with world coordinates for the class."""
    if kind in TRACKEVAL:
        truth, tracks = made(kind)
        frames = compare(read_mot(saved(tmp_path / "gt.txt", truth)), read_mot(saved(tmp_path / "tracks.txt", tracks)))
    else:
        (file,) = (SHARED / "mot" / "sequences" / kind / "gt").iterdir()
        truth = read_mot(file)
        frames = compare(truth, worsened(truth))
    assert numbers(score(frames)) == pytest.approx((TRACKEVAL | TRACKEVAL_REAL)[kind], abs=0.01)


def test_perfect_tracks_score_a_hundred_and_none_score_nothing() -> None:
    truth, _ = made("switch")
    perfect = score(compare(truth, truth))
    assert numbers(perfect) == pytest.approx((100, 100, 100, 100, 100, 0))
    assert numbers(score(compare(truth, np.zeros((0, 9))))) == (0, 0, 0, 0, 0, 0)


def test_an_empty_sequence_is_no_error() -> None:
    empty = Compared(np.zeros(0, np.intp), np.zeros(0, np.intp), np.zeros((0, 0)))
    assert numbers(score([empty])) == (0, 0, 0, 0, 0, 0)
    assert numbers(score([])) == (0, 0, 0, 0, 0, 0)


def test_a_part_of_the_frames_can_be_scored() -> None:
    truth, tracks = made("switch")
    assert score(compare(truth, tracks, 1, 20)).id_switches == 0
    assert score(compare(truth, tracks, 21)).id_switches == 0
    assert score(compare(truth, tracks, 15, 25)).id_switches == 2


@pytest.mark.parametrize("sequence", ["made", *(["TUD-Campus"] if REAL else [])])
def test_detections_are_followed_by_any_tracker(sequence: str) -> None:
    if sequence == "made":
        truth, detections = made("switch")
        detections[:, 1] = -1  # nobody has said who is who
    else:
        folder = SHARED / "mot" / "sequences" / sequence
        truth, detections = read_mot(folder / "gt" / "gt.txt"), read_mot(folder / "det_sort_frcnn" / "det.txt")
    tracks = follow(detections, ByteTracker(), Thresholds(new=0.7, keep=0.6, low=0.1), 25.0)
    assert score(compare(truth, tracks)).idf1 > 60


def test_compressed_files_are_read_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "gt.txt.gz"
    with gzip.open(path, "wt") as file:
        file.write("1,1,10,20,30,40,1\n")
    assert read_mot(path).tolist() == [[1, 1, 10, 20, 30, 40, 1, -1, -1]]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("hello", "is not a file of the MOT challenge"),
        ("1,2,3\n", "needs numbers for frame, id, left"),
        (None, "No such"),
    ],
)
def test_files_that_are_none_are_named(tmp_path: Path, text: str | None, words: str) -> None:
    path = tmp_path / "gt.txt"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ParameterError) as caught:
        read_mot(path)
    assert words in str(caught.value) or "not found" in str(caught.value)
    assert "gt.txt" in str(caught.value)


def test_an_id_twice_in_one_frame_is_refused() -> None:
    truth, tracks = made("switch")
    with pytest.raises(ParameterError, match="the tracks have one id twice in frame 1"):
        compare(truth, np.concatenate((tracks, tracks[:1])))
