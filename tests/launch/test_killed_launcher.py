"""A launcher that is killed at any moment leaves no process, whatever its nodes do at that moment."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from metrica.executors.control import Exit
from metrica.launch.supervision.guardian import GRACE_SECONDS
from tests.launch.harness import Launch, launching

SOURCE = "  source: {type: good:Source}\n"
CRASHER = "  crasher: {type: crashes_always:Crasher}\n"
HANGER = "  hanger: {type: hangs:Hanger, params: {where: callback}}\n"
PARENT = "  parent: {type: leaves_a_child:Parent}\n"


def kill(launch: Launch) -> None:
    launch.send(signal.SIGKILL)
    launch.end()


def assert_all_end(launch: Launch) -> None:
    end = time.monotonic() + GRACE_SECONDS + 8.0
    while launch.processes() and time.monotonic() < end:
        time.sleep(0.05)
    assert launch.processes() == []


@pytest.mark.parametrize("after", [0.02, 0.1, 0.3, 0.6, 1.0, 1.4])
def test_a_launcher_killed_while_its_nodes_start_leaves_none(after: float) -> None:
    with launching(SOURCE + CRASHER) as launch:
        launch.wait_for("starting 2 nodes")
        time.sleep(after)
        kill(launch)
        assert_all_end(launch)


def test_a_launcher_killed_while_a_node_is_restarted_leaves_none() -> None:
    with launching(SOURCE + CRASHER) as launch:
        launch.wait_for("/crasher is started again", times=2)
        kill(launch)
        assert_all_end(launch)


@pytest.mark.parametrize("which", ["one", "all"])
def test_a_stopped_node_does_not_outlive_its_launcher(which: str) -> None:
    with launching(SOURCE + SOURCE.replace("source:", "second:").replace("}", ", remap: {numbers: more}}")) as launch:
        launch.wait_for("2 of 2 nodes run")
        for pid in launch.processes()[: 1 if which == "one" else None]:
            os.kill(pid, signal.SIGSTOP)
        kill(launch)
        assert_all_end(launch)


@pytest.mark.parametrize("nodes", [HANGER, PARENT], ids=["hangs", "has a child"])
def test_a_node_that_hangs_or_has_children_does_not_outlive_its_launcher(nodes: str) -> None:
    with launching(SOURCE + nodes, limits={"hung": 60}) as launch:
        launch.wait_for("2 of 2 nodes run")
        time.sleep(0.5)  # until it hangs
        kill(launch)
        assert_all_end(launch)


def test_nodes_still_process_what_is_under_way_when_their_launcher_is_killed(tmp_path: Path) -> None:
    file = tmp_path / "heard"
    sink = f"  sink: {{type: good:Sink, params: {{file: {file}}}}}\n"
    with launching(SOURCE + sink) as launch:
        launch.wait_for("2 of 2 nodes run")
        time.sleep(0.5)
        kill(launch)
        assert_all_end(launch)
    assert len(file.read_text().split()) > 5  # written in on_deactivate


def test_a_launcher_that_ends_in_order_ends_its_guardian() -> None:
    with launching(SOURCE) as launch:
        launch.wait_for("1 of 1 nodes run")
        guardians = children(launch.process.pid) - set(launch.processes())
        assert len(guardians) == 1
        assert launch.stop() == 0, launch.output
        assert not any(Path(f"/proc/{pid}").exists() for pid in guardians)


def test_a_node_whose_launcher_died_before_it_began_ends_at_once() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as launcher:
        fd = os.pidfd_open(launcher.pid)
        launcher.kill()
    try:
        node = subprocess.run(
            [sys.executable, "-m", "metrica.executors.process", str(fd)],
            input=b"this would be an error of its own",
            capture_output=True,
            pass_fds=[fd],
            timeout=30,
            check=False,
        )
    finally:
        os.close(fd)
    assert (node.returncode, node.stderr) == (Exit.FAILED, b"")


def children(pid: int) -> set[int]:
    listed = (Path(f"/proc/{pid}/task/{pid}/children")).read_text()
    return {int(child) for child in listed.split()}
