"""OpenCV's VideoCapture with FFmpeg's own messages off: they have no node name and may show an address."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import cv2
import numpy as np

from metrica.files.names import library_name
from metrica.messages import Image

OPTIONS = "OPENCV_FFMPEG_CAPTURE_OPTIONS"
"""The environment variable from which OpenCV takes the options for FFmpeg."""
_USUAL_FPS = 25.0
_lock = threading.Lock()

# OpenCV reads these once, at the first capture of the process.
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # AV_LOG_QUIET
os.environ.setdefault("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", "1")  # seconds; the default of 10 looks like a hang


def open_capture(what: str | int, api: int, settings: list[int], options: str = "") -> cv2.VideoCapture:
    """Open a capture; the caller asks `isOpened()`.

    settings: property, value, property, value, …, as VideoCapture takes them. options: FFmpeg's, as `key;value|…`. An
    OPENCV_FFMPEG_CAPTURE_OPTIONS that the user has set takes precedence.
    """
    if "OPENCV_LOG_LEVEL" not in os.environ:
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    if not options or OPTIONS in os.environ:
        return cv2.VideoCapture(what, api, settings)
    with _lock:  # the environment belongs to the whole process, and the options of a camera do not suit a file
        os.environ[OPTIONS] = options
        try:
            return cv2.VideoCapture(what, api, settings)
        finally:
            del os.environ[OPTIONS]


def open_file(path: Path, *, decoded: bool = True) -> cv2.VideoCapture:
    """Open a video file of any name; the caller asks `isOpened()`. decoded: False gives packets instead of pictures.

    Raises OSError if the file cannot be opened at all.
    """
    with library_name(path) as name:
        return open_capture(name, cv2.CAP_FFMPEG, [] if decoded else [cv2.CAP_PROP_FORMAT, -1])


def frame_rate(capture: cv2.VideoCapture) -> float:
    """The frames per second of a video file; the usual ones if it does not say."""
    fps = capture.get(cv2.CAP_PROP_FPS)
    return fps if 0.1 <= fps <= 1000 else _USUAL_FPS  # some files report 0 or 90000 frames per second


def claimed_frames(capture: cv2.VideoCapture) -> int:
    """How many frames a video file claims to have; 0 if it does not say. Many containers only estimate it."""
    return max(0, int(capture.get(cv2.CAP_PROP_FRAME_COUNT)))


def retrieve(capture: cv2.VideoCapture) -> Image | None:
    """The grabbed picture, uint8 [height, width, 3], blue green red; None if it cannot be decoded."""
    ok, image = capture.retrieve()
    if not ok or image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        return None
    return image  # type: ignore[return-value]
