"""Node processes as a launcher runs them: how they start, work, wait, stop and end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Generator
from pathlib import Path

import pytest

from metrica.control import Command, Exit
from metrica.messages import Crossing, Health
from metrica.qos import LATCHED, LOSSLESS, STREAM
from tests.runtime_processes import ROOT, NodeProcess, Processes
from tests.runtime_sockets import eventually


@pytest.fixture
def processes() -> Generator[Processes]:
    processes = Processes()
    yield processes
    processes.close()


def numbers(path: Path) -> list[int]:
    return [int(line) for line in path.read_text().split()]


SOURCE = {"detections": ("/door/detections", "stream")}


# Life.


def test_a_node_is_configured_activated_and_stopped_on_command(processes: Processes) -> None:
    node = processes.start(processes.spec("/door/source", "Source", params={"stays": True}, outlets=SOURCE))
    time.sleep(0.3)
    assert processes.beats[-1].counters.get("sent.detections", 0) == 0, "nothing is sent before it is told to"
    processes.activate(node)
    sent = processes.wait_until(lambda h: h.counters.get("sent.detections") == 10, "10 messages", since=0)
    assert sent.gauges["cpu_seconds"] > 0
    assert processes.stop(node) == [Exit.DONE]
    processes.listen()
    assert [h.state for h in processes.beats if h.node == "/door/source"][-1] == "finalized"
    assert {h.header.camera for h in processes.beats} == {"door"}


def test_a_node_that_has_finished_ends_by_itself(processes: Processes) -> None:
    node = processes.start(processes.spec("/door/source", "Source", outlets=SOURCE))
    processes.activate(node)
    assert node.end() == Exit.DONE
    assert node.log == ""


def test_a_node_can_be_stopped_before_it_was_activated(processes: Processes) -> None:
    node = processes.start(processes.spec("/door/source", "Source", outlets=SOURCE))
    assert processes.stop(node) == [Exit.DONE]


def test_the_health_of_a_node_is_a_topic_that_anybody_may_look_at(processes: Processes) -> None:
    processes.start(processes.spec("/door/source", "Source", outlets=SOURCE))
    health = processes.reader("/door/source/health", LATCHED, Health).take(1)[0]
    assert (health.node, health.state, health.detail) == ("/door/source", "inactive", "")


def test_an_unknown_command_is_passed_over(processes: Processes) -> None:
    node = processes.start(processes.spec("/door/source", "Source", params={"stays": True}, outlets=SOURCE))
    processes.control.socket.send_multipart([b"/door/source", b"\xff dance"])
    processes.control.socket.send_multipart([b"/door/source", b"restart"])
    processes.activate(node)
    processes.control.command(node.name, Command.ACTIVATE)  # once more changes nothing
    assert processes.stop(node) == [Exit.DONE]


def test_sigterm_stops_a_node_as_a_command_does_and_ctrl_c_is_left_to_the_launcher(
    processes: Processes, tmp_path: Path
) -> None:
    written = tmp_path / "written"
    writer = processes.spec(
        "/door/writer",
        "Writer",
        params={"path": str(written), "seconds": 0.02},
        inlets={"detections": ("/door/detections", "lossless")},
        outlets={"crossings": ("/door/crossings", "stream")},
    )
    sink = processes.start(writer)
    source = processes.start(processes.spec("/door/source", "Source", params={"total": 3}, outlets=SOURCE))
    processes.matched("/door/source", "/door/detections")
    tap = processes.reader("/door/crossings", STREAM, Crossing)
    processes.matched("/door/writer", "/door/crossings")
    processes.activate(sink, source)
    assert source.end() == Exit.DONE
    sink.process.send_signal(signal.SIGINT)
    time.sleep(0.3)
    assert sink.process.poll() is None
    sink.process.send_signal(signal.SIGTERM)
    assert sink.end() == Exit.DONE
    assert numbers(written) == [1, 2, 3]
    assert [c.id for c in tap.take(3)] == ["held-1", "held-2", "held-3"], "what on_deactivate publishes is sent"


# Ends.


@pytest.mark.parametrize(
    ("params", "status", "words"),
    [
        ({"where": "tick"}, Exit.FAILED, "ValueError: broken"),
        ({"where": "on_configure"}, Exit.FAILED, "ValueError: broken"),
        ({"where": "on_activate"}, Exit.FAILED, "ValueError: broken"),
        ({"where": "tick", "how": "node error"}, Exit.FAILED, "the camera does not answer"),
        ({"where": "tick", "how": "permanent"}, Exit.PERMANENT, "there is no such file"),
        ({"where": "on_configure", "how": "permanent"}, Exit.PERMANENT, "there is no such file"),
        ({"where": "check", "how": "parameter"}, Exit.PERMANENT, "'uri' names a file that is not a video"),
        ({"where": 5}, Exit.PERMANENT, "'where' must be a text, not 5"),
        ({"wher": "x", "token": "hunter22"}, Exit.PERMANENT, "Fails has no parameter 'wher': did you mean 'where'?"),
        ({"token": ["hunter22"]}, Exit.PERMANENT, "'token' must be a text, not a secret"),
        ({"where": "tick", "how": "message"}, Exit.FAILED, "Detections.boxes must be an array of float32 [N, 4], not"),
        (
            {"where": "tick", "how": "thread"},
            Exit.FAILED,
            "'detections' was published from another thread: hand it over with self.call_soon(…)",
        ),
    ],
)
def test_how_a_node_ends_tells_whether_another_try_can_help(
    processes: Processes, params: dict[str, object], status: Exit, words: str
) -> None:
    """One of its threads never ends: it must not keep the process."""
    spec = processes.spec("/door/fails", "Fails", params=params, outlets=SOURCE)
    node = processes.start(spec, inactive=False)
    if params.get("where") in ("tick", "on_activate"):
        processes.wait_for("/door/fails", "inactive")
        processes.control.command(node.name, Command.ACTIVATE)
    assert node.end() == status
    assert words in node.log
    assert "hunter22" not in node.log
    record = json.loads(node.lines[-1])
    assert (record["level"], record["node"]) == ("ERROR", "/door/fails")
    assert ("error" in record) == ("ValueError" in words or "must be an array" in words)


@pytest.mark.parametrize(
    ("node", "words"),
    [
        ("bytetrak", "there is no node type 'bytetrak': did you mean 'bytetrack'?"),
        ("nowhere.at_all:Node", "there is no module 'nowhere'"),
        ("json:JSONDecoder", "'json:JSONDecoder' is not a node"),
    ],
)
def test_a_type_that_is_none_ends_for_good(processes: Processes, node: str, words: str) -> None:
    ended = processes.start(processes.spec("/door/x", node), inactive=False)
    assert ended.end() == Exit.PERMANENT
    assert words in ended.log


def test_a_description_that_cannot_be_read_ends_for_good_and_shows_nothing_of_it(processes: Processes) -> None:
    for description in (b"", b"{", b'{"name": "/a", "params": {"token": "hunter22"}}', b"\xffhunter22"):
        node = NodeProcess(None, description)
        processes.nodes.append(node)
        assert node.end() == Exit.PERMANENT
        assert "metrica.process is started by metrica-launch, not by hand" in node.log
        assert "hunter22" not in node.log


def test_a_topic_that_is_taken_ends_the_second_publisher_and_not_the_first(processes: Processes) -> None:
    first = processes.start(processes.spec("/door/source", "Source", params={"stays": True}, outlets=SOURCE))
    second = processes.start(processes.spec("/door/other", "Source", outlets=SOURCE), inactive=False)
    assert second.end() == Exit.FAILED
    assert "topic /door/detections is published by another process already" in second.log
    processes.activate(first)


def test_a_file_that_is_no_journal_ends_a_publisher_of_events_for_good(processes: Processes) -> None:
    processes.data.mkdir()
    subprocess.run(
        [
            sys.executable,
            "-c",
            "import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute('CREATE TABLE other (a)')",
            str(processes.data / "journal.db"),
        ],
        check=True,
    )
    node = processes.start(
        processes.spec("/door/events", "Events", outlets={"crossings": ("/door/crossings", "events")}), inactive=False
    )
    assert node.end() == Exit.PERMANENT
    assert "is a SQLite database but not a journal: name another file" in node.log


# Secrets, and being left alone.


def test_a_secret_is_nowhere_that_another_user_could_look(processes: Processes) -> None:
    spec = processes.spec("/door/fails", "Fails", params={"where": "never", "token": "hunter22"}, outlets=SOURCE)
    node = processes.start(spec)
    for name in ("cmdline", "environ"):
        assert b"hunter22" not in Path(f"/proc/{node.process.pid}/{name}").read_bytes()


def test_a_node_goes_when_its_launcher_is_killed(processes: Processes, tmp_path: Path) -> None:
    spec = processes.spec("/door/source", "Source", params={"stays": True}, outlets=SOURCE)
    (tmp_path / "spec").write_text(spec.model_dump_json())
    program = (
        "import subprocess, sys, time\n"
        "node = subprocess.Popen([sys.executable, '-m', 'metrica.process'], stdin=open(sys.argv[1]))\n"
        "print(node.pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path / "spec")],
        stdout=subprocess.PIPE,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    ) as launcher:
        try:
            assert launcher.stdout
            pid = int(launcher.stdout.readline())
            processes.wait_for("/door/source", "inactive")
        finally:
            launcher.kill()
    eventually(lambda: not is_running(pid), "the node outlived its launcher")


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


# Waiting and draining.


def test_stopping_in_order_loses_nothing_that_is_on_the_way(processes: Processes, tmp_path: Path) -> None:
    written = tmp_path / "written"
    source = processes.start(
        processes.spec(
            "/door/pictures", "Pictures", params={"total": 100_000}, outlets={"frames": ("/door/frames", "latest")}
        )
    )
    looker = processes.start(
        processes.spec(
            "/door/looker",
            "Looker",
            params={"seconds": 0.01},
            inlets={"frames": ("/door/frames", "lossless")},
            outlets=SOURCE,
        )
    )
    writer = processes.start(
        processes.spec(
            "/door/writer",
            "Writer",
            params={"path": str(written), "seconds": 0.005},
            inlets={"detections": ("/door/detections", "lossless")},
            outlets={"crossings": ("/door/crossings", "stream")},
        )
    )
    processes.matched("/door/pictures", "/door/frames")
    processes.matched("/door/looker", "/door/detections")
    processes.activate(writer, looker, source)
    eventually(lambda: len(numbers(written)) > 50)
    assert processes.stop(source, looker, writer) == [Exit.DONE] * 3
    processes.listen()
    last = {h.node: h.counters for h in processes.beats}
    sent = last["/door/pictures"]["sent.frames"]
    assert sent < 100_000
    assert numbers(written) == list(range(1, sent + 1))
    assert list(processes.frames.iterdir()) == []


def test_results_that_a_thread_has_at_the_very_end_are_published(processes: Processes) -> None:
    source = processes.start(
        processes.spec(
            "/door/pictures", "Pictures", params={"total": 20}, outlets={"frames": ("/door/frames", "latest")}
        )
    )
    threaded = processes.start(
        processes.spec("/door/threaded", "Threaded", inlets={"frames": ("/door/frames", "lossless")}, outlets=SOURCE)
    )
    tap = processes.reader("/door/detections", LOSSLESS)
    processes.matched("/door/pictures", "/door/frames")
    processes.matched("/door/threaded", "/door/detections")
    processes.activate(threaded, source)
    assert source.end() == Exit.DONE
    processes.control.command("/door/threaded", Command.STOP)
    assert sorted(m.size[0] for m in tap.take(20)) == list(range(1, 21))
    assert threaded.end() == Exit.DONE


def test_a_publisher_that_is_held_back_goes_on_beating(processes: Processes) -> None:
    node = processes.start(processes.spec("/door/source", "Source", params={"total": 50}, outlets=SOURCE))
    reader = processes.reader("/door/detections", LOSSLESS)
    processes.matched("/door/source", "/door/detections")
    processes.activate(node)
    since = len(processes.beats)
    beats = [processes.wait_until(lambda h: h.state == "active", "a heartbeat") for _ in range(3)]
    assert since and {h.counters["sent.detections"] for h in beats} == {LOSSLESS.depth}
    assert [m.size[0] for m in reader.take(50)] == list(range(1, 51))
    assert node.end() == Exit.DONE


def test_a_publisher_that_is_held_back_for_ever_still_stops(processes: Processes) -> None:
    node = processes.start(processes.spec("/door/source", "Source", params={"total": 50}, outlets=SOURCE))
    processes.reader("/door/detections", LOSSLESS)
    processes.matched("/door/source", "/door/detections")
    processes.activate(node)
    processes.wait_until(lambda h: h.counters.get("sent.detections") == LOSSLESS.depth, "it is held back")
    assert processes.stop(node) == [Exit.FAILED]
    assert "/door/source was told to stop, but a subscription takes nothing in" in node.log


def test_a_lossless_reader_that_is_killed_frees_the_publisher(processes: Processes, tmp_path: Path) -> None:
    written = tmp_path / "written"
    reader = processes.start(
        processes.spec(
            "/door/writer",
            "Writer",
            params={"path": str(written), "seconds": 0.05},
            inlets={"detections": ("/door/detections", "lossless")},
            outlets={"crossings": ("/door/crossings", "stream")},
        )
    )
    node = processes.start(processes.spec("/door/source", "Source", params={"total": 5000}, outlets=SOURCE))
    processes.matched("/door/source", "/door/detections")
    processes.activate(reader, node)
    eventually(lambda: len(numbers(written)) > 3)
    assert node.process.poll() is None
    reader.kill()
    assert node.end() == Exit.DONE


def test_a_node_that_waits_to_be_activated_finds_its_publisher_again(processes: Processes, tmp_path: Path) -> None:
    source = processes.spec("/door/source", "Source", params={"total": 3}, outlets=SOURCE)
    first = processes.start(source)
    written = tmp_path / "written"
    writer = processes.start(
        processes.spec(
            "/door/writer",
            "Writer",
            params={"path": str(written)},
            inlets={"detections": ("/door/detections", "stream")},
            outlets={"crossings": ("/door/crossings", "stream")},
        )
    )
    processes.matched("/door/source", "/door/detections")
    first.kill()
    processes.beats.clear()
    second = processes.start(source)
    processes.matched("/door/source", "/door/detections")
    processes.activate(writer, second)
    eventually(lambda: numbers(written) == [1, 2, 3])


def test_each_camera_has_a_topic_of_its_own_and_an_unknown_one_is_counted(processes: Processes) -> None:
    wires = {camera: processes.wire(f"/{camera}/detections") for camera in ("door", "back")}
    spec = processes.spec("/detector", "PerCamera", camera="")
    outlet = {"detections": {"qos": "stream", "wires": wires}}
    spec = spec.model_validate({**spec.model_dump(), "outlets": outlet})
    node = processes.start(spec)
    readers = {camera: processes.reader(f"/{camera}/detections") for camera in wires}
    for camera in wires:
        processes.matched("/detector", f"/{camera}/detections")
    processes.activate(node)
    for camera, reader in readers.items():
        assert {m.header.camera for m in reader.take(3)} == {camera}
    health = processes.wait_until(lambda h: h.counters.get("unknown_camera", 0) > 0, "it counts")
    assert health.counters["unknown_camera"] > 0
