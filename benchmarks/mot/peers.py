"""Runs the peers in their own Python environment: roboflow `trackers`, supervision's LineZone, and trackeval.

    PEERS_PYTHON peers.py track FOLDER…          tracks FOLDER/detections.npz by ByteTrack into FOLDER/rf-bytetrack.npz
    PEERS_PYTHON peers.py score FOLDER NAME…     prints JSON: scores of FOLDER/*/NAME.npz against the ground truth
    PEERS_PYTHON peers.py count FILE LINES       prints JSON: crossings of tracks by LineZone, in three settings
    PEERS_PYTHON peers.py speed FILE             prints JSON: median CPU ms per frame of ByteTrack

FOLDER is a sequence as `data.py` writes it. This file imports nothing of Metrica, which is missing there.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
import tempfile
import time
import warnings
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

warnings.filterwarnings("ignore")
NAME = "rf-bytetrack"


def frames_of(table: Any, count: int) -> list[slice]:
    edges = np.searchsorted(table["frame"], np.arange(count + 1))
    return [slice(a, b) for a, b in pairwise(edges.tolist())]


def run_bytetrack(table: Any, count: int, fps: float) -> tuple[list[Any], list[float]]:
    """Track with roboflow's ByteTrack; returns its detections with ids and its CPU seconds, for each frame."""
    import supervision as sv
    from trackers import ByteTrackTracker

    tracker = ByteTrackTracker(frame_rate=fps)
    found, seconds = [], []
    for rows in frames_of(table, count):
        boxes, scores = table["boxes"][rows], table["scores"][rows]
        seen = sv.Detections(xyxy=boxes, confidence=scores, class_id=np.zeros(len(boxes), int))
        start = time.process_time()
        found.append(tracker.update(seen))
        seconds.append(time.process_time() - start)
    return found, seconds


def track(folders: list[Path]) -> None:
    """Track each folder's detections, and write the tracks beside them."""
    for folder in folders:
        table = np.load(folder / "detections.npz")
        found, _ = run_bytetrack(table, int(table["frames"]), float(table["fps"]))
        tracked = [d[d.tracker_id >= 0] for d in found]
        np.savez(
            folder / NAME,
            frame=np.repeat(np.arange(len(tracked)), [len(d) for d in tracked]),
            boxes=np.concatenate([d.xyxy for d in tracked]),
            ids=np.concatenate([d.tracker_id for d in tracked]),
            scores=np.concatenate([d.confidence for d in tracked]),
        )


def speed(file: Path) -> None:
    """Print the median CPU time per frame, milliseconds."""
    table = np.load(file)
    _, seconds = run_bytetrack(table, int(table["frames"]), float(table["fps"]))
    print(json.dumps(float(np.median(seconds)) * 1e3))


def count(file: Path, lines: dict[str, list[float]]) -> None:
    """Print {setting: {line: [[frame, direction], …]}}; frames are numbered from 0."""
    import supervision as sv

    settings = {
        "default": {},
        "feet": {"triggering_anchors": (sv.Position.BOTTOM_CENTER,)},
        "feet, 3 frames": {"triggering_anchors": (sv.Position.BOTTOM_CENTER,), "minimum_crossing_threshold": 3},
    }
    table = np.load(file)
    frames = frames_of(table, int(table["frame"].max(initial=-1)) + 1)
    result: dict[str, dict[str, list[tuple[int, str]]]] = {}
    for setting, options in settings.items():
        for name, (x1, y1, x2, y2) in lines.items():
            zone = sv.LineZone(sv.Point(x1, y1), sv.Point(x2, y2), **options)
            events = result.setdefault(setting, {}).setdefault(name, [])
            for i, rows in enumerate(frames):
                ids = table["ids"][rows].astype(int)
                seen = sv.Detections(xyxy=table["boxes"][rows], tracker_id=ids, class_id=np.zeros(len(ids), int))
                crossed_in, crossed_out = zone.trigger(seen)
                # LineZone calls crossing to the left IN; we call crossing to the right IN.
                events += [(i, "OUT")] * int(crossed_in.sum()) + [(i, "IN")] * int(crossed_out.sum())
    print(json.dumps(result))


