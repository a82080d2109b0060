"""How a node process ends: in time, with one sentence, and saying whether another try can help."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from metrica.executors.control import Command, Exit
from tests.runtime.processes import SOURCE, NodeProcess, Processes


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
    spec = processes.spec("/door/fails", "Fails", params=params, bindings=SOURCE)
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
        assert "metrica.executors.process is started by metrica-launch, not by hand" in node.log
        assert "hunter22" not in node.log


def test_a_topic_that_is_taken_ends_the_second_publisher_and_not_the_first(processes: Processes) -> None:
    first = processes.start(processes.spec("/door/source", "Source", params={"stays": True}, bindings=SOURCE))
    second = processes.start(processes.spec("/door/other", "Source", bindings=SOURCE), inactive=False)
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
        processes.spec("/door/events", "Events", bindings={"crossings": ("/door/crossings", "events")}), inactive=False
    )
    assert node.end() == Exit.PERMANENT
    assert "is a SQLite database but not a journal: name another file" in node.log
