"""Write a video that shows what was counted."""

from __future__ import annotations

from collections import deque
from pathlib import Path

import cv2
import numpy as np

from metrica.errors import ParameterError
from metrica.files.video import VideoWriter
from metrica.messages import Crossing, Frame, Tracks
from metrica.node import Node
from metrica.nodes.geometry.anchors import Anchor
from metrica.nodes.geometry.lines import Line, Numbers
from metrica.nodes.preview.overlay import Overlay
from metrica.params import param
from metrica.ports import subscription
from metrica.qos import EVENTS, STREAM

_MOST_WAITING = 128  # frames that wait for their tracks; only frames without any tracks ever fill it


class Render(Node):
    """Writes an .mp4 of every frame with its tracks, the lines and the totals. For graphs in one process."""

    path: str = param(help="the .mp4 to write")
    fps: float = param(gt=0, unit="frames per second", help="the rate at which it plays")
    lines: dict[str, Numbers] = param(unit="px", help="the lines to draw, by name")
    anchor: Anchor = param(default="bottom_center", help="the point of a box that leaves a trail")

    def check(self) -> None:
        path = Path(self.path)
        if path.suffix.lower() != ".mp4":
            raise ParameterError("path", f"the video {path} must be called something.mp4")
        if not path.resolve().parent.is_dir():
            raise ParameterError("path", f"there is no folder {path.resolve().parent} to write {path.name} into")

    def on_configure(self) -> None:
        lines = [Line.of(name, numbers) for name, numbers in self.lines.items()]
        self._overlay = Overlay(lines, self.anchor)
        self._waiting: deque[Frame] = deque(maxlen=_MOST_WAITING)
        self._writer: VideoWriter | None = None
        self._size = (0, 0)

    def on_cleanup(self) -> None:
        if self._writer:
            self._writer.close()

    @subscription(Frame, qos=STREAM)
    def frames(self, msg: Frame) -> None:
        """The pictures, kept until their tracks come."""
        self._waiting.append(msg)

    @subscription(Crossing, qos=EVENTS)
    def crossings(self, msg: Crossing) -> None:
        """The crossings of the lines, which are counted."""
        self._overlay.crossed(msg)

    @subscription(Tracks, qos=STREAM)
    def tracks(self, msg: Tracks) -> None:
        """The people in each picture."""
        # A frame that the detector could not process has no tracks, and is left out.
        while self._waiting and self._waiting[0].header.stamp <= msg.header.stamp:
            frame = self._waiting.popleft()
            if frame.header.stamp == msg.header.stamp:
                self._write(frame, msg)

    def _write(self, frame: Frame, tracks: Tracks) -> None:
        image = frame.image.copy()
        size = (image.shape[1], image.shape[0])
        if self._writer is None:
            self._size = size
            self._writer = VideoWriter(Path(self.path), self.fps, size)
        self._overlay.draw(image, tracks)
        self._writer.write(image if size == self._size else np.asarray(cv2.resize(image, self._size), np.uint8))
        self.count("frames")
