"""The launcher with nodes that behave: an ordered start, an ordered stop, and nothing left behind."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest

from tests.launch_harness import launching

CHAIN = """
  sink: {{type: good:Sink, params: {{file: {file}}}, remap: {{numbers: out}}}}
  relay: {{type: good:Relay}}
  source: {{type: good:Source, params: {{until: {until}}}}}
"""


def test_sinks_are_activated_first_and_every_message_arrives_until_the_file_ends(tmp_path: Path) -> None:
    file = tmp_path / "heard"
    with launching(CHAIN.format(file=file, until=50), "--until-finished") as launch:
        assert launch.end() == 0, launch.output
        launch.assert_nothing_left()
    assert file.read_text() == " ".join(map(str, range(1, 51)))
    assert "counted to the end" in launch.output
    assert "/source has finished" in launch.output
    assert launch.output.index("/sink  active") < launch.output.index("3 of 3 nodes run")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_sources_first_and_drains(number: signal.Signals, tmp_path: Path) -> None:
    file = tmp_path / "heard"
    with launching(CHAIN.format(file=file, until=0)) as launch:
        launch.wait_for("3 of 3 nodes run")
        time.sleep(0.5)
        assert launch.stop(number) == 0, launch.output
        launch.assert_nothing_left()
    heard = [int(value) for value in file.read_text().split()]
    assert heard == list(range(1, len(heard) + 1))
    assert len(heard) > 5


def test_without_anything_left_to_run_the_launcher_ends(tmp_path: Path) -> None:
    with launching("  source: {type: good:Source, params: {until: 3}}\n") as launch:
        assert launch.end() == 0, launch.output
        launch.assert_nothing_left()


def test_a_signal_during_the_start_stops_as_well() -> None:
    with launching("  hanger: {type: hangs:Hanger, params: {where: configure}}\n") as launch:
        launch.wait_until(lambda: bool(launch.processes()), "process")
        assert launch.stop() in (0, 1)
        launch.assert_nothing_left()


def test_a_second_launcher_on_the_same_folder_is_refused_and_the_first_goes_on(tmp_path: Path) -> None:
    file = tmp_path / "heard"
    with launching(CHAIN.format(file=file, until=0)) as first:
        first.wait_for("3 of 3 nodes run")
        nodes = sorted(first.processes())
        with launching(CHAIN.format(file=tmp_path / "other", until=0), "--run-dir", str(first.run_dir)) as second:
            assert second.end() == 1
        assert f"another launcher (process {first.process.pid}) runs in {first.run_dir}" in second.output
        assert len(second.lines) == 1
        assert sorted(first.processes()) == nodes
        assert first.stop() == 0, first.output
        first.assert_nothing_left()
    assert len(file.read_text().split()) > 5


def test_what_a_killed_launcher_leaves_is_cleaned_by_the_next(tmp_path: Path) -> None:
    nodes = CHAIN.format(file=tmp_path / "heard", until=0) + "  deaf: {type: hangs:Hanger, params: {where: callback}}\n"
    with launching(nodes, limits={"hung": 60}) as first:
        first.wait_for("4 of 4 nodes run")
        first.send(signal.SIGKILL)
        first.end()
        assert list(first.run_dir.iterdir())
        with launching(CHAIN.format(file=tmp_path / "next", until=0), "--run-dir", str(first.run_dir)) as second:
            second.wait_for("3 of 3 nodes run")
            assert second.stop() == 0, second.output
        first.assert_nothing_left()


def test_nodes_go_when_their_launcher_is_killed(tmp_path: Path) -> None:
    with launching(CHAIN.format(file=tmp_path / "heard", until=0)) as launch:
        launch.wait_for("3 of 3 nodes run")
        launch.send(signal.SIGKILL)
        launch.end()
        end = time.monotonic() + 20
        while launch.processes() and time.monotonic() < end:
            time.sleep(0.05)
        assert launch.processes() == []


def test_a_node_sees_modules_beside_the_launch_file_and_no_terminal_signal(tmp_path: Path) -> None:
    with launching("  source: {type: good:Source}\n  second: {type: good:Source, remap: {numbers: other}}\n") as launch:
        launch.wait_for("2 of 2 nodes run")
        sessions = {
            int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[3]) for pid in launch.processes()
        }
        assert sessions == set(launch.processes())
        assert launch.stop() == 0, launch.output
