"""A real broker, Debian's mosquitto, and a client that listens to it."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

MOSQUITTO = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")
needs_mosquitto = pytest.mark.skipif(MOSQUITTO is None, reason="needs Debian's package mosquitto")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Mosquitto:
    """A broker on 127.0.0.1 that can be stopped and started again, each time with nothing in it."""

    def __init__(self, folder: Path, *, settings: str = "allow_anonymous true") -> None:
        self.port = free_port()
        self._conf = folder / "mosquitto.conf"
        self._conf.write_text(f"listener {self.port} 127.0.0.1\npersistence false\nuser root\n{settings}\n")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        assert MOSQUITTO is not None
        self._process = subprocess.Popen([MOSQUITTO, "-c", self._conf], stderr=subprocess.PIPE)
        end = time.monotonic() + 20
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                assert self._process.poll() is None, self._process.stderr and self._process.stderr.read()
                assert time.monotonic() < end, "mosquitto does not listen"
                time.sleep(0.02)

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(20)
            assert self._process.stderr is not None
            self._process.stderr.close()
            self._process = None


@contextmanager
def mosquitto(folder: Path, *, settings: str = "allow_anonymous true") -> Generator[Mosquitto]:
    broker = Mosquitto(folder, settings=settings)
    broker.start()
    try:
        yield broker
    finally:
        broker.stop()


class Listener:
    """Keeps what it receives: the newest payload of each topic, and all messages in order."""

    def __init__(self, port: int, topic: str = "#", **login: str) -> None:
        self.newest: dict[str, str] = {}
        self.all: list[tuple[str, str, bool]] = []
        self._client = Client(CallbackAPIVersion.VERSION2)
        if login:
            self._client.username_pw_set(login["username"], login["password"])
        self._topic = topic
        self._client.on_connect = self._subscribe
        self._client.on_message = self._hear
        self._client.reconnect_delay_set(1, 1)
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()

    def _subscribe(self, client: Client, *_: Any) -> None:
        client.subscribe(self._topic, qos=1)

    def _hear(self, _client: Client, _data: Any, message: Any) -> None:
        payload = message.payload.decode()
        self.all.append((message.topic, payload, message.retain))
        self.newest[message.topic] = payload

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


@contextmanager
def listening(broker: Mosquitto, topic: str = "#", **login: str) -> Generator[Listener]:
    listener = Listener(broker.port, topic, **login)
    try:
        yield listener
    finally:
        listener.close()
