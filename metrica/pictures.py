"""Files with pictures: finds them in a folder, in the order in which they were taken; reads and writes them; videos.

OpenCV ends the process for a file name that is not UTF-8, and FFmpeg takes `08:15.mp4` for an address. So a library
gets the bytes of a picture, and for a video a `library_name`.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import cv2
import numpy as np

from metrica.errors import NodeError
from metrica.messages import Image

PICTURES = {".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"}
"""File name extensions of pictures, in lower case."""


def list_pictures(folder: Path) -> list[Path]:
    """The picture files of a folder, sorted by name, with numbers in names sorted as numbers: 9 comes before 10."""
    found = [p for p in folder.iterdir() if p.suffix.lower() in PICTURES and p.is_file()]
    return sorted(found, key=lambda p: [int(t) if t.isdecimal() else t for t in re.split(r"(\d+)", p.name)])


def read_picture(path: Path) -> Image | None:
    """The picture in a file of any name, uint8 [height, width, 3], blue green red; None if it cannot be read."""
    try:
        image = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_COLOR)
    except (OSError, cv2.error):  # OpenCV raises for an empty file
        return None
    return None if image is None else np.asarray(image, np.uint8)


def write_picture(path: Path, image: Image, settings: Sequence[int] = ()) -> None:
    """Write a picture in the format of its extension. settings: as of cv2.imwrite. Raises OSError."""
    good, coded = cv2.imencode(path.suffix, image, list(settings))
    if not good:
        raise OSError(None, "the picture cannot be encoded", str(path))
    write_whole(path, coded.tobytes())


def write_whole(path: Path, content: bytes) -> None:
    """Write a file that appears under its name when it is complete. Raises OSError with the name of the file."""
    draft = path.with_name(f".metrica-{secrets.token_hex(8)}")
    try:
        draft.write_bytes(content)
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise OSError(error.errno, error.strerror, str(path)) from None


@contextmanager
def library_name(path: Path) -> Generator[str]:
    """A name under which any library can open an existing file or folder, while the context lasts.

    It is the absolute path, which no library takes for an address or an option. A path that is not UTF-8 has another
    name through its descriptor, under /proc. Raises OSError if the file cannot be opened.
    """
    whole = str(path.absolute())
    try:
        whole.encode()
    except UnicodeEncodeError:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            yield f"/proc/self/fd/{descriptor}"
        finally:
            os.close(descriptor)
    else:
        yield whole


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
