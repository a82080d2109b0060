"""The frames of a clip by number, as JPEG, which every browser shows whatever the codec of the clip is."""

from __future__ import annotations

import threading
from collections import OrderedDict
from pathlib import Path

import cv2
import numpy as np

from metrica.errors import NodeError
from metrica.messages import Image
from metrica.nodes.capture.unreadable import open_video, why_unreadable
from metrica.nodes.capture.video import claimed_frames, frame_rate, open_file, retrieve

_KEPT = 48
"""JPEG pictures that are kept in memory, at most."""
_NEAR = 250
"""Frames. A frame that is no further ahead is reached by reading on: a seek would decode from a key frame anyway."""
_WIDEST = 1280
"""The width in pixels to which wider pictures are reduced: enough to see who crosses a line."""
_QUALITY = 80


class ClipFrames:
    """One clip, opened once; `jpeg` may be called from any thread.

    Raises NodeError (permanent) if it is no video.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        container, self._capture = open_video(path)
        self._next = 0
        self._lock = threading.Lock()
        self._kept: OrderedDict[int, bytes] = OrderedDict()
        self.fps = frame_rate(self._capture)
        """Frames per second, as the file says."""
        self._has_length = claimed_frames(self._capture) > 0
        self.size = (
            int(self._capture.get(cv2.CAP_PROP_FRAME_WIDTH)),
            int(self._capture.get(cv2.CAP_PROP_FRAME_HEIGHT)),
        )
        """Width and height, pixels."""
        if self.jpeg(0) is None:
            self.close()
            raise NodeError(why_unreadable(path, container), permanent=True)
        self.count = self._count()
        """How many frames there are."""

    def jpeg(self, number: int) -> bytes | None:
        """Frame `number` (the first is 0); None if the clip has no such frame."""
        with self._lock:
            if number in self._kept:
                self._kept.move_to_end(number)
                return self._kept[number]
            image = self._read(number)
            if image is None:
                return None
            good, coded = cv2.imencode(".jpg", _smaller(image), [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
            if not good:
                return None
            self._kept[number] = coded.tobytes()
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
            return self._kept[number]

    def close(self) -> None:
        with self._lock:
            self._capture.release()

    def _count(self) -> int:
        """The number of frames: what the file claims if its last one is there, else as many as can be read."""
        claimed = claimed_frames(self._capture)
        if claimed and self._read(claimed - 1) is not None:
            return claimed
        self._reopen()
        while self._capture.grab():
            self._next += 1
        count = self._next
        self._reopen()
        return count

    def _reopen(self) -> None:
        self._capture.release()
        self._capture = open_file(self._path)
        self._next = 0

    def _read(self, number: int) -> Image | None:
        if number < 0:
            return None
        if not self._has_length:  # nobody can seek in it, and OpenCV does not say so
            if number < self._next:
                self._reopen()
        elif not 0 <= number - self._next <= _NEAR:
            self._capture.set(cv2.CAP_PROP_POS_FRAMES, number)
            self._next = number
        while self._next <= number:
            if not self._capture.grab():
                self._next = 1 << 62  # unknown position: the next read seeks
                return None
            self._next += 1
        return retrieve(self._capture)


def _smaller(image: Image) -> Image:
    height, width = image.shape[:2]
    if width <= _WIDEST:
        return image
    size = (_WIDEST, max(1, round(height * _WIDEST / width)))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
