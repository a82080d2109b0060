"""The launch file that we ship is one that can be launched."""

from __future__ import annotations

import subprocess
import sys

import pytest

from metrica.launch.cli import main
from tests.paths import ROOT

STORE = ROOT / "launch" / "store.yaml"


def test_the_default_launch_file_is_accepted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DOOR_RTSP", "rtsp://owner:hunter2@192.168.1.20/stream1")
    for override in ("tracker.type=bytetrack", "tracker.type=sort"):
        assert main([str(STORE), "--check", "--set", override]) == 0, capsys.readouterr().err
        assert capsys.readouterr().out == f"{STORE}: ok, 8 nodes, 4 topics\n"
    assert main([str(STORE), "--graph"]) == 0
    assert "hunter2" not in capsys.readouterr().out


def test_without_its_variable_the_default_launch_file_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("DOOR_RTSP", raising=False)
    assert main([str(STORE), "--check"]) == 2
    assert "the environment variable DOOR_RTSP is not set" in capsys.readouterr().err


def test_the_launcher_imports_no_node_until_a_launch_file_names_it() -> None:
    program = (
        "import sys, metrica.launch.cli; print([m for m in sys.modules if m.startswith(('metrica.nodes', 'cv2'))])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
