"""Capture from video files: which frames come, when they were taken, and how the file ends."""

from __future__ import annotations

import logging
import struct
from pathlib import Path

import numpy as np
import pytest

from metrica import testing
from metrica.errors import NodeError, ParameterError
from metrica.nodes.capture.node import Capture
from metrica.testing import START, Bench
from tests.clips import VISITOR, WALKWAY, Clip, at_hand
from tests.nodes.capture.footage import SIZE, number_of, write_video


def read_all(bench: Bench, most: int = 2000) -> list[tuple[int, float]]:
    """Every frame to the end of the file: its number and its seconds since the start."""
    for _ in range(most):
        if bench.finished:
            break
        bench.spin()
    return [(number_of(f.image), (f.header.stamp - START) / 1e9) for f in bench.sent("frames")]


def test_every_frame_comes_once_in_order_with_its_time_in_the_file(tmp_path: Path) -> None:
    video = write_video(tmp_path / "door.mp4", frames=40, fps=10)
    with testing.run(Capture(uri=str(video), pace="fast")) as bench:
        frames = read_all(bench)
    assert bench.finished
    assert [number for number, _ in frames] == list(range(40))
    assert np.allclose([time for _, time in frames], np.arange(40) / 10, atol=1e-6)
    first = bench.sent("frames")[0]
    assert first.image.shape == (SIZE[1], SIZE[0], 3)
    assert first.header.camera == "door"


def test_a_file_url_and_a_name_with_spaces_are_the_same_file(tmp_path: Path) -> None:
    video = write_video(tmp_path / "the door.mp4", frames=3, fps=10)
    with testing.run(Capture(uri=video.as_uri(), pace="fast")) as bench:
        assert len(read_all(bench)) == 3


@pytest.mark.parametrize(("fps", "target"), [(30, 8), (30, 10), (25, 10), (15, 10), (12.5, 5)])
def test_a_target_rate_keeps_evenly_spaced_frames(tmp_path: Path, fps: float, target: float) -> None:
    video = write_video(tmp_path / "door.avi", frames=120, fps=fps, codec="MJPG")
    with testing.run(Capture(uri=str(video), pace="fast", fps=target)) as bench:
        times = [time for _, time in read_all(bench)]
    assert len(times) == pytest.approx(120 / fps * target, abs=1)
    gaps = np.diff(times) * fps
    assert gaps.max() - gaps.min() == pytest.approx(0, abs=1.01)
    assert bench.node.counters["frames"] + bench.node.counters["dropped_by_rate"] == 120


def test_a_target_rate_at_or_above_the_files_own_keeps_all(tmp_path: Path) -> None:
    video = write_video(tmp_path / "door.mp4", frames=30, fps=10)
    for target in (10, 25):
        with testing.run(Capture(uri=str(video), pace="fast", fps=target)) as bench:
            assert len(read_all(bench)) == 30


def test_in_real_time_a_frame_comes_when_its_moment_has_come_and_never_late_by_drift(tmp_path: Path) -> None:
    video = write_video(tmp_path / "door.mp4", frames=30, fps=10)
    with testing.run(Capture(uri=str(video))) as bench:
        bench.spin(2)
        assert len(bench.sent("frames")) == 1
        for step in range(1, 20):
            bench.advance(0.1)
            bench.spin(2)
            assert len(bench.sent("frames")) == step + 1
        stamps = [f.header.stamp for f in bench.sent("frames")]
    assert np.allclose((np.array(stamps) - START) / 1e9, np.arange(20) / 10, atol=1e-6)


def test_a_paused_file_goes_on_where_it_was_in_the_time_that_it_is_now(tmp_path: Path) -> None:
    video = write_video(tmp_path / "door.mp4", frames=30, fps=10)
    node = Capture(uri=str(video))
    with testing.run(node) as bench:
        bench.spin(1)
        node.on_deactivate()
        bench.advance(3600)
        node.on_activate()
        bench.spin(2)
        first, second = bench.sent("frames")
    assert number_of(second.image) == 1
    assert second.header.stamp - first.header.stamp == 3600 * 10**9


def test_a_looped_file_begins_again_and_its_time_goes_on(tmp_path: Path) -> None:
    video = write_video(tmp_path / "door.mp4", frames=5, fps=10)
    with testing.run(Capture(uri=str(video), pace="fast", loop=True)) as bench:
        bench.spin(17)
        frames = [(number_of(f.image), (f.header.stamp - START) / 1e9) for f in bench.sent("frames")]
    assert not bench.finished
    assert [n for n, _ in frames] == [*range(5), *range(5), *range(5)][: len(frames)]
    assert np.allclose(np.diff([t for _, t in frames]), 0.1, atol=1e-6)
    assert bench.node.counters["loops"] == 2


