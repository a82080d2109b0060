"""Measures how well people are tracked, beside other trackers on the same detections, and the CPU time.

    python -m benchmarks.tracking [--data FOLDER] [--tracker bytetrack] [--peers-python PYTHON]

HOTA, IDF1 and MOTA are computed by trackeval with the standard preprocessing: for our trackers and roboflow `trackers`'
ByteTrack, which run here, and taken from FOLDER/peers.json for other peers. Differences are those of the means over the
sequences that all have. Speed is the median CPU time per frame on one thread, on a made scene of walking people; ours
and the peer take turns.
"""

from __future__ import annotations

import os

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")  # before numpy is loaded: one thread

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.harness import figure
from benchmarks.mot.data import PEERS, THRESHOLDS, Sequence, save_detections, save_tracks, sequences
from benchmarks.mot.environment import Peers, add_arguments, open_peers
from metrica.nodes.tracking.bytetrack_tracker import ByteTracker
from metrica.nodes.tracking.ocsort_tracker import OcSortTracker
from metrica.nodes.tracking.sort_tracker import SortTracker
from metrica.nodes.tracking.tracker import Tracker

TRACKERS: dict[str, Callable[[], Tracker]] = {"bytetrack": ByteTracker, "ocsort": OcSortTracker, "sort": SortTracker}
TURNS = 5
SHOWN = ("HOTA", "DetA", "AssA", "MOTA", "IDF1", "IDSW")
Scores = dict[str, dict[str, float]]
"""By sequence and metric."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_arguments(parser)
    parser.add_argument(
        "--tracker", choices=TRACKERS, default="bytetrack", help="which of our trackers the figures are for"
    )
    args = parser.parse_args()
    peers = open_peers(args, parser)
    recorded = json.loads((args.data / "peers.json").read_text())
    better: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        for kind in PEERS:
            scores = run_all(args.data, kind, work / kind, peers)
            better[kind] = compare(kind, scores, recorded[PEERS[kind]], args.tracker)
        speedups = {people: speedup(people, work, peers, TRACKERS[args.tracker]) for people in (50, 200)}
    for kind, metric in (("yolox", "HOTA"), ("yolox", "IDF1"), ("frcnn", "HOTA"), ("frcnn", "IDF1")):
        figure(f"{kind}_{metric.lower()}_minus_best_peer", better[kind][metric], goal="> 0")
    for people, times in speedups.items():
        figure(f"speedup_over_trackers_at_{people}", times, "times", goal=">= 5")


def run_all(data: Path, kind: str, folder: Path, peers: Peers) -> dict[str, Scores]:
    """Scores of all our trackers, and of the peer that runs here."""
    for sequence in sequences(data, kind):
        save_detections(folder / sequence.name / "detections.npz", sequence)
        for name, make in TRACKERS.items():
            save_tracks(folder / sequence.name / f"{name}.npz", sequence.track(make()))
    peers.call("track", *sorted(folder.iterdir()))
    scores: dict[str, Scores] = peers.ask("score", folder, *TRACKERS, "rf-bytetrack")
    return scores


def compare(kind: str, scores: dict[str, Scores], recorded: dict[str, Scores], ours: str) -> dict[str, float]:
    """Print all scores, the best last; returns the differences of HOTA and IDF1 to the best peer."""
    names = [name for name in scores[ours] if name != "ALL" and all(name in peer for peer in recorded.values())]
    print(f"\n{kind}: {', '.join(names)}" if names else f"\n{kind}: no sequence that peers.json knows")
    for name, values in scores[ours].items():
        print(f"  {ours:24} {name:10}", *(f"{m} {values[m]:.1f}" for m in SHOWN))
    everybody = {f"{n} (peers.json)": s for n, s in recorded.items()}
    everybody |= {n if n in TRACKERS else f"{n} (this run)": s for n, s in scores.items()}
    means = {n: {m: float(np.mean([s[q][m] for q in names])) for m in SHOWN} for n, s in everybody.items()}
    for name in sorted(means, key=lambda n: means[n]["HOTA"]):
        print(f"  {name:24} mean      ", *(f"{m} {means[name][m]:.2f}" for m in SHOWN))
    others = [n for n in means if n not in TRACKERS]
    return {m: means[ours][m] - max(means[n][m] for n in others) for m in ("HOTA", "IDF1")}


def speedup(people: int, folder: Path, peers: Peers, make: Callable[[], Tracker]) -> float:
    """How many times faster our tracker is than the peer on the same frames: the median of some turns."""
    scene = walkers(people)
    save_detections(folder / "speed.npz", scene)
    ratios: list[float] = []
    for _ in range(TURNS):  # in turns: other load on the machine slows both
        tracker, seconds = make(), []
        for i, (boxes, scores) in enumerate(zip(scene.boxes, scene.scores, strict=True)):
            start = time.process_time()
            tracker.update(boxes, scores, i / scene.fps, THRESHOLDS)
            seconds.append(time.process_time() - start)
        ours, theirs = float(np.median(seconds)) * 1e3, float(peers.ask("speed", folder / "speed.npz"))
        print(f"{people} people: ours {ours:.3f} ms, rf-bytetrack {theirs:.3f} ms of CPU per frame")
        ratios.append(theirs / ours)
    return float(np.median(ratios))


def walkers(people: int, frames: int = 300) -> Sequence:
    """People who walk straight across 1920x1080; of the boxes, 5 % are missing and 10 % have a low score."""
    rng = np.random.default_rng(0)
    at, way = rng.uniform(0, 1, (people, 2)) * [1800, 900], rng.normal(0, 40, (people, 2))
    size = np.column_stack((rng.uniform(30, 60, people), rng.uniform(80, 160, people)))
    boxes, scores = [], []
    for i in range(frames):
        seen = rng.uniform(size=people) > 0.05
        centre = at + way * i / 30 + rng.normal(0, 2, at.shape)
        boxes.append(np.concatenate((centre - size / 2, centre + size / 2), axis=1).astype(np.float32)[seen])
        scores.append(np.where(rng.uniform(size=people) < 0.1, 0.4, 0.9).astype(np.float32)[seen])
    return Sequence("walkers", 30.0, (1920, 1080), boxes, scores, np.zeros((0, 9)))


if __name__ == "__main__":
    main()
