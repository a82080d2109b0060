"""The labels of one clip while somebody makes them: checked, and saved after every tap."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast, get_args

from metrica.errors import MetricaError, ParameterError
from metrica.messages import Direction
from metrica.nodes.geometry.anchors import Anchor
from metrica.nodes.geometry.lines import Numbers
from metrica.tools.evaluate.labels import ClipLabels, LabelledLine, Tap, read_labels, write_labels


class StaleError(MetricaError):
    """Another window has changed the labels meanwhile."""


class LabelSession:
    """The labels that the page reads and writes."""

    def __init__(self, path: Path, labels: ClipLabels) -> None:
        self._path = path
        self.labels = labels
        self.revision = 0
        self.unsaved = False
        """Whether the last labels could not be written."""

    def state(self) -> dict[str, Any]:
        """The state for the page, as JSON values."""
        labels = self.labels
        return {
            "clip": labels.clip,
            "fps": labels.fps,
            "frames": labels.frames,
            "size": labels.size,
            "watched": labels.watched or (0, 0),
            "lines": [{"name": x.name, "points": x.points, "events": sorted(x.events)} for x in labels.lines],
            "revision": self.revision,
        }

    def save(self, told: Any) -> int:
        """Take the page's taps and write the file; returns the new revision.

        told: `{"revision": 3, "watched": [0, 900], "lines": {"main": [[188, "in"], …]}}`.
        Raises StaleError, ParameterError for what is no label, and OSError if the file cannot be written.
        """
        try:
            if told["revision"] != self.revision:
                raise StaleError("another window has changed the labels meanwhile: load this page again")
            first, last = (self._frame(v) for v in told["watched"])
            lines = {str(name): [self._tap(event) for event in events] for name, events in told["lines"].items()}
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ParameterError("labels", f"these are no labels: {error}") from None
        if lines.keys() != {line.name for line in self.labels.lines}:
            raise ParameterError("labels", "these are the labels of other lines: load this page again")
        old = self.labels
        new = ClipLabels(
            clip=old.clip,
            fps=old.fps,
            size=old.size,
            frames=old.frames,
            lines=[LabelledLine(x.name, x.points, x.anchor, sorted(lines[x.name])) for x in old.lines],
            watched=(min(first, last), max(first, last)),
        )
        self.unsaved = True
        write_labels(self._path, new)
        self.unsaved = False
        self.labels = new
        self.revision += 1
        return self.revision

    def _frame(self, value: Any) -> int:
        if type(value) is not int or not 0 <= value < self.labels.frames:
            raise ValueError(f"{value!r} is no frame of the {self.labels.frames} there are")
        return value

    def _tap(self, event: Any) -> Tap:
        frame, way = event
        if way not in get_args(Direction):
            raise ValueError(f"{way!r} is neither in nor out")
        return self._frame(frame), cast(Direction, way)


def begin(
    path: Path, clip: str, lines: dict[str, Numbers], anchor: Anchor, fps: float, frames: int, size: tuple[int, int]
) -> LabelSession:
    """Open the labels of a clip: those in the file, or new ones.

    Raises ParameterError if there is no line, if the file has the clip with other lines, or if it is no label file.
    """
    fresh = ClipLabels(clip, fps, size, frames, [LabelledLine(n, points, anchor) for n, points in lines.items()])
    old: ClipLabels | None = None
    if path.exists():
        try:
            old = read_labels(path, clip)
        except ParameterError as error:
            if "has no labels of" not in str(error):
                raise
    if old is None:
        if not lines:
            raise ParameterError("line", "there is no line to label: give --line X1,Y1,X2,Y2")
        return LabelSession(path, fresh)
    known = {line.name: line.points for line in old.lines}
    changed = [name for name, points in lines.items() if known.get(name, points) != points]
    if changed:
        raise ParameterError(
            "line",
            f"{path} has {clip} with another line '{changed[0]}' {known[changed[0]]}: leave --line out, "
            "name the new line otherwise, or give another --out",
        )
    if old.frames and old.frames != frames:
        raise ParameterError("clip", f"{path} has the labels of a {clip} of {old.frames} frames, this has {frames}")
    events = {line.name: line for line in old.lines}
    merged = [*old.lines, *(line for line in fresh.lines if line.name not in events)]
    return LabelSession(path, ClipLabels(clip, fps, size, frames, merged, old.watched))
