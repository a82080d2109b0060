"""Coverage: when each camera looked, read from heartbeats, and kept until the server has it."""

from __future__ import annotations

import json
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from operator import itemgetter
from pathlib import Path
from typing import Any

from metrica.files.whole import write_whole
from metrica.messages import Health

_SECOND = 1_000_000_000
_LONGEST_STEP = 15 * _SECOND
"""The longest time between two heartbeats in which a camera counts as looking. A node that is silent longer is hung."""
_JOIN = 120 * _SECOND
"""Two spans of a camera that are no further apart are joined. The server joins them too (docs/api.md)."""
_EARLIEST = 1_577_836_800 * _SECOND
"""2020-01-01 UTC. An earlier time means that the clock was not set yet, and the server refuses it."""
_MOST = 4000
"""Spans that are kept, at most."""


@dataclass(frozen=True, slots=True)
class Span:
    """A time without a gap in which a camera looked."""

    camera: str
    """Name of the camera."""
    start: int
    """When the camera began to look, ns UTC."""
    end: int
    """When it was last known to look, ns UTC."""


class Progress:
    """Turns heartbeats into spans: a camera looked between two heartbeats of its counter if messages have reached the
    counter in between."""

    def __init__(self) -> None:
        self._last: dict[str, tuple[int, int, int]] = {}

    def hear(self, msg: Health) -> Span | None:
        """The span that a heartbeat adds.

        None if its node is new, has received nothing since the last heartbeat, or has no camera, or if no clock is set.
        """
        stamp, camera = msg.header.stamp, msg.header.camera
        received = sum(n for name, n in msg.counters.items() if name.startswith("received."))
        epoch, since, before = self._last.get(msg.node, (-1, 0, 0))
        self._last[msg.node] = (msg.header.epoch, stamp, received)
        if epoch != msg.header.epoch or received <= before or not camera or stamp < _EARLIEST:
            return None
        # If the clock was set in between, or after a long silence, only this moment is known to be covered.
        is_gapless = 0 <= stamp - since <= _LONGEST_STEP
        return Span(camera, since if is_gapless else stamp, stamp)


class Spans:
    """The spans of each camera, in order of time.

    Spans that are no more than two minutes apart are joined. If there are more than 4000 spans, the oldest are dropped.
    """

    def __init__(self, spans: Iterable[Span] = ()) -> None:
        self._by_camera: dict[str, list[tuple[int, int]]] = {}
        self.lost = 0
        """How many spans have been dropped because there were too many."""
        for span in spans:
            self.add(span)

    def __len__(self) -> int:
        return sum(map(len, self._by_camera.values()))

    def add(self, span: Span) -> None:
        """Add a span. Adding the same span again changes nothing."""
        known = self._by_camera.setdefault(span.camera, [])
        first = bisect_left(known, span.start - _JOIN, key=itemgetter(1))
        last = bisect_right(known, span.end + _JOIN, key=itemgetter(0))
        near = [(span.start, span.end), *known[first:last]]
        known[first:last] = [(min(start for start, _ in near), max(end for _, end in near))]
        if len(self) > _MOST:
            min((spans for spans in self._by_camera.values() if spans), key=itemgetter(0)).pop(0)
            self.lost += 1

    def remove(self, spans: Iterable[Span]) -> None:
        """Remove spans that the server has now. Times that were joined to them meanwhile stay."""
        for span in spans:
            rest: list[tuple[int, int]] = []
            for start, end in self._by_camera.get(span.camera, ()):
                if span.end < start or span.start > end:
                    rest.append((start, end))
                    continue
                rest += [(start, span.start)] if start < span.start else []
                rest += [(span.end, end)] if span.end < end else []
            self._by_camera[span.camera] = rest

    def oldest(self, most: int) -> list[Span]:
        """The earliest spans, at most `most`."""
        found = [Span(camera, *times) for camera, spans in self._by_camera.items() for times in spans]
        return sorted(found, key=lambda span: (span.start, span.camera))[:most]


class CoverageFile:
    """Keeps the spans that the server does not have yet. Without such spans there is no file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def load(self) -> list[Span]:
        """Return the spans in the file. Raises OSError, and ValueError if it is not a file of spans."""
        try:
            document: Any = json.loads(self.path.read_bytes())
        except FileNotFoundError:
            return []
        try:
            return [Span(str(s["camera"]), int(s["start"]), int(s["end"])) for s in document["watched"]]
        except (KeyError, TypeError) as error:
            raise ValueError(f"it holds no list of spans ({error!r})") from None

    def save(self, spans: Spans) -> None:
        """Replace the file by these spans.

        The replacement is atomic: after a power cut there is the old file or the new one. Raises OSError.
        """
        listed = [asdict(span) for span in spans.oldest(_MOST)]
        if not listed:
            self.path.unlink(missing_ok=True)
            return
        write_whole(self.path, json.dumps({"v": 1, "watched": listed}).encode(), durable=True)
