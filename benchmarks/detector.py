"""Compares our detector with Intel's in one run: AP, crossings, latency, and the loss by INT8.

    python -m benchmarks.detector --models DIR --photographs DIR --frames DIR --clips DIR [--simulated DIR]

The sets are photographs in COCO's format (their split val), MOTChallenge frames, simulated pictures of seeds that no
detector was trained on (drawn in this run if no folder is given), and clips with labelled crossings.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from benchmarks.detector_sets import crossings, frames, simulated
from benchmarks.harness import ROOT, figure
from metrica.models import Model, find_model
from metrica.models.network import Network
from metrica.models.training.evaluate import Detect, detector, scored
from metrica.models.training.pictures import LabelledPicture, read_labelled
from metrica.models.training.score import Matched, average_precision, interval, precision_thresholds

OURS = ROOT / "models" / "metrica-person"
PEERS = ("person-detection-0200", "person-detection-0201", "person-detection-0203")
_PRECISIONS = (0.90, 0.85, 0.50)
"""Precisions for which score thresholds are printed: a card's new, keep and low."""
_THRESHOLD = 0.5
"""Score from which on a box counts as a detection on a photograph without people."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A model, and its name in the tables."""

    name: str
    model: Model


def entries() -> list[Entry]:
    """Our model in both precisions, then the peers."""
    found = [Entry(f"metrica-person {p}", find_model(str(OURS / p / "metrica-person.xml"))) for p in ("FP16", "INT8")]
    return found + [Entry(f"{name} INT8", find_model(name)) for name in PEERS]


def latency(models: list[Entry], rounds: int = 60) -> dict[str, float]:
    """Median milliseconds of one inference of a 640x360 frame on one thread; the models take turns."""
    frame = np.random.default_rng(0).integers(0, 255, (360, 640, 3), np.uint8)
    frame = np.asarray(cv2.GaussianBlur(frame, (0, 0), 3), np.uint8)
    networks = {entry.name: Network(entry.model, hint="LATENCY", threads=1) for entry in models}
    times: dict[str, list[float]] = {name: [] for name in networks}
    for turn in range(rounds + 3):
        for name, network in networks.items():
            began = time.perf_counter()
            network.infer(frame)
            if turn >= 3:
                times[name].append((time.perf_counter() - began) * 1000)
    return {name: statistics.median(values) for name, values in times.items()}


def false_boxes(detect: Detect, pictures: list[LabelledPicture]) -> float:
    """Mean number of boxes with a score of 0.5 or more in a picture that shows nobody."""
    empty = [picture for picture in pictures if not len(picture.boxes)]
    return sum(int((detect(picture.read())[1] >= _THRESHOLD).sum()) for picture in empty) / max(1, len(empty))


def without_vnni(photographs: Path, precision: str) -> tuple[float, float]:
    """AP and false boxes per photograph without people on a processor without VNNI, simulated in another process."""
    command = [sys.executable, "-m", "benchmarks.detector", "--photographs", str(photographs), "--only", precision]
    env = {**os.environ, "ONEDNN_MAX_CPU_ISA": "AVX512_CORE"}
    result = json.loads(subprocess.run(command, env=env, cwd=ROOT, check=True, capture_output=True, text=True).stdout)
    return result["ap50"], result["false_boxes"]


def only(precision: str, photographs: Path) -> None:
    """Print AP and false boxes of one precision of our model as JSON; `without_vnni` runs it."""
    detect = detector(find_model(str(OURS / precision / "metrica-person.xml")))
    pictures = read_labelled(photographs, "val")
    print(
        json.dumps({"ap50": average_precision(scored(detect, pictures)), "false_boxes": false_boxes(detect, pictures)})
    )


