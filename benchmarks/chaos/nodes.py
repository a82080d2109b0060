"""Sources with known crossings, and a node that says when the last picture arrived."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.chaos.walks import SIZE, box, crossing_frame, frames
from metrica import Node, param, publisher, subscription, timer
from metrica.messages import Detections, Frame, Header, Tracks
from metrica.qos import LATEST


class _Source(Node):
    """Walks people over the line, one at a time, in and out in turn, and notes each walk in a file.

    A walk is noted before its first frame and after its last, so a walk that was cut is known, too.
    """

    truth: Path = param(help="the file to which each walk is appended, one JSON object a line")
    fps: float = param(default=10.0, gt=0)
    pause: float = param(default=0.8, ge=0, unit="s")

    def on_activate(self) -> None:
        self._file = os.open(self.truth, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
        self._frame, self._direction, self._track = -1, "out", 0
        self._stamps: list[int] = []
        self._next_at = 0.0

    def on_deactivate(self) -> None:
        os.close(self._file)

    @timer(seconds=lambda node: 1 / node.fps)
    def tick(self) -> None:
        now = time.monotonic()
        if self._frame < 0 and now >= self._next_at:
            self._begin(now)
        header = Header(stamp=self.clock.now(), mono=self.clock.monotonic(), camera=self.context.camera)
        if self._frame < 0:
            self.show(header, np.empty((0, 4), np.float32), [], [])
            return
        self._stamps.append(header.stamp)
        where = np.array([box(self._frame, self.fps, self._direction)], np.float32)
        self.show(header, where, [self._track], [self._frame + 1])
        self._frame += 1
        if self._frame == frames(self.fps):
            self._note(end=time.monotonic(), stamp=self._crossed_at())
            self._frame, self._next_at = -1, now + self.pause

    def show(self, header: Header, boxes: Any, ids: list[int], ages: list[int]) -> None:
        """Publish one frame."""
        raise TypeError(f"{type(self).__name__} publishes nothing")

    def _begin(self, now: float) -> None:
        self._direction = "in" if self._direction == "out" else "out"
        self._track, self._frame, self._stamps = time.monotonic_ns() // 1_000_000, 0, []
        self._note(begin=now, direction=self._direction, stamp=self.clock.now() + self._until_line())

    def _until_line(self) -> int:
        return int(crossing_frame(self.fps) / self.fps * 1e9)

    def _crossed_at(self) -> int:
        exact = crossing_frame(self.fps)
        before, part = int(exact), exact % 1
        return round(self._stamps[before] * (1 - part) + self._stamps[before + 1] * part)

    def _note(self, **fields: Any) -> None:
        line = {"camera": self.context.camera, "track": self._track, **fields}
        os.write(self._file, json.dumps(line).encode() + b"\n")


class Walkers(_Source):
    """Known crossings as tracks, for a counter."""

    tracks = publisher(Tracks)

    def show(self, header: Header, boxes: Any, ids: list[int], ages: list[int]) -> None:
        self.tracks.publish(
            Tracks(
                header=header,
                boxes=boxes,
                ids=np.array(ids, np.int64),
                scores=np.full(len(ids), 0.9, np.float32),
                ages=np.array(ages, np.int32),
                size=SIZE,
            )
        )


class Detected(_Source):
    """Known crossings as detections, for a tracker."""

    detections = publisher(Detections)

    def show(self, header: Header, boxes: Any, ids: list[int], ages: list[int]) -> None:
        scores = np.full(len(ids), 0.9, np.float32)
        self.detections.publish(Detections(header=header, boxes=boxes, scores=scores, size=SIZE))


class Watch(Node):
    """Appends to a file when each picture arrived, and its size: monotonic seconds, width, height."""

    file: Path = param()

    def on_activate(self) -> None:
        self._fd = os.open(self.file, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)

    def on_deactivate(self) -> None:
        os.close(self._fd)

    @subscription(Frame, qos=LATEST)
    def frames(self, msg: Frame) -> None:
        height, width = msg.image.shape[:2]
        os.write(self._fd, f"{msg.header.mono / 1e9:.3f} {width} {height}\n".encode())
