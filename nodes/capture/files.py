"""Recordings: a video file, and a folder of pictures."""

from __future__ import annotations

from pathlib import Path

import cv2

from metrica.errors import NodeError
from metrica.files.pictures import PICTURES, list_pictures, read_picture
from metrica.messages import Image
from metrica.nodes.capture.interlaced import is_interlaced
from metrica.nodes.capture.unreadable import open_video, why_unreadable
from metrica.nodes.capture.video import claimed_frames, frame_rate, retrieve

_LONGEST_GAP = 60.0  # seconds; a longer step between two frames means that a timestamp is damaged


class VideoFile:
    """A video file, frame by frame, with the timestamps of the file.

    Raises NodeError (permanent) if no frame can be read from it.
    """

    live = False

    def __init__(self, path: Path) -> None:
        self.path = path
        self.index = -1
        self._container, self._capture = open_video(path)
        self._fps = frame_rate(self._capture)
        self.announced = claimed_frames(self._capture)
        self._first_is_grabbed = self._capture.grab()
        if not self._first_is_grabbed or retrieve(self._capture) is None:
            self._capture.release()
            raise NodeError(why_unreadable(path, self._container), permanent=True)
        self.interlaced = is_interlaced(self._capture)
        """Whether the video is coded as interlaced."""
        self._first_time = self._file_time()
        self._last_time = self._first_time
        self._position = 0.0

    @property
    def step(self) -> float:
        return 1 / self._fps

    def grab(self) -> float | None:
        if self._first_is_grabbed:
            self._first_is_grabbed = False
        elif not self._capture.grab():
            return None
        self.index += 1
        if self.index > 0:
            self._position += self._step_to(self._file_time())
        return self._position

    def picture(self) -> Image | None:
        return retrieve(self._capture)

    @property
    def complaint(self) -> str:
        found, of = self.index + 1, f" of {self.announced}" if self.announced else ""
        # Players pass over a few frames of an undamaged video too: at its start, and between two scenes.
        if self.announced and found >= self.announced - max(2.0, 0.02 * self.announced):
            return ""
        if self._container.cut_short:
            return f"{self.path} ended after {found}{of} frames: it is cut short, and what could be read has been used"
        if of and self._container.exact:
            return f"{found}{of} frames of {self.path} could be read: the others are damaged"
        return ""  # the number of frames was an estimate: sound that goes on for longer, or timestamps that jump

    def close(self) -> None:
        self._capture.release()

    def _file_time(self) -> float:
        return self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000

    def _step_to(self, time: float) -> float:
        """Seconds since the frame before: by the file's timestamps, or by its frame rate if they make no sense."""
        step, self._last_time = time - self._last_time, time
        return step if 0 < step < _LONGEST_GAP else self.step


class PictureFolder:
    """The pictures of a folder in the order of the numbers in their names (9 before 10), at a given rate.

    Raises NodeError (permanent) if the folder holds none.
    """

    live = False

    def __init__(self, path: Path, fps: float) -> None:
        self.path = path
        self.index = -1
        self._fps = fps
        self._files = list_pictures(path)
        self._damaged: list[str] = []
        if not self._files:
            raise NodeError(f"{path} holds no picture (looked for {', '.join(sorted(PICTURES))})", permanent=True)
        self.announced = len(self._files)

    @property
    def step(self) -> float:
        return 1 / self._fps

    def grab(self) -> float | None:
        if self.index + 1 >= len(self._files):
            return None
        self.index += 1
        return self.index / self._fps

    def picture(self) -> Image | None:
        file = self._files[self.index]
        image = read_picture(file)
        if image is None:
            self._damaged.append(file.name)
        return image

    @property
    def complaint(self) -> str:
        if not self._damaged:
            return ""
        n = len(self._damaged)
        return f"{n} of {len(self._files)} pictures of {self.path} cannot be read, the first is {self._damaged[0]}"

    def close(self) -> None:
        self._files = self._files[: self.index + 1]
