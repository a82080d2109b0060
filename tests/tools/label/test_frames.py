"""Pictures of a clip by their number: the right one, in whatever order they are asked for."""

from __future__ import annotations

import struct
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from metrica.errors import NodeError
from metrica.tools.label.frames import ClipFrames
from tests.clips import ENTRANCE, ONE_BY_ONE, WALKWAY, Clip, at_hand
from tests.nodes.capture.footage import number_of, write_video


def decoded(coded: bytes | None) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    assert coded is not None
    image = cv2.imdecode(np.frombuffer(coded, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    return image.astype(np.uint8)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(numbers=st.lists(st.integers(0, 119), min_size=1, max_size=20))
def test_each_frame_is_the_one_that_was_asked_for(tmp_path: Path, numbers: list[int]) -> None:
    path = tmp_path / "door.mp4"
    clip = ClipFrames(path if path.exists() else write_video(path, frames=120, fps=12))
    assert [number_of(decoded(clip.jpeg(n))) for n in numbers] == numbers
    clip.close()


def test_the_clip_says_how_long_how_quick_and_how_large_it_is(tmp_path: Path) -> None:
    clip = ClipFrames(write_video(tmp_path / "door.mp4", frames=40, fps=12))
    assert (clip.count, clip.fps, clip.size) == (40, 12, (160, 96))
    assert clip.jpeg(40) is None
    assert clip.jpeg(-1) is None
    assert number_of(decoded(clip.jpeg(39))) == 39  # also after it has run beyond the end


@pytest.mark.parametrize("source", at_hand(ENTRANCE, ONE_BY_ONE, WALKWAY), ids=str)
def test_seeking_in_footage_gives_the_frame_that_reading_gives(source: Clip) -> None:
    reading, clip = cv2.VideoCapture(str(source.path)), ClipFrames(source.path)
    wanted = [frame for frame in (637, 5, 143, 459, 12, 213) if frame < source.truth["frames"]]
    truth: dict[int, bytes] = {}
    for number in range(max(wanted) + 1):
        assert reading.grab()
        if number in wanted:
            coded = cv2.imencode(".jpg", reading.retrieve()[1], [cv2.IMWRITE_JPEG_QUALITY, 80])[1]
            truth[number] = coded.tobytes()
    for number in wanted:
        assert clip.jpeg(number) == truth[number]
    clip.close()


def test_what_is_no_video_is_named(tmp_path: Path) -> None:
    text = tmp_path / "text.mp4"
    text.write_text("not a video")
    with pytest.raises(NodeError, match=r"text\.mp4 is not a video"):
        ClipFrames(text)
    with pytest.raises(NodeError, match=r"there is no file .*nothing\.mp4"):
        ClipFrames(tmp_path / "nothing.mp4")


def test_a_clip_that_does_not_say_how_long_it_is_is_labelled(tmp_path: Path) -> None:
    video = write_video(tmp_path / "door.mkv", frames=40, fps=10)
    data = bytearray(video.read_bytes())
    duration = data.index(b"\x44\x89\x88")
    data[duration : duration + 2] = b"\xec\x89"  # Matroska's way to say that here is nothing
    video.write_bytes(data)
    clip = ClipFrames(video)
    assert clip.count == 40
    assert [number_of(decoded(clip.jpeg(n))) for n in (39, 0, 20, 5)] == [39, 0, 20, 5]
    assert clip.jpeg(40) is None


def test_the_frames_of_a_clip_that_claims_too_many_are_counted(tmp_path: Path) -> None:
    video = write_video(tmp_path / "door.mkv", frames=40, fps=10)
    data = bytearray(video.read_bytes())
    struct.pack_into(">d", data, data.index(b"\x44\x89\x88") + 3, 60_000.0)
    video.write_bytes(data)
    clip = ClipFrames(video)
    assert clip.count == 40
    assert number_of(decoded(clip.jpeg(39))) == 39
