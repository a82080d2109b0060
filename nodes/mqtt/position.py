"""Up to where the broker has the crossings of the journal, and which lines it was told of: kept over a restart."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from metrica.files.whole import write_whole


@dataclass(slots=True)
class Kept:
    """What is kept."""

    position: int | None = None
    """The broker has all crossings up to this position of the journal; None if nothing was ever published."""
    id: str = ""
    """The id of the event there; it tells this journal from a new one."""
    lines: dict[tuple[str, str], int] = field(default_factory=dict[tuple[str, str], int])
    """Camera and line -> the time of its last crossing, ns UTC."""

    def copy(self) -> Kept:
        """The same, as it is now."""
        return Kept(self.position, self.id, dict(self.lines))


class PositionFile:
    """The file. Raises OSError, and ValueError if it is something else."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def load(self) -> Kept:
        """Return what it holds; nothing if it does not exist."""
        try:
            document: Any = json.loads(self.path.read_bytes())
        except FileNotFoundError:
            return Kept()
        try:
            lines = {(str(line["camera"]), str(line["line"])): int(line["last"]) for line in document["lines"]}
            return Kept(int(document["position"]), str(document["id"]), lines)
        except (KeyError, TypeError) as error:
            raise ValueError(f"it holds no position ({error!r})") from None

    def save(self, kept: Kept) -> None:
        """Replace it: after a power cut there is the old file or the new one."""
        lines = [{"camera": camera, "line": line, "last": last} for (camera, line), last in kept.lines.items()]
        document = {"v": 1, "position": kept.position, "id": kept.id, "lines": lines}
        write_whole(self.path, json.dumps(document).encode(), durable=True, private=True)
