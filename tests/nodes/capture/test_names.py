"""Files whose names a library takes for something else, or does not survive."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import cv2
import pytest

from metrica import testing
from metrica.errors import ParameterError
from metrica.nodes.capture.node import Capture
from tests.nodes.capture.footage import number_of, picture, write_video

NAMES = [
    "2026-11-28T08:15:00.mp4",
    "http:door.mp4",
    "-i.mp4",
    "door%03d.mp4",
    " door .mp4 ",
    "concat:a|b.mp4",
    "la porte d'entrée.mp4",
    os.fsdecode(b"caf\xe9.mp4"),
    os.fsdecode(b"\xff\xfe.mp4"),
]


def as_bytes(name: str) -> str:
    """A name that pytest can print."""
    return repr(os.fsencode(name))


@pytest.mark.parametrize("name", NAMES, ids=as_bytes)
def test_a_video_of_any_name_is_read(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(write_video(tmp_path / "plain.mp4", frames=5, fps=10), tmp_path / name)
    monkeypatch.chdir(tmp_path)
    for uri in (name, str(tmp_path / name), (tmp_path / name).as_uri()):
        with testing.run(Capture(uri=uri, pace="fast")) as bench:
            bench.spin(10)
        assert [number_of(f.image) for f in bench.sent("frames")] == list(range(5))


@pytest.mark.parametrize("name", ["08:15", os.fsdecode(b"caf\xe9")], ids=as_bytes)
def test_a_folder_and_pictures_of_any_name_are_read(name: str, tmp_path: Path) -> None:
    folder = tmp_path / name
    folder.mkdir()
    for number in range(3):
        cv2.imwrite(str(tmp_path / "one.png"), picture(number))
        shutil.move(tmp_path / "one.png", folder / f"{name}{number}.png")
    with testing.run(Capture(uri=str(folder), pace="fast")) as bench:
        bench.spin(10)
    assert [number_of(f.image) for f in bench.sent("frames")] == [0, 1, 2]
    shutil.copy(write_video(tmp_path / "plain.mp4", frames=5, fps=10), folder / "door.mp4")
    with testing.run(Capture(uri=str(folder / "door.mp4"), pace="fast")) as bench:
        bench.spin(10)
    assert len(bench.sent("frames")) == 5


def test_a_name_that_no_disk_takes_is_a_wrong_parameter() -> None:
    with pytest.raises(ParameterError, match="cannot be opened: File name too long"):
        Capture(uri="a" * 300 + ".mp4").check()


def test_an_empty_picture_is_passed_over(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "1.png"), picture(1))
    (tmp_path / "2.png").touch()
    with testing.run(Capture(uri=str(tmp_path), pace="fast")) as bench:
        bench.spin(10)
    assert bench.node.counters["damaged"] == 1
    assert "1 of 2 pictures" in bench.node.present_trouble
