"""The files of docs/writing-a-node.md work as they stand there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from metrica import Header, testing
from metrica.launch.cli import main
from metrica.messages import Frame
from metrica.registry import load_node_type
from tests.paths import ROOT

PAGE = (ROOT / "docs" / "writing-a-node.md").read_text("utf-8")
FILES = dict(re.findall(r"```(?:python|yaml)\n# (\S+)\n(.*?)```", PAGE, re.DOTALL))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The files of the page, in the folder that a reader works in."""
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def test_the_page_has_its_files() -> None:
    trackers = {"nearest.py", "test_nearest.py"}  # see test_adding_a_tracker.py
    assert set(FILES) == {"crowding.py", "test_crowding.py", "crowd.yaml", "brightness.py"} | trackers


def test_the_reader_s_own_tests_pass(folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull, "--rootdir", str(folder)],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 passed" in done.stdout


def test_mypy_has_nothing_to_say(folder: Path) -> None:
    root = ROOT
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(root / ".mypy_cache"),
         *(str(folder / name) for name in FILES if name.endswith(".py") and not name.startswith("test_"))],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_thread_of_the_page_hands_its_result_over(folder: Path) -> None:
    meter = load_node_type("brightness:BrightnessMeter")()
    frames = [Frame(header=Header(camera="door", stamp=n), image=np.full((4, 4, 3), n, np.uint8)) for n in (10, 20)]
    with testing.run(meter) as bench:
        bench.send("frames", frames[0])
        assert [b.mean for b in bench.wait_for("brightness", 1)] == [10.0]
        bench.send("frames", frames[1])
    assert [(b.header.stamp, b.mean) for b in bench.sent("brightness")] == [(10, 10.0), (20, 20.0)]


@pytest.mark.parametrize("more", [(), ("--set", "tracker.type=nearest:Nearest")])
def test_the_graph_of_the_page_is_valid(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    more: tuple[str, ...],
) -> None:
    monkeypatch.setenv("DOOR_RTSP", "rtsp://192.168.1.20/stream1")
    assert main(["crowd.yaml", "--check", *more]) == 0, capsys.readouterr()
