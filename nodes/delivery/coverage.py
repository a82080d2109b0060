"""Coverage: when each camera was watched, read from heartbeats, and kept until the server has it."""

from __future__ import annotations

import json
import os
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from operator import itemgetter
from pathlib import Path
from typing import Any

from metrica.messages import Health

_SECOND = 1_000_000_000
_LONGEST_STEP = 15 * _SECOND
"""The longest time between two heartbeats that counts as watched; after a longer silence a node counts as hung."""
_JOIN = 120 * _SECOND
"""Two spans that are no further apart become one, here as at the server (docs/api.md)."""
_EARLIEST = 1_577_836_800 * _SECOND
"""2020-01-01 UTC. An earlier time means that the clock was not set yet, and the server refuses it."""
_MOST = 4000
"""Spans that are kept at most."""


@dataclass(frozen=True, slots=True)
class Span:
    """One camera was watched from `start` to `end`, ns UTC."""

    camera: str
    start: int
    end: int


class Progress:
    """Turns heartbeats into spans: a camera is watched between two heartbeats of its counter if messages have reached
    the counter in between."""

    def __init__(self) -> None:
        self._last: dict[str, tuple[int, int, int]] = {}

    def hear(self, msg: Health) -> Span | None:
        """The span that a heartbeat adds. None if its node received nothing, is new, has no camera, or no clock yet."""
        stamp, camera = msg.header.stamp, msg.header.camera
        taken_in = sum(n for name, n in msg.counters.items() if name.startswith("received."))
        epoch, since, before = self._last.get(msg.node, (-1, 0, 0))
        self._last[msg.node] = (msg.header.epoch, stamp, taken_in)
        if epoch != msg.header.epoch or taken_in <= before or not camera or stamp < _EARLIEST:
            return None
        # If the clock was set in between, or after a long silence, only this moment is known to be watched.
        known = 0 <= stamp - since <= _LONGEST_STEP
        return Span(camera, since if known else stamp, stamp)


class Spans:
    """Spans by camera, in order of time. Spans that touch, or nearly, are joined. If there are too many, the oldest are
    dropped."""

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
        """Remove spans that the server has now. What has been joined to them meanwhile stays."""
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
        """At most `limit` spans, the earliest first."""
        found = [Span(camera, *times) for camera, spans in self._by_camera.items() for times in spans]
        return sorted(found, key=lambda span: (span.start, span.camera))[:most]


class CoverageFile:
    """The file of the spans that the server does not have yet. Without such spans there is no file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def load(self) -> list[Span]:
        """The spans in the file. Raises OSError, and ValueError if the file is not one of these."""
        try:
            document: Any = json.loads(self.path.read_bytes())
        except FileNotFoundError:
            return []
        try:
            return [Span(str(s["camera"]), int(s["start"]), int(s["end"])) for s in document["watched"]]
        except (KeyError, TypeError) as error:
            raise ValueError(f"it holds no list of spans ({error!r})") from None

    def save(self, spans: Spans) -> None:
        """Replace the file by these spans, atomically: after a power cut it is the old file or the new one.

        Raises OSError.
        """
        listed = [asdict(span) for span in spans.oldest(_MOST)]
        if not listed:
            self.path.unlink(missing_ok=True)
            return
        draft = self.path.with_name(f"{self.path.name}.new")
        with draft.open("w") as file:
            json.dump({"v": 1, "watched": listed}, file)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self.path)
