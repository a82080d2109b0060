"""The three nodes of `transport.py`: a source, a node that passes every frame on, and a sink that measures."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import ClassVar

import numpy as np

from metrica import LATEST, Node, Publisher, param, publisher, subscription, timer
from metrica.messages import Frame, Header, Image

WARM_UP = 10
"""Frames before CPU time is counted, because making and mapping a ring happens only once."""


class Source(Node):
    """Publishes `total` frames, at a rate or as fast as they are received."""

    width: int = param()
    height: int = param()
    fps: float = param(default=0.0, ge=0, help="0: as fast as they are received")
    total: int = param(ge=1)
    out: Path = param()

    frames: ClassVar[Publisher[Frame]] = publisher(Frame, qos=LATEST)

    def on_activate(self) -> None:
        self._image: Image = np.full((self.height, self.width, 3), 7, np.uint8)
        self._sent = 0

    @timer(seconds=lambda node: 1 / node.fps if node.fps else 0.0)
    def shoot(self) -> None:
        now = time.monotonic_ns()
        self.frames.publish(Frame(header=Header(stamp=now, mono=now, camera="door"), image=self._image))
        self._sent += 1
        if self._sent == WARM_UP:
            self._cpu = time.process_time()
        if self._sent == self.total:
            report(self.out, cpu=time.process_time() - self._cpu)
            self.finish()


class Between(Node):
    """Passes every frame on, like a node that draws on frames."""

    out: Path = param()

    passed: ClassVar[Publisher[Frame]] = publisher(Frame, qos=LATEST)

    def on_activate(self) -> None:
        self._seen = 0

    @subscription(Frame, qos=LATEST)
    def frames(self, msg: Frame) -> None:
        self.passed.publish(msg)
        self._seen += 1
        if self._seen == WARM_UP:
            self._cpu = time.process_time()

    def on_deactivate(self) -> None:
        report(self.out, cpu=time.process_time() - self._cpu)


class Sink(Node):
    """Reads every frame and notes its age."""

    out: Path = param()

    def on_activate(self) -> None:
        self._ages: list[float] = []

    @subscription(Frame, qos=LATEST)
    def passed(self, msg: Frame) -> None:
        assert msg.image[0, 0, 0] == 7 and msg.image[-1, -1, -1] == 7
        self._ages.append((time.monotonic_ns() - msg.header.mono) / 1e6)
        if len(self._ages) == WARM_UP:
            self._cpu = time.process_time()

    def on_deactivate(self) -> None:
        report(self.out, cpu=time.process_time() - self._cpu, ages=self._ages)


def report(path: Path, **values: object) -> None:
    """Write a node's measurements as JSON."""
    path.write_text(json.dumps(values))
