"""OpenCV's VideoCapture with FFmpeg's own messages off: they have no node name and may show an address."""

from __future__ import annotations

import os
import threading

import cv2
import numpy as np

from metrica.messages import Image

OPTIONS = "OPENCV_FFMPEG_CAPTURE_OPTIONS"
"""The environment variable from which OpenCV takes the options for FFmpeg."""
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


def retrieve(capture: cv2.VideoCapture) -> Image | None:
    """The grabbed picture, uint8 [height, width, 3], blue green red; None if it cannot be decoded."""
    ok, image = capture.retrieve()
    if not ok or image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        return None
    return image  # type: ignore[return-value]
