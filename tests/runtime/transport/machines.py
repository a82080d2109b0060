"""Machines with keys of their own, for the tests of encrypted topics, and somebody who listens in between them."""

from __future__ import annotations

import shutil
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest
import zmq

from metrica.errors import TransportError
from metrica.messages import Detections, Message
from metrica.qos import STREAM, QoS
from metrica.transport import Curve, KeyFolder, PublisherSocket, TopicEndpoint
from tests.runtime.sockets import PATIENCE, Reader


class Machine:
    """One machine: its own keys, and its own ZeroMQ context, as one process has it."""

    def __init__(self, folder: Path) -> None:
        self.keys = KeyFolder(folder)
        self.keys.make()
        self.folder = folder
        self.said: list[tuple[str, bool]] = []
        self.context: zmq.Context[Any] = zmq.Context()
        self.curve = Curve(self.context, folder, lambda sentence, refused: self.said.append((sentence, refused)))
        self._closing: list[Any] = []

    @property
    def public(self) -> str:
        return self.keys.own().public

    def publisher(self, topic: TopicEndpoint, qos: QoS = STREAM, epoch: int = 1) -> PublisherSocket:
        end = time.monotonic() + PATIENCE
        while True:
            try:
                made = PublisherSocket(self.context, topic, qos, epoch=epoch, frame_dir=None, curve=self.curve)
            except TransportError as error:  # libzmq closes the one before in its own time
                assert "in use" in str(error) and time.monotonic() < end
                time.sleep(0.02)
            else:
                self._closing.append(made)
                return made

    def reader(self, topic: TopicEndpoint, qos: QoS = STREAM, message: type[Message] = Detections) -> Reader:
        made = Reader(self.context, topic, qos, message, self.curve)
        self._closing.append(made)
        return made

    def close(self) -> None:
        for made in self._closing:
            made.close()
        self.curve.close()
        self.context.destroy(linger=0)


@pytest.fixture
def machine() -> Generator[Callable[[], Machine]]:
    folder = Path(tempfile.mkdtemp(prefix="mc-"))
    made: list[Machine] = []

    def make() -> Machine:
        made.append(Machine(folder / f"machine{len(made)}"))
        return made[-1]

    yield make
    for each in reversed(made):
        each.close()
    shutil.rmtree(folder)


class Tap:
    """Passes bytes on between a reader and the port of a publisher, and keeps a copy."""

    def __init__(self, port: int) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port, self._to = int(self._server.getsockname()[1]), port
        self.seen: list[bytes] = []
        self._open: list[socket.socket] = [self._server]

    def __enter__(self) -> Tap:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        for each in self._open:
            each.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._server.accept()
            except OSError:
                return
            far = socket.create_connection(("127.0.0.1", self._to))
            self._open += [near, far]
            for a, b in ((near, far), (far, near)):
                threading.Thread(target=self._pass, args=(a, b), daemon=True).start()

    def _pass(self, a: socket.socket, b: socket.socket) -> None:
        try:
            while data := a.recv(65536):
                self.seen.append(data)
                b.sendall(data)
        except OSError:
            return
