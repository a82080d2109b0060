"""Label files: the true crossings of a clip, as labelled by somebody who watched it.

    {"door.mp4": {"size": [1280, 720], "fps": 15, "frames": 9000, "watched": [0, 9000],
                  "lines": [{"name": "main", "a": [640, 720], "b": [640, 0], "anchor": "bottom_center",
                             "events": [[188, "in"], [439, "out"]]}]}}

A file holds many clips by their names, or one clip without a name. A line of more than two points has `points` instead
of `a` and `b`. An event is a frame (the first is 0) and a direction: `in`, `out`, or where the person walks in the
picture (`left`, `right`, `up`, `down`). `watched`: the first and the last frame that were labelled; without it, all.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast, get_args

from metrica.errors import ParameterError
from metrica.files.whole import write_whole
from metrica.messages import Direction
from metrica.nodes.geometry.anchors import Anchor
from metrica.nodes.geometry.lines import Line, Numbers
from metrica.tools.evaluate.match import TimedCrossing

Tap = tuple[int, Direction]
"""A labelled crossing: its frame (the first is 0) and its direction."""


@dataclass(slots=True)
class LabelledLine:
    """A line and who crossed it."""

    name: str
    """What the line is called, such as main; counted crossings must use the same name."""
    points: Numbers
    """x1, y1, x2, y2, and so on, pixels of the clip."""
    anchor: Anchor = "bottom_center"
    """The point of a person's box that crosses the line."""
    events: list[Tap] = field(default_factory=list[Tap])
    """The crossings of the line, in any order."""


@dataclass(slots=True)
class ClipLabels:
    """The labels of one clip."""

    clip: str
    """File name of the clip."""
    fps: float
    """Frames per second of the clip."""
    size: tuple[int, int]
    """Width and height of the clip, pixels; (0, 0) if the file does not give them."""
    frames: int
    """Number of frames in the clip; 0 if the file does not give it."""
    lines: list[LabelledLine]
    """The lines that were labelled, each with its crossings."""
    watched: tuple[int, int] | None = None
    """The first and the last frame that were labelled; None if all were."""

    def events(self) -> list[TimedCrossing]:
        """All crossings, in order of time."""
        return sorted(
            TimedCrossing(frame / self.fps, line.name, way) for line in self.lines for frame, way in line.events
        )

    def seconds_watched(self) -> tuple[float, float]:
        """The labelled part of the clip: start and end in seconds."""
        first, last = self.watched or (0, math.inf)
        return (first / self.fps if first > 0 else -math.inf, last / self.fps)


def read_labels(path: Path, clip: str | None = None) -> ClipLabels:
    """The labels of a clip (by its file name) in a file; of the only clip if there is one. Raises ParameterError."""
    whole = _read_json(path)
    if "lines" in whole:
        return _clip(path, clip or str(whole.get("clip", path.stem)), whole)
    if clip is None and len(whole) == 1:
        clip = next(iter(whole))
    if clip is None or clip not in whole:
        asked = f"has no labels of {clip}" if clip else "has the labels of several clips: say which with --clip"
        raise _wrong(path, f"{asked}; it knows {', '.join(map(str, whole)) or 'no clip at all'}")
    return _clip(path, clip, whole[clip])


def write_labels(path: Path, labels: ClipLabels) -> None:
    """Write the labels of a clip into a file; those of other clips in it stay.

    The file is replaced atomically. Raises ParameterError if the existing file is no label file, and OSError.
    """
    whole = _read_json(path) if path.exists() else {}
    entry: dict[str, Any] = {
        "size": list(labels.size),
        "fps": labels.fps,
        "frames": labels.frames,
        **({"watched": list(labels.watched)} if labels.watched else {}),
        "lines": [
            {
                "name": line.name,
                **_written(line.points),
                "anchor": line.anchor,
                "events": [list(event) for event in sorted(line.events)],
            }
            for line in labels.lines
        ],
    }
    if "lines" in whole:
        whole.update(entry)
    else:
        old = whole.get(labels.clip)
        whole[labels.clip] = {**old, **entry} if isinstance(old, dict) else entry
    # A name that is not UTF-8 is written with JSON's own escapes, such as \udce9, and read again as it was.
    write_whole(path, (_readable(whole) + "\n").encode(errors="backslashreplace"), durable=True)


