"""What a launcher left behind that has ended is not shown as a box that runs, nor as one that hangs."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Generator
from pathlib import Path

import pytest

from metrica.box.launched import STATUS_FILE, Launched
from metrica.errors import LaunchError
from metrica.launch.status.here import look_here

SECOND = 10**9


@pytest.fixture
def other() -> Generator[int]:
    """The number of a process that is no launcher."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process.pid
        process.kill()


def write(folder: Path, pid: int, written: int) -> None:
    state = Launched(
        store="shop",
        version="1",
        digest="0123456789ab",
        pid=pid,
        data_dir=folder,
        began=0,
        written=written,
        nodes=[],
        looked={},
    )
    (folder / STATUS_FILE).write_text(state.model_dump_json())


def test_a_process_that_has_the_number_of_a_launcher_is_not_one(tmp_path: Path, other: int) -> None:
    write(tmp_path, other, time.monotonic_ns() - 600 * SECOND)
    with pytest.raises(LaunchError, match="nothing runs in"):
        look_here([tmp_path])


def test_a_file_of_an_earlier_boot_is_of_nothing_that_runs(tmp_path: Path) -> None:
    write(tmp_path, os.getpid(), time.monotonic_ns() + 600 * SECOND)
    with pytest.raises(LaunchError, match="nothing runs in"):
        look_here([tmp_path])
