"""The pictures of a folder, in the order in which they were taken."""

from __future__ import annotations

import re
from pathlib import Path

PICTURES = {".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"}
"""The endings of the files that count as pictures, in lower case."""


def list_pictures(folder: Path) -> list[Path]:
    """The pictures of a folder, sorted by the numbers in their names: 9 comes before 10."""
    found = [p for p in folder.iterdir() if p.suffix.lower() in PICTURES and p.is_file()]
    return sorted(found, key=lambda p: [int(t) if t.isdigit() else t for t in re.split(r"(\d+)", p.name)])