def _readable(whole: dict[str, Any]) -> str:
    """JSON text with each innermost list on one line, which is easy to read and to edit."""
    text = json.dumps(whole, indent=2, ensure_ascii=False)
    # A JSON string never contains a line break, so brackets around line breaks are those of lists.
    return re.sub(r"\[\n([^\[\]{}]*)\n *\]", lambda m: "[" + re.sub(r"\n *", " ", m[1]).strip() + "]", text)


def _read_json(path: Path) -> dict[str, Any]:
    try:
        whole = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ParameterError("labels", f"the label file {path} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise _wrong(path, f"is not JSON: {error}") from None
    if not isinstance(whole, dict):
        raise _wrong(path, "is not a label file: it must be an object with the clips by name")
    return cast(dict[str, Any], whole)


def _clip(path: Path, clip: str, entry: Any) -> ClipLabels:
    try:
        fps = float(entry["fps"])
        if not (fps > 0 and math.isfinite(fps)):
            raise ValueError(f"fps must be a rate, not {fps:g}")
        width, height = entry.get("size", (0, 0))
        watched = entry.get("watched")
        return ClipLabels(
            clip=clip,
            fps=fps,
            size=(int(width), int(height)),
            frames=int(entry.get("frames", 0)),
            lines=[_line(line) for line in entry["lines"]],
            watched=(int(watched[0]), int(watched[1])) if watched else None,
        )
    except KeyError as error:
        raise _wrong(path, f"says nothing of {error} for {clip}") from None
    except (TypeError, ValueError, AttributeError, IndexError) as error:
        raise _wrong(path, f"has labels of {clip} that cannot be read: {error}") from None


def _line(entry: Any) -> LabelledLine:
    points: Numbers = tuple(int(v) for x, y in entry.get("points") or (entry["a"], entry["b"]) for v in (x, y))
    Line.of(str(entry["name"]), points)
    anchor = entry.get("anchor", "bottom_center")
    if anchor not in get_args(Anchor):
        raise ValueError(f"'{anchor}' is no anchor: it is one of {', '.join(get_args(Anchor))}")
    events: list[Tap] = [(int(frame), _direction(str(way), points)) for frame, way in entry["events"]]
    return LabelledLine(str(entry["name"]), points, anchor, events)


def _written(points: Numbers) -> dict[str, list[Any]]:
    """The points of a line as the file has them: `a` and `b` for two points, `points` for more."""
    pairs = [list(pair) for pair in zip(points[::2], points[1::2], strict=True)]
    return {"a": pairs[0], "b": pairs[1]} if len(pairs) == 2 else {"points": pairs}


def _direction(way: str, points: Numbers) -> Direction:
    """The direction as `in` or `out`, also from a direction in the picture (`left`, `up`, …)."""
    if way in get_args(Direction):
        return cast(Direction, way)
    moves = {"right": (1, 0), "left": (-1, 0), "down": (0, 1), "up": (0, -1)}
    if way not in moves:
        raise ValueError(f"'{way}' is no direction: write in or out (or left, right, up, down)")
    (x1, y1), (x2, y2) = points[:2], points[-2:]
    inwards = moves[way][0] * (y1 - y2) + moves[way][1] * (x2 - x1)  # right of somebody who looks along the line
    if inwards == 0:
        raise ValueError(f"who walks '{way}' walks along the line {points}, not over it")
    return "in" if inwards > 0 else "out"


def _wrong(path: Path, what: str) -> ParameterError:
    return ParameterError("labels", f"{path} {what}")
