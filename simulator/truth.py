"""Writes the ground truth of a simulated clip as a label file for `metrica-eval`, with boxes and sessions added."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from metrica.errors import ParameterError
from metrica.files.whole import write_whole
from metrica.simulator.scene import Scene, SeenPerson


def truth_of(scene: Scene, clip: str, uri: str, frames: list[list[SeenPerson]]) -> dict[str, Any]:
    """The content of a label file for the first frames of a scene. frames: the people in each.

    It has three fields that other label files do not have: `boxes`, for each frame a list of
    [person, x1, y1, x2, y2, visible]; `sessions`, the stays with the seconds of their begin and end; `source`, the
    address.
    """
    settings, place = scene.settings, scene.place
    seconds = len(frames) / settings.fps
    events = [[min(len(frames) - 1, math.ceil(c.time * settings.fps)), c.direction] for c in scene.crossings(seconds)]
    line = {"name": "main", "a": list(place.line[:2]), "b": list(place.line[2:]), "anchor": place.anchor}
    return {
        clip: {
            "size": [settings.width, settings.height],
            "fps": settings.fps,
            "frames": len(frames),
            "lines": [{**line, "events": events}],
            "source": uri,
            "sessions": [
                {
                    "person": s.person, "role": s.role, "group": s.group,
                    "entered": _rounded(s.entered), "left": _rounded(s.left),
                }
                for s in scene.sessions(seconds)
            ],
            "boxes": [[_box(s) for s in seen] for seen in frames],
        }
    }  # fmt: skip


def write_truth(path: Path, truth: dict[str, Any]) -> None:
    """Write a label file with the boxes of each frame on one line. Raises ParameterError if that fails."""
    try:
        write_whole(path, (_readable(truth) + "\n").encode())
    except OSError as error:
        raise ParameterError("truth", f"the file {path} cannot be written: {error.strerror}") from None


def _readable(truth: dict[str, Any]) -> str:
    clips: list[str] = []
    for name, entry in truth.items():
        fields = [f"    {json.dumps(key)}: {_field(key, value)}" for key, value in entry.items()]
        clips.append(f"  {json.dumps(name)}: {{\n" + ",\n".join(fields) + "\n  }")
    return "{\n" + ",\n".join(clips) + "\n}"


def _field(key: str, value: Any) -> str:
    if key in ("boxes", "sessions") and value:
        return "[\n" + ",\n".join(f"      {json.dumps(v)}" for v in value) + "\n    ]"
    return json.dumps(value)


def _box(seen: SeenPerson) -> list[float]:
    return [seen.person, *(round(v, 1) for v in seen.box), round(seen.visible, 3)]


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 2)
