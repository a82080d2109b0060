"""The launcher with nodes that behave: an ordered start, an ordered stop, and nothing left behind."""

from __future__ import annotations

import json
import os
import signal
import socket
import time
from itertools import pairwise
from pathlib import Path

import pytest

from metrica.transport import KeyFolder
from tests.launch.harness import launching

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
    order = [line.split()[2] for line in launch.lines if line.endswith("  active")]
    assert order == ["/sink", "/relay", "/source"]


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


def test_a_node_that_is_restarted_finds_its_topics_again(tmp_path: Path) -> None:
    file = tmp_path / "heard"
    with launching(CHAIN.format(file=file, until=0)) as launch:
        launch.wait_for("3 of 3 nodes run")
        relay = next(pid for pid in launch.processes() if _node_of(pid) == "/relay")
        time.sleep(1)
        os.kill(relay, signal.SIGKILL)
        launch.wait_for("/relay is started again")
        launch.wait_until(lambda: relay not in launch.processes() and len(launch.processes()) == 3, "new relay")
        time.sleep(3)
        assert launch.stop() == 0, launch.output
        launch.assert_nothing_left()
    heard = [int(value) for value in file.read_text().split()]
    gaps = [b - a for a, b in pairwise(heard) if b != a + 1]
    assert len(gaps) == 1, heard  # what came while the relay was away, and nothing else
    assert heard[-1] - max(b for a, b in pairwise(heard) if b != a + 1) > 20


def _node_of(pid: int) -> str:
    """The name in the description that the node process got on its standard input."""
    return str(json.loads(Path(f"/proc/{pid}/fd/0").read_text())["name"])


def test_a_topic_with_an_address_reaches_another_launch(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    endpoints = f'endpoints: {{/numbers: "tcp://127.0.0.1:{port}"}}\n'
    file = tmp_path / "heard"
    box, office = KeyFolder(tmp_path / "box"), KeyFolder(tmp_path / "office")
    box.allow("office", office.make().public)
    office.trust("127.0.0.1", box.make().public)
    sink = f"  sink: {{type: good:Sink, params: {{file: {file}}}}}\n{endpoints}"
    with launching(sink, data=tmp_path / "office") as listening:
        listening.wait_for("1 of 1 nodes run")
        with launching(f"  source: {{type: good:Source}}\n{endpoints}", data=tmp_path / "box") as publishing:
            publishing.wait_for("1 of 1 nodes run")
            time.sleep(2)
            assert publishing.stop() == 0, publishing.output
        assert listening.stop() == 0, listening.output
    assert len(file.read_text().split()) > 20