def table(models: list[Entry], sets: dict[str, list[LabelledPicture]]) -> dict[str, dict[str, list[Matched]]]:
    """Match every model's detections on every set, and print each AP when it is known."""
    out: dict[str, dict[str, list[Matched]]] = {}
    for name, pictures in sets.items():
        people = sum(int((picture.flags == 1).sum()) for picture in pictures)
        print(f"\n{name}: {len(pictures)} pictures, {people} people")
        out[name] = {}
        for entry in models:
            found = out[name][entry.name] = scored(detector(entry.model), pictures)
            low, high = interval(found)
            print(f"  {entry.name:28} AP50 {average_precision(found):.3f}  ({low:.3f} to {high:.3f})", flush=True)
    return out


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.detector", description=__doc__)
    shared = ROOT.parent / "shared"
    parser.add_argument("--models", type=Path, default=shared / "models", help="the peers' files")
    parser.add_argument("--photographs", type=Path, default=shared / "trainset")
    parser.add_argument("--frames", type=Path, default=shared / "mot" / "frames")
    parser.add_argument("--clips", type=Path, default=shared / "clips")
    parser.add_argument(
        "--simulated", type=Path, help="a folder made by metrica-sim --images --test; without it one is drawn"
    )
    parser.add_argument("--only", choices=("FP16", "INT8"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only:
        only(options.only, options.photographs)
        return 0
    os.environ.setdefault("METRICA_MODELS", str(options.models))
    models = entries()
    with tempfile.TemporaryDirectory() as scratch:
        drawn = options.simulated or simulated(Path(scratch) / "simulated")
        sets = {
            "val": read_labelled(options.photographs, "val"),
            "frames": frames(options.frames),
            "sim": read_labelled(drawn),
        }
        found = table(models, sets)
    for precision in ("FP16", "INT8"):
        sets_of_ours = [scores[f"metrica-person {precision}"] for scores in found.values()]
        new, keep, low = precision_thresholds(sets_of_ours, _PRECISIONS)
        print(
            f"\nscores of {precision} at which 90, 85 and 50 % of the boxes are people: {new:.2f} {keep:.2f} {low:.2f}"
        )
    milliseconds = latency(models)
    print("\none thread, 640x360, ms: " + ", ".join(f"{name} {ms:.1f}" for name, ms in milliseconds.items()))
    print("\ncrossings at 10 frames a second (right, missed, extra)")
    for entry in models:
        words = [
            f"{clip} {right} {missed} {extra}" for clip, right, missed, extra in crossings(entry.model, options.clips)
        ]
        print(f"  {entry.name:28} {'; '.join(words)}", flush=True)
    print("\nwithout VNNI")
    for precision in ("FP16", "INT8"):
        ap, boxes = without_vnni(options.photographs, precision)
        print(f"  {precision} val AP50 {ap:.3f}, {boxes:.3f} false boxes a photograph of nobody")
    report(found, milliseconds)
    return 0


def report(found: dict[str, dict[str, list[Matched]]], milliseconds: dict[str, float]) -> None:
    """Print the figures."""
    print()
    for name, scores in found.items():
        ap = {model: average_precision(pictures) for model, pictures in scores.items()}
        peer = ap["person-detection-0200 INT8"]
        figure(f"metrica_person_ap50_{name}", ap["metrica-person INT8"], goal=f"{peer:.3f}")
        figure(f"metrica_person_over_0200_ap50_{name}", ap["metrica-person INT8"] / peer, goal="1")
        change = ap["metrica-person INT8"] - ap["metrica-person FP16"]
        figure(f"int8_minus_fp16_ap50_{name}", change, goal="-0.01")
    ratio = milliseconds["metrica-person INT8"] / milliseconds["person-detection-0200 INT8"]
    figure("metrica_person_over_0200_latency", ratio, goal="1")
    ratio = milliseconds["metrica-person INT8"] / milliseconds["metrica-person FP16"]
    figure("int8_over_fp16_latency", ratio, goal="below 1")


if __name__ == "__main__":
    raise SystemExit(main())
