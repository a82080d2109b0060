"""Reads labelled pictures in COCO's format: photographs, and scenes of the simulator."""

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
"""The flags of a box: a person; a region that is neither person nor background. 0 is padding."""


@dataclass(frozen=True, slots=True)
class LabelledPicture:
    """A picture file and its labels."""

    path: Path
    source: str
    """The name of the set that it belongs to; a set has a share in training."""
    boxes: Boxes
    """x1, y1, x2, y2 in pixels [N, 4]."""
    flags: npt.NDArray[np.uint8]
    """PERSON or IGNORE for each box, [N]."""

    def read(self) -> Picture:
        """Read the picture, BGR. Raises OSError if that fails."""
        picture = cv2.imread(str(self.path), cv2.IMREAD_COLOR)
        if picture is None:
            raise OSError(f"{self.path} cannot be read as a picture")
        return np.asarray(picture, np.uint8)


def read_labelled(folder: Path, split: str | None = None) -> list[LabelledPicture]:
    """The pictures in a folder's `annotations.json`, in its order; of one split, or all.

    Boxes with `iscrowd` or `ignore`, and boxes narrower or lower than a pixel, become IGNORE.
    """
    document = json.loads((folder / "annotations.json").read_text())
    boxes: dict[int, list[list[float]]] = {image["id"]: [] for image in document["images"]}
    for row in document["annotations"]:
        x, y, width, height = row["bbox"]
        ignored = row.get("ignore") or row.get("iscrowd") or min(width, height) < 1
        boxes[row["image_id"]].append([x, y, x + width, y + height, IGNORE if ignored else PERSON])
    found: list[LabelledPicture] = []
    for image in document["images"]:
        if split is None or image.get("split", "train") == split:
            rows = np.array(boxes[image["id"]], np.float32).reshape(-1, 5)
            source = image.get("source_set", folder.name)
            found.append(LabelledPicture(folder / image["file_name"], source, rows[:, :4], rows[:, 4].astype(np.uint8)))
    return found
