"""What the launcher keeps in order beside its nodes: the store's folder on a full disk, a guardian that was killed."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from metrica.launch.supervision.chores import DataFolder, GuardianKeeper
from metrica.launch.supervision.console import Console
from metrica.launch.supervision.guardian import Guardian
from tests.launch.harness import FAST, MISBEHAVING, Launch, launching, short_folder
from tests.launch.test_killed_launcher import SOURCE, assert_all_end, children, kill
from tests.small_disk import small_disk


def fill_names(disk: Path) -> list[Path]:
    """Make files until no more can be made: the disk has room for no name, so for no folder either."""
    made: list[Path] = []
    with pytest.raises(OSError, match="No space left"):
        while True:
            made.append(disk / f"filler-{len(made)}")
            made[-1].touch(exist_ok=False)
    return [path for path in made if path.exists()]


def test_a_full_disk_at_the_first_start_keeps_nobody_from_counting(tmp_path: Path) -> None:
    with small_disk(tmp_path, "4m,nr_inodes=40") as disk, short_folder() as folder:
        fillers = fill_names(disk)
        file = folder / "graph.yaml"
        file.write_text(
            f"metrica: 1\nstore: {{id: test, timezone: UTC}}\ndata: {disk}/shop/data\nnodes:\n"
            "  source: {type: chain:Camera}\n  counter: {type: chain:Counter}\n"
            "  ingest: {type: ingest, params: {port: 0}}\n"
        )
        environment = {"PYTHONPATH": str(MISBEHAVING)}
        with Launch(file, run_dir=folder / "run", limits=FAST, environment=environment) as launch:
            launch.wait_for(f"the folder {disk}/shop/data cannot be made: No space left on device; it is tried again")
            launch.wait_for("2 of 3 nodes run")
            launch.wait_for("/counter  active")
            launch.wait_for("/ingest failed (exit status 1); it is restarted in")
            for filler in fillers:
                filler.unlink()
            launch.wait_for(f"the folder {disk}/shop/data is there now")
            launch.wait_for("/ingest  listening on")
            launch.wait_until((disk / "shop" / "data" / "journal.db").exists, "journal")
            assert launch.stop() == 0, launch.output
            launch.assert_nothing_left()
            assert launch.output.count("cannot be made") == 1, "said once"
            assert "are lost" not in launch.output


def test_a_guardian_that_was_killed_is_started_again_and_does_its_work() -> None:
    with launching(SOURCE) as launch:
        launch.wait_for("1 of 1 nodes run")
        for times in (1, 2):
            (guardian,) = children(launch.process.pid) - set(launch.processes())
            os.kill(guardian, signal.SIGKILL)
            launch.wait_for("the guardian process has ended; it is started again", times=times)
            launch.wait_until(
                lambda: bool(children(launch.process.pid) - set(launch.processes()) - {guardian}),  # noqa: B023
                "new guardian",
            )
        (node,) = launch.processes()
        os.kill(node, signal.SIGSTOP)  # so that the kernel's signal cannot end it
        kill(launch)
        assert_all_end(launch)


def test_a_guardian_that_ends_at_once_is_not_started_without_a_pause() -> None:
    with Guardian("METRICA_TEST=1") as guardian:
        keeper = GuardianKeeper(guardian, Console())
        now, starts = 0.0, 0
        while now < 60:
            assert keeper.fd == guardian.fd or keeper.fd is None
            if keeper.due_at is None:
                keeper.do(now)
                continue
            now = max(now, keeper.due_at)
            keeper.do(now)
            starts += keeper.fd is not None
        assert 3 <= starts <= 12


def test_a_folder_that_is_there_needs_nothing(tmp_path: Path) -> None:
    keeper = DataFolder(tmp_path / "a" / "b", Console())
    assert keeper.due_at is None
    assert (tmp_path / "a" / "b").is_dir()
