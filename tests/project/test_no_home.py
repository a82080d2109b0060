"""Commands of a user who has no home folder: no HOME, and no entry in the list of users, as in many containers."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.clips import ENTRANCE
from tests.paths import ROOT
from tests.project.layout import setup_cfg

_NOBODY = """
import pwd, sys

def unknown(_):
    raise KeyError("no such user")

pwd.getpwuid = pwd.getpwnam = unknown
from importlib import import_module
sys.argv[:] = sys.argv[1:]
sys.exit(import_module(sys.argv[0]).main())
"""
COMMANDS = dict(
    line.split(" = ") for line in setup_cfg()["options.entry_points"]["console_scripts"].strip().splitlines()
)


def run(command: str, *arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Run a command as such a user."""
    module = COMMANDS[command].partition(":")[0]
    return subprocess.run(
        [sys.executable, "-c", _NOBODY, module, *arguments],
        env={"PATH": "/usr/bin:/bin"}, cwd=cwd, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


def without_traceback(done: subprocess.CompletedProcess[str]) -> str:
    """What the command wrote on standard error."""
    assert "Traceback" not in done.stderr, done.stderr
    return done.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_starts(command: str) -> None:
    done = run(command, "--help")
    assert (done.returncode, without_traceback(done)) == (0, "")


def test_a_video_is_counted_all_the_same(tmp_path: Path) -> None:
    done = run("metrica-count", *ENTRANCE.counting, "--fps", "1", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "frames looked at" in without_traceback(done)


def test_the_models_on_this_machine_are_listed() -> None:
    done = run("metrica-models", "list")
    assert done.returncode == 0, done.stderr
    assert "metrica-person" in done.stdout


@pytest.mark.parametrize("command", ["metrica-ingest", "metrica-dashboard"])
def test_a_service_asks_for_its_data_folder(command: str) -> None:
    done = run(command)
    assert done.returncode == 1
    assert without_traceback(done) == (
        f"{command}: error: this user has no home folder: give --data DIR, or set HOME or XDG_DATA_HOME\n"
    )


def test_a_launch_without_a_data_folder_ends_with_a_sentence() -> None:
    done = run("metrica-launch", "--demo")
    assert done.returncode == 1
    assert "this user has no home folder: set HOME or XDG_DATA_HOME, or name the data folder" in without_traceback(done)


def test_fetching_a_model_without_a_cache_folder_ends_with_a_sentence() -> None:
    done = run("metrica-models", "pull", "person-detection-0201")
    assert done.returncode == 1
    assert without_traceback(done) == ("metrica-models: this user has no home folder: set HOME or XDG_CACHE_HOME\n")


@pytest.mark.parametrize("arguments", [["~/door.mp4"], ["door.mp4", "--model", "~/net.xml"]])
def test_a_path_with_a_home_folder_that_is_not_there_ends_with_a_sentence(arguments: list[str]) -> None:
    if arguments[0] == "door.mp4":
        arguments = [str(ENTRANCE.path), *arguments[1:]]
    done = run("metrica-count", *arguments, "--line", "1,2,3,4")
    assert done.returncode == 2
    assert "there is no such home folder, give the whole path" in without_traceback(done)
