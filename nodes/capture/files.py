"""Recordings: a video file, and a folder of pictures."""

from __future__ import annotations

from pathlib import Path

import cv2

from metrica.errors import NodeError
from metrica.messages import Image
from metrica.nodes.capture.interlaced import is_interlaced
from metrica.nodes.capture.video import open_capture, retrieve
from metrica.pictures import PICTURES, list_pictures

_USUAL_FPS = 25.0
_LONGEST_GAP = 60.0  # seconds; a longer step between two frames means that a timestamp is damaged


class VideoFile:
    """A video file, frame by frame, with the timestamps of the file.

    Raises NodeError (permanent) if no frame can be read from it.
    """

    live = False

    def __init__(self, path: Path) -> None:
        self.path = path
        self.index = -1
        self._capture = open_capture(str(path), cv2.CAP_FFMPEG, [])
        fps = self._capture.get(cv2.CAP_PROP_FPS)
        self._fps = fps if 0.1 <= fps <= 1000 else _USUAL_FPS  # some files report 0 or 90000 frames per second
        self.announced = max(0, int(self._capture.get(cv2.CAP_PROP_FRAME_COUNT)))
        self._first_is_grabbed = self._capture.grab()
        if not self._first_is_grabbed or retrieve(self._capture) is None:
            self._capture.release()
            raise NodeError(
                f"{path} is not a video that can be read: try to play it, and copy it again if it is cut short",
                permanent=True,
            )
        self.interlaced = is_interlaced(self._capture)
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
        found = self.index + 1
        # The container may only estimate its number of frames, so a small difference is no damage.
        if found >= self.announced - max(2.0, 0.02 * self.announced):
            return ""
        return (
            f"{self.path} ended after {found} of {self.announced} frames: it is cut short or damaged, "
            "and what could be read has been used"
        )

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
        image = cv2.imread(str(file), cv2.IMREAD_COLOR)
        if image is None:
            self._damaged.append(file.name)
        return image  # type: ignore[return-value]

    @property
    def complaint(self) -> str:
        if not self._damaged:
            return ""
        n = len(self._damaged)
        return f"{n} of {len(self._files)} pictures of {self.path} cannot be read, the first is {self._damaged[0]}"

    def close(self) -> None:
        self._files = self._files[: self.index + 1]
