"""Finds the picture files of a folder, in the order in which they were taken."""

from __future__ import annotations

import re
from pathlib import Path

PICTURES = {".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"}
"""File name extensions of pictures, in lower case."""


def list_pictures(folder: Path) -> list[Path]:
    """The picture files of a folder, sorted by name, with numbers in names sorted as numbers: 9 comes before 10."""
    found = [p for p in folder.iterdir() if p.suffix.lower() in PICTURES and p.is_file()]
    return sorted(found, key=lambda p: [int(t) if t.isdigit() else t for t in re.split(r"(\d+)", p.name)])
