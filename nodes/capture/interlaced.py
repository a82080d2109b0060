"""Find out whether a video is coded as interlaced: in fields of every other line, as analogue recorders send it.

FFmpeg's converter refuses interlaced pictures. OpenCV does not notice: `retrieve()` returns true, with a picture in
which nothing has been written (black, or what the memory held before), the same one each time.
"""

from __future__ import annotations

import re

import cv2
import numpy as np

_H264_WITH_CHROMA = {100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135}
_START_CODE = re.compile(rb"\x00\x00\x01")


def is_interlaced(capture: cv2.VideoCapture) -> bool:
    """Whether the video of an open capture may hold interlaced pictures. False if that cannot be found out.

    Call it after the first `grab`: the headers of some streams come with the first picture.
    """
    index = int(capture.get(cv2.CAP_PROP_CODEC_EXTRADATA_INDEX))
    if index <= 0:
        return False
    ok, data = capture.retrieve(flag=index)
    if not ok or np.shape(data)[:1] != (1,):  # None, whatever its type says, if there is no header
        return False
    fourcc = int(capture.get(cv2.CAP_PROP_FOURCC)).to_bytes(4, "little", signed=True)
    try:
        return says_interlaced(fourcc.decode("latin-1").lower(), data.tobytes())
    except (IndexError, ValueError):
        return False


def says_interlaced(codec: str, header: bytes) -> bool:
    """Whether a codec's header allows interlaced pictures. Raises IndexError or ValueError if the header is cut short.

    Sources: ITU-T H.264, 7.3.2.1.1 (frame_mbs_only_flag); H.265, 7.3.3 (general_interlaced_source_flag); H.262, 6.2.2.3
    (progressive_sequence).

    Args:
        codec: The codec's four letters, in small letters.
        header: The codec's header, as FFmpeg's `extradata`.
    """
    if codec in ("h264", "avc1", "avc3", "x264"):
        return _h264(header)
    if codec in ("hevc", "hvc1", "hev1", "h265"):
        return _h265(header)
    if codec in ("mpg2", "mp2v", "mpeg", "mpg1", "m2v1"):
        extension = header.find(b"\x00\x00\x01\xb5")
        return extension >= 0 and header[extension + 4] >> 4 == 1 and not header[extension + 5] & 0x08
    return False


def _h264(header: bytes) -> bool:
    if header[:1] == b"\x01":  # as in MP4: the length of the first parameter set, and the set itself
        return _allows_fields(header[8 : 8 + int.from_bytes(header[6:8])])
    return any(unit[0] & 0x1F == 7 and _allows_fields(unit) for unit in _units(header))


def _h265(header: bytes) -> bool:
    if header[:1] == b"\x01":
        return bool(header[6] & 0x40)
    return any(unit[0] >> 1 & 0x3F == 33 and bool(_unescaped(unit)[8] & 0x40) for unit in _units(header))


def _units(header: bytes) -> list[bytes]:
    """The NAL units between start codes (H.264, annex B)."""
    return [unit for unit in _START_CODE.split(header)[1:] if unit]


def _unescaped(unit: bytes) -> bytes:
    return unit.replace(b"\x00\x00\x03", b"\x00\x00")


class _Bits:
    """Reads numbers from the bits of a NAL unit. Raises IndexError at its end."""

    def __init__(self, data: bytes) -> None:
        self._bits = "".join(f"{byte:08b}" for byte in data)
        self._at = 0

    def take(self, count: int) -> int:
        """An unsigned number of `count` bits."""
        if self._at + count > len(self._bits):
            raise IndexError("the header ends too early")
        self._at += count
        return int(self._bits[self._at - count : self._at] or "0", 2)

    def golomb(self) -> int:
        """An unsigned Exp-Golomb number (H.264, 9.1)."""
        zeros = self._bits.index("1", self._at) - self._at
        self._at += zeros
        return self.take(zeros + 1) - 1

    def signed_golomb(self) -> int:
        """A signed Exp-Golomb number (H.264, 9.1.1)."""
        number = self.golomb()
        return (number + 1) // 2 if number % 2 else -(number // 2)


def _allows_fields(unit: bytes) -> bool:
    """Whether an H.264 sequence parameter set has frame_mbs_only_flag 0."""
    bits = _Bits(_unescaped(unit)[1:])
    profile = bits.take(8)
    bits.take(16)
    bits.golomb()
    if profile in _H264_WITH_CHROMA:
        _skip_chroma(bits)
    bits.golomb()
    order = bits.golomb()
    if order == 0:
        bits.golomb()
    elif order == 1:
        bits.take(1)
        bits.golomb()
        bits.golomb()
        for _ in range(bits.golomb()):
            bits.golomb()
    bits.golomb()
    bits.take(1)
    bits.golomb()
    bits.golomb()
    return bits.take(1) == 0


def _skip_chroma(bits: _Bits) -> None:
    chroma = bits.golomb()
    if chroma == 3:
        bits.take(1)
    bits.golomb()
    bits.golomb()
    bits.take(1)
    if bits.take(1):
        for number in range(12 if chroma == 3 else 8):
            if bits.take(1):
                _skip_scaling_list(bits, 16 if number < 6 else 64)


def _skip_scaling_list(bits: _Bits, size: int) -> None:
    scale = following = 8
    for _ in range(size):
        if following:
            following = (scale + bits.signed_golomb()) % 256
        scale = following or scale
