"""The frame ring within one process: layout, limits, and one clear sentence for each thing that can be wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from metrica.errors import FrameRingError
from metrica.frames import FrameLostError, FrameRingReader, FrameRingWriter, read_frame, ring_path, write_frame
from metrica.messages import Frame, Header


def picture(value: int, height: int = 48, width: int = 64) -> Frame:
    image = np.full((height, width, 3), value, np.uint8)
    return Frame(header=Header(seq=value, camera="door"), image=image)


def test_a_frame_comes_back_as_it_went_in_with_its_header(tmp_path: Path) -> None:
    image = np.random.default_rng(1).integers(0, 256, (48, 64, 3), np.uint8)
    frame = Frame(header=Header(stamp=5, camera="door"), image=image)
    with FrameRingWriter(ring_path(tmp_path, "door"), 4, image.nbytes) as ring, FrameRingReader() as reader:
        got = read_frame(reader, write_frame(ring, frame))
        assert got == frame
        assert got.intact()


def test_an_overwritten_frame_is_lost_to_who_comes_late_and_not_intact_to_who_holds_it(tmp_path: Path) -> None:
    with FrameRingWriter(ring_path(tmp_path, "door"), 3, 48 * 64 * 3) as ring, FrameRingReader() as reader:
        ref = write_frame(ring, picture(1))
        held = read_frame(reader, ref)
        for value in (2, 3):
            write_frame(ring, picture(value))
        assert held.intact()
        write_frame(ring, picture(4))
        assert not held.intact()
        with pytest.raises(FrameLostError, match="overwritten"):
            read_frame(reader, ref)
