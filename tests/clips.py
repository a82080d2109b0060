"""Clips whose crossings are known: simulated ones everywhere, and the filmed ones beside the checkout where they are.

A simulated clip is drawn when a test first asks for it, and kept in pytest's cache folder for the next run.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from metrica.models.library import FOLDERS_VARIABLE, OURS
from metrica.simulator.cli import main as metrica_sim
from tests.paths import ROOT, SHARED

FOLDER = ROOT / ".pytest_cache" / "d" / "simulated-clips"
"""Where simulated clips are kept: `pytest --cache-clear` and `make clean` empty it, and git ignores it."""

REAL = (SHARED / "clips" / "labels.json").is_file()
"""Whether the measuring data (filmed clips, Intel's models, ground truth) lie beside the checkout."""


@dataclass(frozen=True)
class Clip:
    """A clip with the truth about it, and a detector that finds the people in it."""

    name: str
    """Of the file, as in the label file."""

    model: str = OURS
    uri: str = ""
    """The sim:// address that it is drawn from; empty for a filmed clip."""

    seconds: float = 15.0
    """How long a simulated clip is."""

    def __str__(self) -> str:
        return f"{self.name}-{self.model}"

    @property
    def simulated(self) -> bool:
        return bool(self.uri)

    @property
    def path(self) -> Path:
        """The video file."""
        return self._folder / self.name

    @property
    def labels(self) -> Path:
        """The label file, as `metrica-eval` reads it."""
        return self._folder / "labels.json"

    @property
    def truth(self) -> dict[str, Any]:
        """What the label file says of this clip."""
        found: dict[str, Any] = json.loads(self.labels.read_text())[self.name]
        return found

    @property
    def line(self) -> list[int]:
        """x1, y1, x2, y2 (pixels) of the line whose crossings are known."""
        (line,) = self.truth["lines"]
        return [*line["a"], *line["b"]]

    @property
    def anchor(self) -> str:
        return str(self.truth["lines"][0]["anchor"])

    @property
    def events(self) -> list[tuple[float, str]]:
        """When (s) somebody really crosses the line, and the direction: in or out."""
        names = {"right": "in", "left": "out", "in": "in", "out": "out"}  # filmed lines are drawn upwards
        return [(frame / self.truth["fps"], names[way]) for frame, way in self.truth["lines"][0]["events"]]

    @property
    def model_folders(self) -> dict[str, str]:
        """The environment variable that a process needs to find the model."""
        return {FOLDERS_VARIABLE: "" if self.simulated else str(SHARED / "models")}

    @property
    def counting(self) -> list[str]:
        """The arguments with which `metrica-count` counts the clip at its line."""
        line = ",".join(str(v) for v in self.line)
        return [str(self.path), "--line", line, "--anchor", self.anchor, "--model", self.model]

    @property
    def _folder(self) -> Path:
        return _drawn(self) if self.simulated else SHARED / "clips"


def _address(kind: str, seed: int, visitors_per_hour: int) -> str:
    return (
        f"sim://{kind}?seed={seed}&visitors_per_hour={visitors_per_hour}"
        "&passers_per_hour=0&staff=0&groups=0&u_turns=0&loiterers=0"
    )


ENTRANCE = Clip("entrance.mp4", uri=_address("entrance", 2, 1200))
"""Two people come in and two go out, one at a time."""

BACK_DOOR = Clip("back-door.mp4", uri=_address("entrance", 5, 1200))
"""One person comes in and three go out."""

VISITOR = Clip("visitor.mp4", uri=_address("entrance", 5, 20), seconds=12)
"""One person comes in through the back door, and then nobody is there. Nothing here looks like a person but people."""

ONE_BY_ONE = Clip("one-by-one.mp4", "person-detection-0201")
"""Filmed: six people cross a room, one after another."""

WALKWAY = Clip("campus-walkway.mp4", "person-detection-0201")
"""Filmed: twelve people in groups walk along a path, in both directions."""


def at_hand(*clips: Clip) -> list[Clip]:
    """Those of these clips that this machine has: every simulated one, and the filmed ones with the measuring data."""
    return [clip for clip in clips if clip.simulated or REAL]


def frames(clip: Clip, numbers: list[int]) -> list[np.ndarray[tuple[int, ...], np.dtype[np.uint8]]]:
    """These frames of a clip, in this order."""
    video = cv2.VideoCapture(str(clip.path))
    found: list[np.ndarray[tuple[int, ...], np.dtype[np.uint8]]] = []
    for number in numbers:
        video.set(cv2.CAP_PROP_POS_FRAMES, number)
        ok, image = video.read()
        assert ok, f"{clip.name} has no frame {number}"
        found.append(np.asarray(image, np.uint8))
    video.release()
    return found


@cache
def _drawn(clip: Clip) -> Path:
    """The folder with a simulated clip and its labels; they are drawn if no earlier run has left them.

    A lock makes a second worker wait instead of drawing the same clip; the folder gets its name when it is complete,
    so that an interrupted run leaves no half of a clip.
    """
    FOLDER.mkdir(parents=True, exist_ok=True)
    folder = FOLDER / f"{Path(clip.name).stem}-{_digest(clip)}"
    with (FOLDER / f"{clip.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.is_dir():
            with tempfile.TemporaryDirectory(dir=FOLDER) as name:
                new = Path(name) / "new"
                new.mkdir()
                out = ["--out", str(new / clip.name), "--truth", str(new / "labels.json")]
                assert metrica_sim([clip.uri, *out, "--seconds", str(clip.seconds), "--quiet"]) == 0
                new.rename(folder)
    return folder


def _digest(clip: Clip) -> str:
    """Changes with the clip, the simulator's source, and the libraries that draw and write."""
    digest = hashlib.sha256(repr((clip, cv2.__version__, np.__version__)).encode())
    for path in sorted((ROOT / "simulator").rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
