"""No secret is in the output of a node process, however the node, or a library of its, tells it."""

from __future__ import annotations

import re
import signal
import urllib.parse

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from metrica import logs
from metrica.executors.control import Command
from tests.runtime.processes import NodeProcess, Processes
from tests.runtime.sockets import eventually

SECRETS = st.text(min_size=4, max_size=30).filter(lambda text: text.strip("*"))
ODD = [
    "pass word",
    "with@at",
    'it\'s "quoted"',
    "50%25 off",
    "back\\slash\\n",
    "motdepassé",
    "كلمة السر",
    "🔑🔑 key",
    "line one\nline two",
    "bell\x07 and \x1b[31m",
    "tab\tand\x00zero",
    "{format} %s %d",
    "a" * 700,
    "----",
    "'''' ",
]


def shown(node: NodeProcess) -> str:
    """All that a process has written, without the parts of a record that are never a secret."""
    found: list[str] = []
    for line in node.lines:
        record = logs.parse(line)
        found += [str(v) for k, v in record.items() if k not in ("time", "level", "node")] if record else [line]
    return "\n".join(found)


def assert_hidden(secret: str, output: str) -> None:
    forms = {
        secret,
        repr(secret)[1:-1],
        ascii(secret)[1:-1],
        urllib.parse.quote(secret),
        urllib.parse.quote_plus(secret),
    }
    for form in {*forms, *(line for line in secret.splitlines() if len(line) >= 4)}:
        assert form not in output, f"{form!r} in {[line for line in output.splitlines() if form in line][:3]}"


def told(processes: Processes, secrets: list[str]) -> str:
    spec = processes.spec(
        f"/door/teller{len(processes.nodes)}", "tests.runtime.telling:Teller", params={"tokens": secrets}
    )
    node = processes.start(spec)
    processes.control.command(node.name, Command.ACTIVATE)
    assert node.end() == 1
    processes.listen()
    output = shown(node)
    assert output.count("Traceback") >= len(secrets), "it did tell"
    assert output.count("***") > 20 * len(secrets)
    assert "cannot be shown" in output
    return output + "".join(beat.detail for beat in processes.beats)


def test_odd_secrets_are_hidden_in_all_that_a_node_writes(processes: Processes) -> None:
    output = told(processes, ODD)
    for secret in ODD:
        assert_hidden(secret, output)


@settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(secrets=st.lists(SECRETS, min_size=12, max_size=20))
def test_any_secret_of_four_letters_is_hidden_in_all_that_a_node_writes(
    processes: Processes, secrets: list[str]
) -> None:
    output = told(processes, secrets)
    # What would be there with any secret, such as the words of a traceback.
    usual = told(processes, ["-" * 9])
    for secret in secrets:
        if secret not in usual:
            assert_hidden(secret, output)


def test_a_password_is_hidden_in_the_health_and_in_a_dump_of_the_threads(processes: Processes) -> None:
    params = {
        "address": "rtsp://admin:pass word@10.0.0.7/cam?token=s3cret",
        "url": "http://shop:hunter22@x/",
        "stays": True,
    }
    node = processes.start(processes.spec("/door/teller", "tests.runtime.telling:Teller", params=params))
    processes.activate(node)
    health = processes.wait_until(lambda h: "wrong token" in h.detail, "trouble", since=0)
    assert "http://***@x/" in health.detail
    node.process.send_signal(signal.SIGUSR1)
    eventually(lambda: "most recent call first" in node.log)
    assert processes.stop(node) == [0]
    output = node.log + "".join(beat.detail for beat in processes.beats)
    assert re.search(r"rtsp://\*\*\*@10\.0\.0\.7/cam\?token=\*\*\*", output), "the rest of an address is shown"
    for secret in ("pass word", "pass%20word", "hunter22", "s3cret"):
        assert secret not in output


@pytest.mark.parametrize("short", ["a", "in", "cam"])
def test_a_short_secret_does_not_garble_the_log_and_is_hidden_where_it_is_a_value(
    processes: Processes, short: str
) -> None:
    params = {"tokens": [short], "address": f"rtsp://admin:{short}@10.0.0.7/cam", "stays": True}
    node = processes.start(processes.spec("/door/teller", "tests.runtime.telling:Teller", params=params))
    processes.activate(node)
    processes.wait_until(lambda h: "wrong token" in h.detail, "trouble", since=0)
    assert processes.stop(node) == [0]
    records = [record for line in node.lines if (record := logs.parse(line))]
    tokens = [record["token"] for record in records if record["message"] == "token" and "token" in record]
    assert tokens[:2] == ["***", "rtsp://***@10.0.0.7/cam"]
    assert f"admin:{short}" not in node.log
    assert "Authorization" in node.log, "words that hold its letters are whole"


def test_a_secret_is_hidden_in_the_error_of_a_module_that_cannot_be_imported(processes: Processes) -> None:
    spec = processes.spec("/door/teller", "tests.runtime.telling_at_import:Nothing", params={"token": "hunter 22"})
    node = processes.start(spec, inactive=False)
    assert node.end() != 0
    assert "wrong settings" in node.log and "hunter" not in node.log


def test_passwords_in_the_environment_are_hidden_too(processes: Processes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("METRICA_PASSWORD", "of the owner")
    monkeypatch.setenv("DOOR_RTSP", "rtsp://admin:hunter22@10.0.0.7/")
    node = processes.start(processes.spec("/door/tells", "tests.runtime.telling_environment:Tells"))
    assert "environ" in node.log
    assert "of the owner" not in node.log and "hunter22" not in node.log