def score(root: Path, names: list[str]) -> None:
    """Print {name: {sequence: {metric: percent}}}; the sequence `ALL` combines all."""
    import trackeval

    for alias in ("float", "int", "bool"):  # trackeval uses names that NumPy has removed
        if not hasattr(np, alias):
            setattr(np, alias, {"float": float, "int": int, "bool": bool}[alias])
    with tempfile.TemporaryDirectory() as temporary, contextlib.redirect_stdout(io.StringIO()):
        work = Path(temporary)
        for folder in sorted(root.iterdir()):
            _write_challenge(folder, work, names)
        dataset = trackeval.datasets.MotChallenge2DBox.get_default_dataset_config() | {
            "GT_FOLDER": str(work / "gt"),
            "TRACKERS_FOLDER": str(work / "trackers"),
            "GT_LOC_FORMAT": "{gt_folder}/{seq}/gt/gt.txt",
            "SKIP_SPLIT_FOL": True,
            "TRACKERS_TO_EVAL": names,
            "SEQ_INFO": {folder.name: None for folder in sorted(root.iterdir())},
            "PRINT_CONFIG": False,
            "BENCHMARK": "MOT17",
        }
        evaluation = trackeval.Evaluator.get_default_eval_config() | dict.fromkeys(
            ("PRINT_RESULTS", "PRINT_CONFIG", "TIME_PROGRESS", "OUTPUT_SUMMARY", "OUTPUT_DETAILED", "PLOT_CURVES"),
            False,
        )
        quiet = {"PRINT_CONFIG": False}
        kinds = trackeval.metrics.HOTA, trackeval.metrics.CLEAR, trackeval.metrics.Identity
        data = trackeval.datasets.MotChallenge2DBox(dataset)
        results, _ = trackeval.Evaluator(evaluation).evaluate([data], [kind(quiet) for kind in kinds])
    scores = {
        name: {
            "ALL" if sequence == "COMBINED_SEQ" else sequence: _percents(values["pedestrian"])
            for sequence, values in results["MotChallenge2DBox"][name].items()
        }
        for name in names
    }
    print(json.dumps(scores))


def _percents(values: Any) -> dict[str, float]:
    hota, clear, identity = values["HOTA"], values["CLEAR"], values["Identity"]
    means = {name: 100 * float(hota[name].mean()) for name in ("HOTA", "DetA", "AssA")}
    return means | {
        "MOTA": 100 * float(clear["MOTA"]),
        "IDF1": 100 * float(identity["IDF1"]),
        "IDSW": float(clear["IDSW"]),
    }


def _write_challenge(folder: Path, work: Path, names: list[str]) -> None:
    """Write truth and tracks of a sequence in the layout that trackeval reads."""
    table = np.load(folder / "detections.npz")
    truth = work / "gt" / folder.name
    (truth / "gt").mkdir(parents=True)
    np.savetxt(truth / "gt" / "gt.txt", table["truth"], fmt="%g", delimiter=",")
    width, height = table["size"]
    (truth / "seqinfo.ini").write_text(
        f"[Sequence]\nname={folder.name}\nimDir=img1\nframeRate={float(table['fps']):g}\n"
        f"seqLength={int(table['frames'])}\nimWidth={width}\nimHeight={height}\nimExt=.jpg\n"
    )
    for name in names:
        t = np.load(folder / f"{name}.npz")
        target = work / "trackers" / name / "data" / f"{folder.name}.txt"
        target.parent.mkdir(parents=True, exist_ok=True)
        size = t["boxes"][:, 2:] - t["boxes"][:, :2]
        rest = np.full((len(size), 3), -1.0)
        columns = np.column_stack((t["frame"] + 1, t["ids"], t["boxes"][:, :2], size, t["scores"], rest))
        np.savetxt(target, columns, fmt=["%d", "%d", *["%.2f"] * 4, "%.3f", "%d", "%d", "%d"], delimiter=",")


def main() -> None:
    command, *rest = sys.argv[1:]
    if command == "track":
        track([Path(p) for p in rest])
    elif command == "score":
        score(Path(rest[0]), rest[1:])
    elif command == "count":
        count(Path(rest[0]), json.loads(rest[1]))
    elif command == "speed":
        speed(Path(rest[0]))
    else:
        sys.exit(f"peers.py knows track, score, count and speed, not '{command}'")


if __name__ == "__main__":
    main()
