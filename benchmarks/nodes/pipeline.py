"""The node of `pipeline.py` that counts the frames at the end of the graph."""

from __future__ import annotations

import json
import time
from pathlib import Path

from metrica import Node, param, subscription
from metrica.messages import Tracks


class Meter(Node):
    """Writes the number of frames, and the frame rate after the first `warm_up` frames, to the JSON file `out`."""

    out: Path = param()
    warm_up: int = param(default=50, ge=1, unit="frames")

    def on_activate(self) -> None:
        self._frames = 0
        self._first = self._last = 0.0

    @subscription(Tracks)
    def tracks(self, msg: Tracks) -> None:
        self._frames += 1
        self._last = time.monotonic()
        if self._frames == self.warm_up:
            self._first = self._last

    def on_deactivate(self) -> None:
        counted = self._frames - self.warm_up
        self.out.write_text(json.dumps({"frames": self._frames, "fps": counted / (self._last - self._first)}))
