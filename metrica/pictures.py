"""Picture files: finds them in a folder, in the order in which they were taken, and reads and writes them.

OpenCV ends the process for a file name that is not UTF-8, and FFmpeg takes `08:15.mp4` for an address. So a library
gets the bytes of a picture, and for a video a `library_name`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np

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
    path.write_bytes(coded.tobytes())


@contextmanager
def library_name(path: Path) -> Generator[str]:
    """A name under which any library can open an existing file or folder, while the context lasts.

    It is the absolute path, which no library takes for an address or an option. A path that is not UTF-8 has another
    name through its descriptor, under /proc. Raises OSError if the file cannot be opened.
    """
    whole = str(path.absolute())
    try:
        whole.encode()
    except UnicodeEncodeError:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            yield f"/proc/self/fd/{descriptor}"
        finally:
            os.close(descriptor)
    else:
        yield whole
