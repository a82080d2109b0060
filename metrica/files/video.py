"""Write a video file, and be sure that it has been written."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import NoReturn

import cv2

from metrica.errors import NodeError
from metrica.files.names import library_name
from metrica.messages import Image


class VideoWriter:
    """Writes an .mp4 that appears under its name when `close` has found it complete. Until then it has another name.

    path: the video. fps: frames per second. size: width and height of the pictures, pixels.
    Raises NodeError if the file cannot be written, in every method.
    """

    def __init__(self, path: Path, fps: float, size: tuple[int, int]) -> None:
        self.path = path
        self._draft = path.resolve().with_name(f".metrica-{secrets.token_hex(8)}.mp4")
        self._written = 0
        try:
            self._draft.touch(exist_ok=False)
            with library_name(self._draft.parent) as folder:
                name = f"{folder}/{self._draft.name}"
                # MPEG-4 part 2: of the codecs in OpenCV's wheel the one that most players know.
                codec = cv2.VideoWriter.fourcc(*"mp4v")
                self._writer: cv2.VideoWriter | None = cv2.VideoWriter(name, cv2.CAP_FFMPEG, codec, fps, size)
        except OSError as error:
            raise NodeError(f"the video {path} cannot be written: {error.strerror}") from None
        if not self._writer.isOpened():
            self._fail()

    def write(self, image: Image) -> None:
        """Add a picture of the size of the video."""
        if self._writer is not None:
            if self._writer.write(image) is False:  # pyright: ignore[reportUnnecessaryComparison]
                self._fail()
            self._written += 1

    def close(self) -> None:
        """Finish the video, and give it its name. Does nothing after a failure, or a second time."""
        if self._writer is None:
            return
        self._writer.release()
        if self._frames() != self._written:
            self._fail()
        try:
            with self._draft.open("rb") as file:
                os.fsync(file.fileno())
            self._draft.replace(self.path.resolve())
        except OSError as error:
            self._fail(error)
        self._writer = None

    def _frames(self) -> int:
        """How many frames the finished file has, read again from the disk; -1 if it is no video."""
        with library_name(self._draft) as name:
            video = cv2.VideoCapture(name, cv2.CAP_FFMPEG, [])
            found = int(video.get(cv2.CAP_PROP_FRAME_COUNT)) if video.isOpened() else -1
            video.release()
        return found

    def _fail(self, error: OSError | None = None) -> NoReturn:
        """Remove what was written, and raise why it could not be written: OpenCV does not know, writing again does."""
        if self._writer is not None:
            self._writer.release()
        self._writer = None
        reason = error.strerror if error else "check the folder, and the room on its disk"
        try:
            if not error:
                with self._draft.open("ab") as file:
                    file.write(bytes(1 << 18))
                    os.fsync(file.fileno())
        except OSError as found:
            reason = found.strerror
        self._draft.unlink(missing_ok=True)
        raise NodeError(f"the video {self.path} cannot be written: {reason}")
