"""What the container of a video file says about itself, read without decoding: whether the file ends too early, and
whether its number of frames is a fact or an estimate.

MP4 and MOV: ISO/IEC 14496-12. AVI: OpenDML 1.02. Matroska and WebM: RFC 9559.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

_LARGEST_INDEX = 256 << 20
"""Bytes. A larger index of an MP4 is not read."""
_BOXES = frozenset(
    (
        b"ftyp",
        b"moov",
        b"mdat",
        b"moof",
        b"mfra",
        b"free",
        b"skip",
        b"wide",
        b"sidx",
        b"styp",
        b"uuid",
        b"meta",
        b"udta",
    )
)


@dataclass(frozen=True, slots=True)
class Container:
    """The facts about one file."""

    cut_short: bool = False
    """Whether the file ends before its container does, or before the index was written."""
    exact: bool = False
    """Whether as many frames can be read from an undamaged file as its index has. Else the number is an estimate."""
    sound_only: bool = False
    """Whether the index names tracks, but none with pictures."""


def read_container(path: Path) -> Container:
    """Look at a file. What is not known is as in `Container()`. Raises OSError."""
    with path.open("rb") as file:
        size = path.stat().st_size
        head = file.read(12)
        if head[4:8] in _BOXES:
            return _mp4(file, size)
        if head[:4] == b"RIFF" and head[8:] == b"AVI ":
            return Container(cut_short=_riff_ends_beyond(file, size))
        if head[:4] == b"\x1a\x45\xdf\xa3":
            return Container(cut_short=_matroska_ends_beyond(file, size))
    return Container()


def _mp4(file: BinaryIO, size: int) -> Container:
    index = b""
    place = 0
    while size - place >= 8:
        file.seek(place)
        head = file.read(16)
        length, kind = int.from_bytes(head[:4], "big"), head[4:8]
        if length == 1:
            length = int.from_bytes(head[8:16], "big")
        if kind not in _BOXES or 0 < length < 8:  # something that does not belong to the video has been appended
            break
        if length == 0:  # up to the end of the file
            length = size - place
        if place + length > size:
            return Container(cut_short=True)
        if kind == b"moov" and length <= _LARGEST_INDEX:
            file.seek(place + 8)
            index = file.read(length - 8)
        elif kind == b"moov":
            return Container()
        place += length
    if not index:
        return Container(cut_short=True)
    tracks = [content for kind, content in _boxes(index) if kind == b"trak"]
    pictures = [track for track in tracks if _find(track, b"mdia", b"hdlr")[8:12] == b"vide"]
    in_fragments = any(kind == b"mvex" for kind, _ in _boxes(index))  # the index has none of their frames
    whole = len(pictures) == 1 and not in_fragments and not _leaves_out(index, pictures[0])
    return Container(exact=whole, sound_only=bool(tracks) and not pictures)


def _leaves_out(index: bytes, track: bytes) -> bool:
    """Whether a player leaves out frames of an undamaged track: by an edit list, or before the first key frame."""
    sync = _find(track, b"mdia", b"minf", b"stbl", b"stss")
    if len(sync) >= 12 and int.from_bytes(sync[8:12], "big") > 1:
        return True
    edits = _find(track, b"edts", b"elst")
    if not edits:
        return False
    shown = sum(length for length, start in _edits(edits) if start >= 0)
    seconds = shown / max(1, _scale(_find(index, b"mvhd"))[0])
    scale, length = _scale(_find(track, b"mdia", b"mdhd"))
    return 0 < seconds < 0.99 * length / max(1, scale)


def _edits(content: bytes) -> Generator[tuple[int, int]]:
    """Length (in units of the whole video) and start (in units of the track, -1 for a gap) of each edit."""
    wide = 8 if content[:1] == b"\1" else 4
    for at in range(8, len(content) - 2 * wide - 3, 2 * wide + 4):
        length, start = content[at : at + wide], content[at + wide : at + 2 * wide]
        yield int.from_bytes(length, "big"), int.from_bytes(start, "big", signed=True)


def _scale(content: bytes) -> tuple[int, int]:
    """Units per second and length in units, from an `mvhd` or `mdhd`."""
    at, wide = (20, 8) if content[:1] == b"\1" else (12, 4)
    return int.from_bytes(content[at : at + 4], "big"), int.from_bytes(content[at + 4 : at + 4 + wide], "big")


def _boxes(content: bytes) -> Generator[tuple[bytes, bytes]]:
    place = 0
    while place + 8 <= len(content):
        length = int.from_bytes(content[place : place + 4], "big")
        if length < 8:
            return
        yield content[place + 4 : place + 8], content[place + 8 : place + length]
        place += length


def _find(content: bytes, *kinds: bytes) -> bytes:
    """The content of the first box on this path; empty if there is none."""
    for wanted in kinds:
        content = next((inner for kind, inner in _boxes(content) if kind == wanted), b"")
    return content


def _riff_ends_beyond(file: BinaryIO, size: int) -> bool:
    """Whether one of the RIFF chunks of an AVI (one for each GiB, in large files) goes on after the end of the file."""
    place = 0
    while size - place >= 8:
        file.seek(place)
        head = file.read(8)
        length = int.from_bytes(head[4:], "little")
        if head[:4] != b"RIFF" or length == 0:
            break
        place += 8 + length
        if place > size:
            return True
        place += length % 2
    return False


def _matroska_ends_beyond(file: BinaryIO, size: int) -> bool:
    """Whether the segment, which is the whole video, goes on after the end of the file. A live one has no length."""
    file.seek(4)
    head = _variable_length(file)
    if head is None:
        return False
    file.seek(head, 1)
    if file.read(4) != b"\x18\x53\x80\x67":
        return False
    segment = _variable_length(file)
    return segment is not None and file.tell() + segment > size


def _variable_length(file: BinaryIO) -> int | None:
    """An EBML number (RFC 8794); None if it says that the length is unknown."""
    first = file.read(1)
    width = 9 - first[0].bit_length() if first and first[0] else 0
    if not width:
        return None
    value = int.from_bytes(first + file.read(width - 1), "big") & ((1 << 7 * width) - 1)
    return None if value == (1 << 7 * width) - 1 else value