def test_a_missing_file_is_a_wrong_parameter(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match=r"there is no file .*nothing\.mp4") as error:
        Capture(uri=str(tmp_path / "nothing.mp4")).check()
    assert error.value.parameter == "uri"


def test_a_text_file_called_mp4_is_refused_for_good(tmp_path: Path) -> None:
    text = tmp_path / "notes.mp4"
    text.write_text("shopping list")
    node = Capture(uri=str(text))
    with pytest.raises(NodeError, match="is not a video that can be read") as error, testing.run(node):
        pass
    assert error.value.permanent


def test_what_a_truncated_video_still_holds_is_delivered_and_the_rest_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    whole = write_video(tmp_path / "whole.avi", frames=60, fps=10, codec="MJPG")
    cut = tmp_path / "cut.avi"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    with caplog.at_level(logging.WARNING), testing.run(Capture(uri=str(cut), pace="fast")) as bench:
        frames = read_all(bench)
    assert bench.finished
    assert 15 < len(frames) < 60
    assert [n for n, _ in frames] == list(range(len(frames)))
    assert [r.message for r in caplog.records if "cut short" in r.message]


def index_first(video: bytes) -> bytes:
    """An MP4 file with its index (moov) before its pictures (mdat), as phones and editors write it for the web."""
    atoms: dict[bytes, bytes] = {}
    place = 0
    while place < len(video):
        size = int.from_bytes(video[place : place + 4], "big")
        atoms[video[place + 4 : place + 8]] = video[place : place + size]
        place += size
    index = bytearray(atoms.pop(b"moov"))
    offsets = index.index(b"stco") + 8  # where the pictures lie in the file: how many numbers follow, and the numbers
    (count,) = struct.unpack_from(">I", index, offsets)
    numbers = f">{count}I"
    moved = [offset + len(index) for offset in struct.unpack_from(numbers, index, offsets + 4)]
    struct.pack_into(numbers, index, offsets + 4, *moved)
    return atoms.pop(b"ftyp") + bytes(index) + b"".join(atoms.values())


@pytest.mark.parametrize("clip", at_hand(VISITOR, WALKWAY), ids=str)
def test_a_clip_that_is_cut_in_two_ends_with_a_sentence(
    clip: Clip, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    whole = index_first(clip.path.read_bytes()) if clip.simulated else clip.path.read_bytes()
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(whole[: len(whole) // 2])
    with caplog.at_level(logging.WARNING), testing.run(Capture(uri=str(cut), pace="fast", fps=1)) as bench:
        read_all(bench)
    assert bench.finished
    assert any(f"of {clip.truth['frames']} frames: it is cut short" in r.message for r in caplog.records)


def test_a_frame_rate_that_the_file_does_not_know_falls_back_to_a_usual_one(tmp_path: Path) -> None:
    video = write_video(tmp_path / "door.avi", frames=20, fps=10, codec="MJPG")
    data = bytearray(video.read_bytes())
    header = data.index(b"strh") + 8  # AVISTREAMHEADER: dwScale and dwRate lie 20 bytes in
    data[header + 20 : header + 28] = struct.pack("<II", 0, 0)
    video.write_bytes(data)
    with testing.run(Capture(uri=str(video), pace="fast")) as bench:
        frames = read_all(bench)
    assert [n for n, _ in frames] == list(range(20))
    steps = np.diff([time for _, time in frames])
    assert steps.min() > 0
    assert steps.max() <= 0.2


def test_a_video_that_was_filmed_with_the_phone_upright_comes_upright(tmp_path: Path) -> None:
    video = write_video(tmp_path / "door.mp4", frames=3, fps=10)
    data = bytearray(video.read_bytes())
    matrix = data.index(b"tkhd") + 4 + 40
    quarter_turn = struct.pack(">9i", 0, 1 << 16, 0, -(1 << 16), 0, 0, 0, 0, 1 << 30)
    data[matrix : matrix + 36] = quarter_turn
    video.write_bytes(data)
    with testing.run(Capture(uri=str(video), pace="fast")) as bench:
        bench.spin(1)
        assert bench.sent("frames")[0].image.shape == (SIZE[0], SIZE[1], 3)
