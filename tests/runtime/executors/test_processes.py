"""Node processes as a launcher runs them: how they start, work, stop, and what others can see of them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from metrica.executors.control import Command, Exit
from metrica.messages import Crossing, Health
from metrica.qos import LATCHED, STREAM
from tests.runtime.processes import ROOT, SOURCE, Processes, numbers
from tests.runtime.sockets import eventually


def test_a_node_is_configured_activated_and_stopped_on_command(processes: Processes) -> None:
    node = processes.start(processes.spec("/door/source", "Source", params={"stays": True}, bindings=SOURCE))
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
    node = processes.start(processes.spec("/door/source", "Source", bindings=SOURCE))
    processes.activate(node)
    assert node.end() == Exit.DONE
    assert node.log == ""


def test_a_node_can_be_stopped_before_it_was_activated(processes: Processes) -> None:
    node = processes.start(processes.spec("/door/source", "Source", bindings=SOURCE))
    assert processes.stop(node) == [Exit.DONE]


def test_the_health_of_a_node_is_a_topic_that_anybody_may_look_at(processes: Processes) -> None:
    processes.start(processes.spec("/door/source", "Source", bindings=SOURCE))
    health = processes.reader("/door/source/health", LATCHED, Health).take(1)[0]
    assert (health.node, health.state, health.detail) == ("/door/source", "inactive", "")


def test_an_unknown_command_is_passed_over(processes: Processes) -> None:
    node = processes.start(processes.spec("/door/source", "Source", params={"stays": True}, bindings=SOURCE))
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
        connections={"detections": ("/door/detections", "lossless")},
        bindings={"crossings": ("/door/crossings", "stream")},
    )
    sink = processes.start(writer)
    source = processes.start(processes.spec("/door/source", "Source", params={"total": 3}, bindings=SOURCE))
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


def test_a_secret_is_nowhere_that_another_user_could_look(processes: Processes) -> None:
    spec = processes.spec("/door/fails", "Fails", params={"where": "never", "token": "hunter22"}, bindings=SOURCE)
    node = processes.start(spec)
    for name in ("cmdline", "environ"):
        assert b"hunter22" not in Path(f"/proc/{node.process.pid}/{name}").read_bytes()


def test_a_node_goes_when_its_launcher_is_killed(processes: Processes, tmp_path: Path) -> None:
    spec = processes.spec("/door/source", "Source", params={"stays": True}, bindings=SOURCE)
    (tmp_path / "spec").write_text(spec.model_dump_json())
    program = (
        "import subprocess, sys, time\n"
        "node = subprocess.Popen([sys.executable, '-m', 'metrica.executors.process'], stdin=open(sys.argv[1]))\n"
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
