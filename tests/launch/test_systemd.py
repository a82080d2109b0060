"""What systemd hears from the launcher, on a real datagram socket, and the unit that makes it listen."""

from __future__ import annotations

import configparser
import os
import socket
from collections.abc import Generator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path

from metrica.launch.supervision.console import Console
from metrica.launch.supervision.systemd import Notifier
from tests.launch.harness import launching, short_folder
from tests.paths import ROOT

UNIT = ROOT / "docs" / "metrica.service"


@contextmanager
def systemd() -> Generator[socket.socket]:
    with short_folder() as folder, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(folder / "notify"))
        listening.settimeout(30)
        yield listening


def hear(listening: socket.socket, words: str) -> list[str]:
    """Everything up to the datagram that begins with the words."""
    heard: list[str] = []
    while not heard or not heard[-1].startswith(words):
        heard.append(listening.recv(1000).decode())
    return heard


def test_systemd_hears_ready_after_the_start_then_signs_of_life_then_stopping() -> None:
    with systemd() as listening:
        environment = {"NOTIFY_SOCKET": str(listening.getsockname()), "WATCHDOG_USEC": "600000", "WATCHDOG_PID": ""}
        nodes = "  source: {type: good:Source}\n  crasher: {type: crashes_always:Crasher}\n"
        with launching(nodes, environment=environment) as launch:
            before = hear(listening, "READY=1")
            assert "STATUS=2 of 2 nodes active" in before
            assert "EXTEND_TIMEOUT_USEC=120000000" in before, "each step of a start may take minutes on a small box"
            for _ in range(3):
                hear(listening, "WATCHDOG=1")
            hear(listening, "STATUS=1 of 2 nodes active; not running: /crasher")
            assert launch.stop() == 0, launch.output
            hear(listening, "STOPPING=1")


def test_nodes_cannot_speak_to_systemd_in_the_launchers_name() -> None:
    with systemd() as listening:
        with launching(
            "  source: {type: good:Source}\n", environment={"NOTIFY_SOCKET": listening.getsockname()}
        ) as launch:
            hear(listening, "READY=1")
            (pid,) = launch.processes()
            assert b"NOTIFY_SOCKET" not in Path(f"/proc/{pid}/environ").read_bytes()
            assert launch.stop() == 0, launch.output


def test_an_abstract_socket_is_found() -> None:
    name = f"metrica-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind("\0" + name)
        notifier = Notifier({"NOTIFY_SOCKET": "@" + name}, Console(err=StringIO()))
        notifier.ready()
        assert listening.recv(100) == b"READY=1"
        notifier.close()


def test_without_systemd_nothing_is_said_and_nobody_waits() -> None:
    notifier = Notifier({}, Console(err=StringIO()))
    notifier.ready()
    assert notifier.alive(10.0) > 1000
    other_process = {"NOTIFY_SOCKET": "/nowhere", "WATCHDOG_USEC": "1000000", "WATCHDOG_PID": "1"}
    assert Notifier(other_process, Console(err=StringIO())).alive(10.0) > 1000


def test_a_socket_that_is_gone_is_one_warning() -> None:
    said = StringIO()
    notifier = Notifier({"NOTIFY_SOCKET": "/nowhere/notify"}, Console(err=said))
    notifier.ready()
    notifier.status("still here")
    assert said.getvalue().count("systemd cannot be told") == 1


def test_the_unit_uses_what_the_launcher_offers() -> None:
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read_string(UNIT.read_text())
    service = unit["Service"]
    assert service["Type"] == "notify"
    assert service["NotifyAccess"] == "main"
    assert service["Restart"] == "always"
    assert int(service["WatchdogSec"]) >= 30
    assert service["KillMode"] == "mixed"  # SIGTERM to the launcher, which stops its nodes in order
    assert "metrica-launch" in service["ExecStart"]
    assert service["RuntimeDirectoryMode"] == "0700"
