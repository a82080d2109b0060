"""The pictures and clips that `detector.py` measures on."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.harness import ROOT
from metrica.models import Model
from metrica.models.training.pictures import IGNORE, PERSON, LabelledPicture

_PEDESTRIAN = 1
_IGNORED = (2, 7, 8, 12)
"""MOTChallenge's classes to be ignored: person on vehicle, static person, distractor, reflection."""
_MIN_VISIBLE = 0.25
"""The share of a person that must be visible; a less visible one is ignored."""
_PICTURES = 400
"""Number of simulated pictures."""


def frames(folder: Path) -> list[LabelledPicture]:
    """The frames of MOTChallenge sequences (`SEQUENCE/img1/*.jpg`, `SEQUENCE/gt/gt.txt`) with their pedestrians."""
    found: list[LabelledPicture] = []
    for sequence in sorted(path.parent for path in folder.glob("*/seqinfo.ini")):
        rows = np.loadtxt(sequence / "gt" / "gt.txt", delimiter=",", ndmin=2)
        for path in sorted((sequence / "img1").glob("*.jpg")):
            own = rows[(rows[:, 0] == int(path.stem)) & np.isin(rows[:, 7], (_PEDESTRIAN, *_IGNORED))]
            boxes = np.concatenate([own[:, 2:4], own[:, 2:4] + own[:, 4:6]], axis=1).astype(np.float32)
            person = (own[:, 7] == _PEDESTRIAN) & (own[:, 6] > 0) & (own[:, 8] >= _MIN_VISIBLE)
            found.append(LabelledPicture(path, "frames", boxes, np.where(person, PERSON, IGNORE).astype(np.uint8)))
    return found


def simulated(folder: Path) -> Path:
    """Draw the simulated test set into a folder, of the seeds that are kept for tests."""
    command = [
        sys.executable,
        "-m",
        "metrica.simulator.cli",
        "--images",
        str(folder),
        "--count",
        str(_PICTURES),
        "--test",
    ]
    subprocess.run([*command, "--seed", "90000", "--width", "640", "--height", "360"], check=True, cwd=ROOT)
    return folder


def crossings(model: Model, clips: Path) -> Iterator[tuple[str, int, int, int]]:
    """Count each labelled clip at 10 frames a second; gives its name, and its right, missed and extra crossings."""
    program = Path(sys.executable).with_name("metrica-eval")
    for clip in sorted(clips.glob("*.mp4")):
        command = [
            str(program),
            str(clip),
            str(clips / "labels.json"),
            "--model",
            str(model.path),
            "--fps",
            "10",
            "--json",
        ]
        done = subprocess.run(command, check=True, cwd=ROOT, capture_output=True, text=True)
        result = json.loads(done.stdout)
        missed, extra = len(result["missed"]), len(result["extra"])
        yield clip.stem, result["scores"]["all"]["right"], missed, extra
