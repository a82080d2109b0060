"""The run folder: private, one launcher at a time, cleaned before and after."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Generator
from io import StringIO
from pathlib import Path

import pytest

from metrica.errors import LaunchError
from metrica.launch.reading.folders import default_run_dir
from metrica.launch.supervision.console import Console
from metrica.launch.supervision.run_folder import RunFolder
from tests.launch.harness import short_folder


@pytest.fixture
def folder() -> Generator[Path]:
    with short_folder() as path:
        yield path


@pytest.fixture
def console() -> Console:
    return Console(out=StringIO(), err=StringIO())


def leave_behind(path: Path) -> None:
    """What a killed launcher leaves."""
    path.mkdir(mode=0o700, exist_ok=True)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path / "door.tracks"))
    (path / "door.tracks.lock").touch()
    (path / "_lock").write_text("4194304")


def test_it_is_private_and_gone_afterwards(folder: Path, console: Console) -> None:
    path = folder / "deep" / "run"
    with RunFolder(path, console) as run:
        assert path.stat().st_mode & 0o777 == 0o700
        assert run.frame_dir.stat().st_mode & 0o777 == 0o700
        assert (path / "_lock").read_text() == str(os.getpid())
        (run.frame_dir / "door.frames.1.2").touch()
        (path / "door.frames.lock").touch()
    assert not path.exists()
    assert not run.frame_dir.exists()


def test_what_is_not_a_launchers_is_left_alone(folder: Path, console: Console) -> None:
    path = folder / "run"
    leave_behind(path)
    (path / "uv.lock").write_text("version = 1")
    with RunFolder(path, console):
        pass
    assert [p.name for p in path.iterdir()] == ["uv.lock"]


def test_what_a_killed_launcher_left_is_removed(folder: Path, console: Console) -> None:
    path = folder / "run"
    leave_behind(path)
    with RunFolder(path, console):
        assert [p.name for p in path.iterdir()] == ["_lock"]
    assert not path.exists()


def test_files_of_somebody_else_are_left_alone(folder: Path, console: Console) -> None:
    path = folder / "run"
    path.mkdir(mode=0o700)
    (path / "notes.txt").write_text("mine")
    leave_behind(path)
    with RunFolder(path, console):
        pass
    assert [p.name for p in path.iterdir()] == ["notes.txt"]


def test_an_empty_folder_that_was_there_before_stays(folder: Path, console: Console) -> None:
    path = folder / "run"
    path.mkdir(mode=0o700)
    with RunFolder(path, console):
        pass
    assert list(path.iterdir()) == []


def test_a_second_launcher_is_told_who_has_it(folder: Path, console: Console) -> None:
    path = folder / "run"
    with RunFolder(path, console):
        with pytest.raises(LaunchError, match=f"another launcher \\(process {os.getpid()}\\) runs in {path}"):
            RunFolder(path, console)
        assert (path / "_lock").read_text() == str(os.getpid())
    with RunFolder(path, console):
        pass


def test_a_folder_that_others_can_enter_is_refused(folder: Path, console: Console) -> None:
    path = folder / "run"
    path.mkdir(mode=0o755)
    path.chmod(0o755)
    with pytest.raises(LaunchError, match="nobody else can enter"):
        RunFolder(path, console)
    with pytest.raises(LaunchError, match="nobody else can enter"):
        RunFolder(Path("/tmp"), console)
    (folder / "file").touch()
    with pytest.raises(LaunchError, match="cannot be made: "):
        RunFolder(folder / "file" / "run", console)
    with pytest.raises(LaunchError, match="must be a folder"):
        RunFolder(folder / "file", console)


def test_launchers_that_come_and_go_at_once_never_share_it(folder: Path, console: Console) -> None:
    path, inside, most = folder / "run", [0], [0]
    guard = threading.Lock()

    def launch() -> None:
        for _ in range(50):
            try:
                run = RunFolder(path, console)
            except LaunchError:
                continue
            with guard:
                inside[0] += 1
                most[0] = max(most[0], inside[0])
            with guard:
                inside[0] -= 1
            run.release()

    threads = [threading.Thread(target=launch) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most[0] == 1


def test_processes_that_a_killed_launcher_left_are_ended(folder: Path) -> None:
    said = StringIO()
    path = folder / "run"
    environment = {**os.environ, "METRICA_RUN_DIR": str(path)}
    deaf = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(100)"
    )
    with subprocess.Popen([sys.executable, "-c", deaf], env=environment, stdout=subprocess.PIPE) as left:
        assert left.stdout and left.stdout.readline() == b"deaf\n"
        reaper = threading.Thread(target=left.wait)
        reaper.start()
        with RunFolder(path, Console(err=said)):
            reaper.join(10)
            assert left.returncode == -9
    assert "killed 1 processes that an earlier launcher had left" in said.getvalue()


def test_the_default_folder_is_the_users_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/user/7")
    assert default_run_dir("tunis-01") == Path("/run/user/7/metrica/tunis-01")
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    assert default_run_dir("tunis-01") == Path(f"/tmp/metrica-{os.getuid()}/tunis-01")
