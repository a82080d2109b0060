"""A node that is a camera and its tracker at once: somebody walks over the line every two seconds."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from metrica import Node, param, publisher, timer
from metrica.messages import Header, Tracks

_FRAMES = 20


class Walkers(Node):
    file: Path = param(help="where to write when somebody is on the line, ns on the monotonic clock")

    tracks = publisher(Tracks)

    def on_activate(self) -> None:
        self._frame = 0

    @timer(seconds=0.1)
    def picture(self) -> None:
        walker, at = divmod(self._frame, _FRAMES)
        self._frame += 1
        x = 450 + 20.0 * at
        stamp, mono = self.clock.now(), self.clock.monotonic()
        if at == 10:  # from 630 to 650: over the line at 640
            with self.file.open("a") as file:
                file.write(f"{time.monotonic_ns()}\n")
        self.tracks.publish(
            Tracks(
                header=Header(stamp=stamp, mono=mono, camera=self.context.camera),
                boxes=np.array([[x - 30, 340, x + 30, 500]], np.float32),
                ids=np.array([walker + 1], np.int64),
                scores=np.ones(1, np.float32),
                ages=np.array([at + 1], np.int32),
                size=(1280, 720),
            )
        )
