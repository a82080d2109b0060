"""Opens a video file, or says in one sentence why it cannot be read."""

from __future__ import annotations

from pathlib import Path

import cv2

from metrica.errors import NodeError
from metrica.nodes.capture.container import Container, read_container
from metrica.nodes.capture.video import open_file

_CODECS = {"AV01": "AV1", "VVC1": "H.266", "AVC1": "H.264", "HVC1": "H.265", "HEV1": "H.265", "HEVC": "H.265"}
_NEEDS_HARDWARE = ("AV01",)
"""Codecs for which OpenCV's FFmpeg has a decoder, but one that works only with a graphics card."""


def open_video(path: Path) -> tuple[Container, cv2.VideoCapture]:
    """A video file, with the facts about its container; the caller asks whether a picture comes.

    Raises NodeError if the file cannot be opened: its disk may come later.
    """
    try:
        return read_container(path), open_file(path)
    except FileNotFoundError:
        raise NodeError(f"there is no file {path}: check the name") from None
    except OSError as error:
        raise NodeError(f"{path} cannot be read: {error.strerror}") from None


def why_unreadable(path: Path, container: Container) -> str:
    """Why no picture comes from a video file: one sentence that says what to do."""
    if path.stat().st_size == 0:
        return f"{path} is empty: copy or record it again"
    decoder, codec = _codec(path)
    if codec and (not decoder or codec in _NEEDS_HARDWARE):
        name = _CODECS.get(codec, codec)
        return f"{path} is encoded as {name}, which cannot be decoded here: convert it to H.264 first"
    if container.cut_short:
        return f"{path} is cut short, so no picture of it can be read: copy or record it again"
    if container.sound_only:
        return f"{path} is not a video that can be read: it holds no pictures"
    if codec:
        name = _CODECS.get(codec, codec)
        return f"no picture of {path} can be decoded ({name}): try to play it, it may be damaged"
    return f"{path} is not a video that can be read: try to play it"


def _codec(path: Path) -> tuple[bool, str]:
    """Whether there is a decoder for the pictures in a file, and the four letters of their codec, if there are any."""
    with_decoder = open_file(path)
    packets = open_file(path, decoded=False)
    try:
        if not packets.isOpened() or not packets.grab():
            return with_decoder.isOpened(), ""
        code = int(packets.get(cv2.CAP_PROP_FOURCC)) & 0xFFFFFFFF
        letters = code.to_bytes(4, "little").decode("latin-1").strip("\0 ").upper()
        return with_decoder.isOpened(), letters if letters.isprintable() and letters else f"{code:#x}"
    finally:
        with_decoder.release()
        packets.release()
