"""A source of tracks without a camera, for the tests of what goes wrong behind it."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from metrica import Node, Publisher, param, publisher, timer
from metrica.messages import Header, Tracks


class Walkers(Node):
    """One person after the other walks from left to right through a picture of 640x360, one each second."""

    people: int = param(ge=1, help="then it is finished")

    tracks: ClassVar[Publisher[Tracks]] = publisher(Tracks)

    def on_activate(self) -> None:
        self._step = 0

    @timer(seconds=0.05)
    def walk(self) -> None:
        person, step = divmod(self._step, 20)
        self._step += 1
        if person == self.people:
            self.finish()
            return
        x = 100.0 + 22 * step
        self.tracks.publish(
            Tracks(
                header=Header(stamp=self.clock.now(), mono=self.clock.monotonic(), camera=self.context.camera),
                boxes=np.array([[x - 20, 120, x + 20, 240]], np.float32),
                ids=np.array([person + 1]),
                scores=np.ones(1, np.float32),
                ages=np.array([step + 1], np.int32),
                size=(640, 360),
            )
        )
