"""Picture files: find them in a folder, in the order in which they were taken; read and write them.

OpenCV gets the bytes of a picture and never its name: it ends the process for a name that is not UTF-8.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from metrica.files.whole import write_whole
from metrica.messages import Image

PICTURES = {".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"}
"""File name extensions of pictures, in lower case."""


def list_pictures(folder: Path) -> list[Path]:
    """The picture files of a folder, sorted by name, with numbers in names sorted as numbers: 9 comes before 10."""
    found = [p for p in folder.iterdir() if p.suffix.lower() in PICTURES and p.is_file()]
    return sorted(found, key=lambda p: [int(t) if t.isdecimal() else t for t in re.split(r"(\d+)", p.name)])


def read_picture(path: Path) -> Image | None:
    """The picture in a file of any name, uint8 [height, width, 3], blue green red; None if it cannot be read."""
    try:
        image = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_COLOR)
    except (OSError, cv2.error):  # OpenCV raises for an empty file
        return None
    return None if image is None else np.asarray(image, np.uint8)


def write_picture(path: Path, image: Image, settings: Sequence[int] = ()) -> None:
    """Write a picture in the format of its extension. settings: as of cv2.imwrite. Raises OSError."""
    good, coded = cv2.imencode(path.suffix, image, list(settings))
    if not good:
        raise OSError(None, "the picture cannot be encoded", str(path))
    write_whole(path, coded.tobytes())
