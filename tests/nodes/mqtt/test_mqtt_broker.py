"""How the node `mqtt` is let in by a real broker, and what it does without one."""

from __future__ import annotations

import logging
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from metrica.errors import NodeError, ParameterError
from metrica.launch.reading.load import load
from metrica.nodes.mqtt.feed import Feed
from metrica.nodes.mqtt.node import Mqtt
from tests.nodes.mqtt.mosquitto import free_port, listening, mosquitto, needs_mosquitto
from tests.nodes.mqtt.mqtt_bench import NOON, beat, crossing, node, record, until
from tests.paths import ROOT


@needs_mosquitto
def test_name_and_password_are_asked_for_and_never_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    (tmp_path / "broker").mkdir()
    accounts, secret = tmp_path / "broker/accounts", tmp_path / "password"
    subprocess.run(["mosquitto_passwd", "-b", "-c", accounts, "shop", "zebra-9-crossing"], check=True)
    accounts.chmod(0o644)
    secret.write_text("zebra-9-crossing\n")
    secret.chmod(0o600)
    settings = f"allow_anonymous false\npassword_file {accounts}"
    with mosquitto(tmp_path / "broker", settings=settings) as broker:
        with (
            listening(broker, username="shop", password="zebra-9-crossing") as listener,
            node(tmp_path, broker.port, username="shop", password_file=secret),
        ):
            until(lambda: listener.newest.get("metrica/tunis-01/status") == "online")
        with node(tmp_path, broker.port, username="shop", password="wrong-9-crossing") as bench:
            until(lambda: "check user and password" in bench.node.present_trouble, bench)
    assert "zebra-9" not in caplog.text and "wrong-9" not in caplog.text


@needs_mosquitto
def test_the_broker_is_checked_over_tls(tmp_path: Path) -> None:
    (tmp_path / "broker").mkdir()
    cert, key = tmp_path / "broker/cert.pem", tmp_path / "broker/key.pem"
    command = (
        "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1"
    )
    subprocess.run([*command.split(), "-out", cert, "-keyout", key], check=True, capture_output=True)
    key.chmod(0o644)
    settings = f"allow_anonymous true\ncertfile {cert}\nkeyfile {key}"
    with mosquitto(tmp_path / "broker", settings=settings) as broker:
        with node(tmp_path, broker.port, tls=True, ca_file=cert) as bench:
            until(lambda: bench.node.gauges.get("connected"), bench)
        with node(tmp_path, broker.port, tls=True) as bench:  # nobody whom the system trusts has signed it
            until(lambda: "cannot be reached" in bench.node.present_trouble, bench)


def test_a_broker_that_never_was_there_holds_nothing_up(tmp_path: Path) -> None:
    with node(tmp_path, free_port()) as bench:
        until(lambda: "cannot be reached" in bench.node.present_trouble, bench)
        began = time.monotonic()
        beat(bench, 10)
        record(tmp_path, crossing(1, NOON))
        until(lambda: bench.node.gauges.get("positions_waiting") == 1, bench)
    assert time.monotonic() - began < 20  # it ends although nobody answers


def test_a_failure_in_the_thread_ends_the_node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_feed: Feed) -> None:
        raise ValueError("a bug")

    monkeypatch.setattr(Feed, "turn", fail)
    with node(tmp_path, free_port()) as bench, pytest.raises(NodeError, match="a bug"):
        until(lambda: False, bench)


@pytest.mark.parametrize(
    ("params", "parameter", "words"),
    [
        ({"host": "mqtt://x"}, "host", "must be the name or the address"),
        ({"host": "shop..lan"}, "host", "must be the name or the address"),
        ({"host": "x", "port": 70000}, "port", "from 1 to 65535"),
        ({"host": "192.168.1.2", "username": "u", "password": "p"}, "host", "unencrypted"),
        ({"host": "127.0.0.1", "password": "p"}, "username", "with a 'username' only"),
        ({"host": "x", "topic": "a/#"}, "topic", "levels of a topic"),
        ({"host": "x", "ca_file": ROOT / "nothing.pem"}, "ca_file", "cannot be used"),
        ({"host": "127.0.0.1", "username": "u", "password_file": ROOT / "nothing"}, "password_file", "cannot be read"),
    ],
)
def test_wrong_parameters_are_refused(params: dict[str, Any], parameter: str, words: str) -> None:
    with pytest.raises(ParameterError, match=words) as caught:
        Mqtt(**params).check()
    assert caught.value.parameter == parameter


def test_a_password_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("x")
    (tmp_path / "password").chmod(0o644)
    with pytest.raises(ParameterError, match="chmod 600"):
        Mqtt(host="127.0.0.1", username="u", password_file=tmp_path / "password").check()


def test_the_example_of_the_docs_is_a_launch_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOOR_RTSP", "rtsp://127.0.0.1/door")
    monkeypatch.setenv("MQTT_PASSWORD", "secret-of-the-broker")
    graph = load(str(ROOT / "docs/home-assistant.yaml"))
    assert "/mqtt" in {node.name for node in graph.graph.nodes}
