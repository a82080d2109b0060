"""Reads sequences in MOTChallenge's layout with recorded detections.

FOLDER/sequences/NAME holds seqinfo.ini, gt/gt.txt, and detections in det/, det_yolox/ or det_sort_frcnn/, plain or as
.gz. FOLDER/counting_truth.json holds lines and crossings, FOLDER/peers.json the scores of other trackers.
"""

from __future__ import annotations

import configparser
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from metrica.messages import Thresholds
from metrica.nodes.geometry.arrays import Float32, Float64
from metrica.nodes.tracking.tracker import TrackedBoxes, Tracker

THRESHOLDS = Thresholds(new=0.7, keep=0.6, low=0.1)
"""ByteTrack's thresholds for all kinds of detections; the peers' scores were made with them."""
KINDS = {"yolox": "det_yolox", "frcnn": "det", "other": "det_sort_frcnn"}
"""The kinds of detections, and the folder of each."""
PEERS = {"yolox": "mot17-yolox-half", "frcnn": "mot17-frcnn"}
"""The key in peers.json for each kind."""


@dataclass(frozen=True, slots=True)
class Sequence:
    """One sequence; frames are numbered from 0."""

    name: str
    fps: float
    size: tuple[int, int]
    boxes: list[Float32]
    """For each frame x1, y1, x2, y2 in pixels, [N, 4]."""
    scores: list[Float32]
    truth: Float64
    """The lines of gt.txt, whose frames are numbered from 1."""

    def __len__(self) -> int:
        return len(self.boxes)

    def track(self, tracker: Tracker) -> list[TrackedBoxes]:
        """Run a tracker over all frames; returns its tracks for each."""
        frames = zip(self.boxes, self.scores, strict=True)
        return [tracker.update(b, s, i / self.fps, THRESHOLDS) for i, (b, s) in enumerate(frames)]


def sequences(data: Path, kind: str) -> Iterator[Sequence]:
    """The sequences with detections of this kind; with YOLOX, the half that the network was not trained on.

    `frcnn` gives the MOT17 sequences only: the plain detections of older challenges come from other detectors.
    """
    for folder in sorted((data / "sequences").iterdir()):
        if (folder / KINDS[kind]).is_dir() and (kind != "frcnn" or folder.name.startswith("MOT17")):
            yield read(folder, KINDS[kind], half=kind == "yolox")


def read(folder: Path, detections: str, *, half: bool) -> Sequence:
    """Read a sequence. half: of n frames, only those from n // 2 + 2 on. Raises OSError if a file is missing."""
    ini = configparser.ConfigParser()
    ini.read_string((folder / "seqinfo.ini").read_text())
    about = ini["Sequence"]
    count = int(about["seqLength"])
    skipped = count // 2 + 1 if half else 0
    found, truth = _table(folder / detections / "det.txt", skipped), _table(folder / "gt" / "gt.txt", skipped)
    found = found[np.argsort(found[:, 0], kind="stable")]
    rows = [found[a:b] for a, b in _spans(found[:, 0], count - skipped)]
    return Sequence(
        name=folder.name,
        fps=float(about["frameRate"]),
        size=(int(about["imWidth"]), int(about["imHeight"])),
        boxes=[np.concatenate((r[:, 2:4], r[:, 2:4] + r[:, 4:6]), axis=1).astype(np.float32) for r in rows],
        scores=[r[:, 6].astype(np.float32) for r in rows],
        truth=truth,
    )


def _table(path: Path, skipped: int) -> Float64:
    plain = path if path.exists() else path.with_name(path.name + ".gz")
    table = np.loadtxt(plain, delimiter=",", ndmin=2)
    table = table[table[:, 0] > skipped]
    table[:, 0] -= skipped
    return table


def _spans(frames: Float64, count: int) -> Iterator[tuple[int, int]]:
    edges = np.searchsorted(frames, np.arange(1, count + 2)).tolist()
    return pairwise(edges)


def save_detections(path: Path, sequence: Sequence) -> None:
    """Write the detections as .npz for the peers, which run in another Python environment."""
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(
        path,
        frame=np.repeat(np.arange(len(sequence)), [len(b) for b in sequence.boxes]),
        boxes=np.concatenate(sequence.boxes),
        scores=np.concatenate(sequence.scores),
        frames=len(sequence),
        fps=sequence.fps,
        size=sequence.size,
        truth=sequence.truth,
    )


def save_tracks(path: Path, tracks: list[TrackedBoxes]) -> None:
    """Write tracks as .npz for the peers."""
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(
        path,
        frame=np.repeat(np.arange(len(tracks)), [len(t.ids) for t in tracks]),
        boxes=np.concatenate([t.boxes for t in tracks]),
        ids=np.concatenate([t.ids for t in tracks]),
        scores=np.concatenate([t.scores for t in tracks]),
    )
