"""Which files are called damaged, cut short or not decodable, and which are not."""

from __future__ import annotations

import random
import struct
from pathlib import Path

import pytest

from metrica import testing
from metrica.errors import NodeError
from metrica.nodes.capture.container import read_container
from metrica.nodes.capture.node import Capture
from tests.nodes.capture.footage import write_video


def read(path: Path) -> tuple[int, str]:
    """How many frames come, and what is said of the file at its end."""
    with testing.run(Capture(uri=str(path), pace="fast")) as bench:
        for _ in range(200):
            if bench.finished:
                break
            bench.spin()
    assert bench.finished
    return len(bench.sent("frames")), bench.node.present_trouble


def refusal(path: Path) -> str:
    """Why a file is refused for good."""
    with pytest.raises(NodeError) as error, testing.run(Capture(uri=str(path))):
        pass
    assert error.value.permanent
    return str(error.value)


def patched(path: Path, old: bytes, new: bytes) -> Path:
    """The file with these bytes replaced, everywhere."""
    whole = path.read_bytes()
    assert old in whole
    path.write_bytes(whole.replace(old, new))
    return path


def test_a_trimmed_clip_is_not_damaged(tmp_path: Path) -> None:
    """An edit list hides the first 2 of 4 seconds, as after `ffmpeg -ss 2 -c copy`."""
    video = write_video(tmp_path / "door.mp4", frames=40, fps=10)
    data = bytearray(video.read_bytes())
    edit = data.index(b"elst") + 12
    scale = struct.unpack_from(">I", data, data.index(b"mdhd") + 16)[0]
    struct.pack_into(">II", data, edit, 2000, 2 * scale)  # length in ms, start in units of the track
    video.write_bytes(data)
    frames, said = read(video)
    assert 20 <= frames <= 21
    assert said == ""


def test_a_number_of_frames_that_is_only_an_estimate_is_no_truth(tmp_path: Path) -> None:
    """As where the sound goes on for longer, or a timestamp jumps: Matroska knows how long it takes, not how often."""
    video = write_video(tmp_path / "door.mkv", frames=20, fps=10)
    data = bytearray(video.read_bytes())
    struct.pack_into(">d", data, data.index(b"\x44\x89\x88") + 3, 60_000.0)
    video.write_bytes(data)
    assert read(video) == (20, "")


@pytest.mark.parametrize("name", ["door.mkv", "door.avi"])
def test_a_video_that_is_cut_in_two_is_called_cut_short(name: str, tmp_path: Path) -> None:
    video = write_video(tmp_path / name, frames=60, fps=10, codec="MJPG")
    whole = video.read_bytes()
    assert not read_container(video).cut_short
    video.write_bytes(whole[: len(whole) // 2])
    frames, said = read(video)
    assert 15 < frames < 60
    assert said == f"{video} ended after {frames} of 60 frames: it is cut short, and what could be read has been used"


def test_a_video_whose_index_was_never_written_is_called_cut_short(tmp_path: Path) -> None:
    video = write_video(tmp_path / "door.mp4", frames=60, fps=10)
    video.write_bytes(video.read_bytes()[:-900])
    assert refusal(video) == f"{video} is cut short, so no picture of it can be read: copy or record it again"


def test_something_appended_to_a_video_is_no_damage(tmp_path: Path) -> None:
    video = write_video(tmp_path / "door.mp4", frames=20, fps=10)
    with video.open("ab") as file:
        file.write(b"\xff\xff\xff\xffa note of the camera" + bytes(100))
    assert read(video) == (20, "")


def test_frames_that_are_overwritten_are_called_damaged(tmp_path: Path) -> None:
    video = write_video(tmp_path / "door.mp4", frames=60, fps=10, codec="MJPG")
    data = bytearray(video.read_bytes())
    start = data.index(b"mdat") + 4
    (length,) = struct.unpack_from(">I", data, start - 8)
    data[start + length // 3 : start + length * 2 // 3] = bytes(length * 2 // 3 - length // 3)
    video.write_bytes(data)
    frames, said = read(video)
    assert 15 < frames < 50
    assert said == f"{frames} of 60 frames of {video} could be read: the others are damaged"


@pytest.mark.parametrize(("tag", "name"), [(b"av01", "AV1"), (b"zzzz", "ZZZZ")])
def test_a_codec_that_cannot_be_decoded_is_named(tag: bytes, name: str, tmp_path: Path) -> None:
    video = patched(write_video(tmp_path / "door.mp4", frames=10, fps=10), b"mp4v", tag)
    patched(video, b"esds", b"free")  # which says again that it is MPEG-4
    assert refusal(video) == f"{video} is encoded as {name}, which cannot be decoded here: convert it to H.264 first"


def test_an_empty_file_is_called_empty(tmp_path: Path) -> None:
    video = tmp_path / "door.mp4"
    video.touch()
    assert refusal(video) == f"{video} is empty: copy or record it again"


def test_a_file_with_sound_only_is_no_video(tmp_path: Path) -> None:
    video = patched(write_video(tmp_path / "door.mp4", frames=10, fps=10), b"vide", b"soun")
    assert refusal(video) == f"{video} is not a video that can be read: it holds no pictures"


def test_a_picture_codec_whose_pictures_are_all_damaged_is_named(tmp_path: Path) -> None:
    video = write_video(tmp_path / "door.mp4", frames=10, fps=10, codec="MJPG")
    data = bytearray(video.read_bytes())
    start = data.index(b"mdat") + 4
    (length,) = struct.unpack_from(">I", data, start - 8)
    data[start : start + length - 8] = bytes(length - 8)
    video.write_bytes(data)
    assert "can be decoded" in refusal(video)


def box(kind: bytes, content: bytes) -> bytes:
    """A box of an MP4."""
    return struct.pack(">I", 8 + len(content)) + kind + content


def test_the_index_of_a_video_in_fragments_does_not_know_its_frames(tmp_path: Path) -> None:
    track = box(b"trak", box(b"mdia", box(b"hdlr", bytes(8) + b"vide" + bytes(12))))
    video = tmp_path / "door.mp4"
    start = box(b"ftyp", b"isom" + bytes(4))
    video.write_bytes(start + box(b"moov", track) + box(b"mdat", bytes(100)))
    assert read_container(video).exact
    video.write_bytes(start + box(b"moov", track + box(b"mvex", b"")) + box(b"moof", b"") + box(b"mdat", bytes(100)))
    assert not read_container(video).exact


@pytest.mark.parametrize("seed", range(40))
def test_no_file_is_too_strange_to_look_at(seed: int, tmp_path: Path) -> None:
    """Any bytes changed in a real file: the look at its container answers, and never raises."""
    chance = random.Random(seed)
    video = write_video(tmp_path / f"door.{('mp4', 'mkv', 'avi')[seed % 3]}", frames=3, fps=10, codec="MJPG")
    data = bytearray(video.read_bytes())
    for _ in range(chance.randint(1, 200)):
        data[chance.randrange(len(data))] = chance.randrange(256)
    video.write_bytes(data[: chance.randint(0, len(data))])
    read_container(video)
