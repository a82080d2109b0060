"""Labelled pictures in COCO's format: photographs, and the simulator's scenes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

Picture = npt.NDArray[np.uint8]
Boxes = npt.NDArray[np.float32]
PERSON, IGNORE = 1, 2
"""The two flags of a box; 0 is padding."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """One picture with its people."""

    path: Path
    source: str
    """The set that it comes from, which decides how often it is seen."""
    boxes: Boxes
    """x1, y1, x2, y2 in pixels [N, 4]."""
    flags: npt.NDArray[np.uint8]
    """PERSON or IGNORE [N]: what is to be ignored is neither a person nor background."""

    def read(self) -> Picture:
        """The picture, BGR. Raises OSError when there is none."""
        picture = cv2.imread(str(self.path), cv2.IMREAD_COLOR)
        if picture is None:
            raise OSError(f"{self.path} cannot be read as a picture")
        return np.asarray(picture, np.uint8)


def labelled(folder: Path, split: str | None = None) -> list[Labelled]:
    """The pictures that `annotations.json` in a folder lists, of one split or all, in its order.

    Crowds (`iscrowd`), boxes with `ignore` and boxes without width or height are to be ignored.
    """
    document = json.loads((folder / "annotations.json").read_text())
    boxes: dict[int, list[list[float]]] = {image["id"]: [] for image in document["images"]}
    for row in document["annotations"]:
        x, y, width, height = row["bbox"]
        ignored = row.get("ignore") or row.get("iscrowd") or min(width, height) < 1
        boxes[row["image_id"]].append([x, y, x + width, y + height, IGNORE if ignored else PERSON])
    found: list[Labelled] = []
    for image in document["images"]:
        if split is None or image.get("split", "train") == split:
            rows = np.array(boxes[image["id"]], np.float32).reshape(-1, 5)
            source = image.get("source_set", folder.name)
            found.append(Labelled(folder / image["file_name"], source, rows[:, :4], rows[:, 4].astype(np.uint8)))
    return found
