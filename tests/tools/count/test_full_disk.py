"""Commands that cannot write what was asked for: one sentence, an exit status that is not 0, and no broken file."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import pytest

from metrica.errors import NodeError
from metrica.files.pictures import read_picture, write_picture
from metrica.files.video import VideoWriter
from metrica.simulator.cli import main as metrica_sim
from metrica.tools.count.cli import main as metrica_count
from metrica.tools.evaluate.cli import main as metrica_eval
from tests.clips import ENTRANCE
from tests.nodes.capture.footage import picture, write_video
from tests.small_disk import fill, small_disk

SIZE = (320, 240)


@pytest.fixture
def tiny(tmp_path: Path) -> Iterator[Path]:
    """A disk of 100 KiB."""
    with small_disk(tmp_path, "100k") as disk:
        yield disk


@contextmanager
def filled(disk: Path) -> Generator[None]:
    """No room is left at all."""
    filler = fill(disk)
    yield
    filler.unlink()


def said(capsys: pytest.CaptureFixture[str]) -> str:
    """The last sentence of a command on standard error."""
    return capsys.readouterr().err.splitlines()[-1]


def write_noise(path: Path, frames: int) -> None:
    writer, noise = VideoWriter(path, 10, SIZE), np.random.default_rng(1)
    for _ in range(frames):
        writer.write(noise.integers(0, 255, (SIZE[1], SIZE[0], 3), np.uint8))
    writer.close()


def test_a_video_appears_when_it_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    writer = VideoWriter(path, 10, SIZE)
    for _ in range(12):
        writer.write(np.zeros((SIZE[1], SIZE[0], 3), np.uint8))
    assert not path.exists()
    writer.close()
    writer.close()
    assert cv2.VideoCapture(str(path)).get(cv2.CAP_PROP_FRAME_COUNT) == 12
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", ["08:15.mp4", os.fsdecode(b"caf\xe9.mp4")], ids=["colon", "not UTF-8"])
def test_a_video_and_a_picture_of_any_name_are_written(name: str, tmp_path: Path) -> None:
    folder = tmp_path / name
    folder.mkdir()
    write_noise(folder / name, 3)
    assert [p.name for p in folder.iterdir()] == [name]
    write_picture(folder / f"{name}.png", picture(5))
    image = read_picture(folder / f"{name}.png")
    assert image is not None
    assert (image == picture(5)).all()


@pytest.mark.parametrize("frames", [1, 8, 100])
def test_a_video_that_does_not_fit_is_an_error_and_leaves_nothing(frames: int, tiny: Path) -> None:
    (tiny / "ballast").write_bytes(bytes(90_000))
    path = tiny / "out.mp4"
    path.write_bytes(b"the one of yesterday")
    with pytest.raises(NodeError, match=r"out\.mp4 cannot be written: No space left on device"):
        write_noise(path, frames)
    assert path.read_bytes() == b"the one of yesterday"
    assert sorted(p.name for p in tiny.iterdir()) == ["ballast", "out.mp4"]


def test_a_video_in_a_folder_that_is_gone_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(NodeError, match="cannot be written: No such file or directory"):
        VideoWriter(tmp_path / "gone" / "out.mp4", 10, SIZE)


def test_counting_with_render_on_a_full_disk_fails(tiny: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tiny / "out.mp4"
    assert metrica_count([*ENTRANCE.counting, "--fps", "5", "--render", str(out)]) == 1
    assert said(capsys) == f"metrica-count: the video {out} cannot be written: No space left on device"
    assert list(tiny.iterdir()) == []


def test_counting_into_a_file_on_a_full_disk_fails(tiny: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tiny / "out.jsonl"
    out.touch()
    with filled(tiny):
        assert metrica_count([*ENTRANCE.counting, "--fps", "5", "--json", str(out)]) == 1
    assert said(capsys) == f"metrica-count: {out}: No space left on device"


@pytest.mark.parametrize("command", ["count", "evaluate"])
def test_output_that_cannot_be_printed_is_an_error(command: str, tmp_path: Path) -> None:
    """/dev/full is a disk that is always full."""
    program = f"import sys; from metrica.tools.{command}.cli import main; sys.exit(main())"
    labels = [str(ENTRANCE.path), str(ENTRANCE.labels), "--clip", ENTRANCE.name, "--fps", "5"]
    arguments = labels if command == "evaluate" else [*ENTRANCE.counting, "--quiet", "--fps", "5"]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-c", program, *arguments],
            stdout=full, stderr=subprocess.PIPE, text=True, check=False, cwd=tmp_path,
        )  # fmt: skip
    name = {"count": "metrica-count", "evaluate": "metrica-eval"}[command]
    assert (done.returncode, done.stderr) == (1, f"{name}: standard output: No space left on device\n")


def test_mistakes_that_cannot_be_cut_are_an_error(
    tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    video = write_video(tmp_path / "door.mp4", frames=60, fps=10)
    events = [[20, "in"], [40, "out"]]
    line = {"name": "main", "a": [80, 96], "b": [80, 0], "anchor": "center", "events": events}
    labels, crossings = tmp_path / "labels.json", tmp_path / "none.jsonl"
    labels.write_text(f'{{"door.mp4": {{"fps": 10, "frames": 60, "lines": [{line}]}}}}'.replace("'", '"'))
    crossings.touch()
    asked = ["--crossings", str(crossings), str(labels), "--video", str(video), "--render"]
    with filled(tiny):
        assert metrica_eval([*asked, str(tiny)]) == 1
    assert "cannot be written: No space left on device" in said(capsys)
    assert list(tiny.iterdir()) == []


@pytest.mark.parametrize("what", ["--out", "--truth", "--images"])
def test_a_simulation_that_does_not_fit_fails(what: str, tiny: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = tiny / {"--out": "out.mp4", "--truth": "truth.json", "--images": ""}[what]
    with filled(tiny):
        assert metrica_sim([what, str(place), "--seconds", "3", "--count", "3", "--quiet"]) != 0
    assert said(capsys).endswith("No space left on device")
    assert list(tiny.iterdir()) == []
