"""What the tests of the transport share: topics on real sockets, and readers that keep their counters."""

from __future__ import annotations

import shutil
import socket
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zmq

from metrica.messages import Crossing, Detections, Frame, Header, Health, Message
from metrica.qos import STREAM, QoS
from metrica.transport import Curve, KeyFolder, PublisherSocket, SubscriberSocket, TopicEndpoint

PATIENCE = 20.0
"""Seconds after which a test stops waiting: much longer than anything takes on a busy machine."""


def eventually(happened: Callable[[], object], what: str = "") -> None:
    """Wait until something has happened. Raises TimeoutError."""
    end = time.monotonic() + PATIENCE
    while not happened():
        if time.monotonic() > end:
            raise TimeoutError(what or "it never happened")
        time.sleep(0.005)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def seen(n: int = 0, camera: str = "door") -> Detections:
    """A message that carries its number in `size[0]`."""
    return Detections(
        header=Header(camera=camera), boxes=np.zeros((0, 4), np.float32), scores=np.zeros(0, np.float32), size=(n, n)
    )


def picture(n: int, height: int = 48, width: int = 64) -> Frame:
    return Frame(header=Header(camera="door"), image=np.full((height, width, 3), n % 256, np.uint8))


def crossing(n: int) -> Crossing:
    return Crossing(header=Header(camera="door"), id=f"event-{n}", line="a", direction="in", track=n, time=n)


def health(n: int) -> Health:
    return Health(node="/a", state="active", counters={"n": n})


class Reader:
    """A subscription with its counters."""

    def __init__(
        self,
        context: zmq.Context[Any],
        topic_endpoint: TopicEndpoint,
        qos: QoS,
        message: type[Message],
        curve: Curve | None = None,
    ) -> None:
        self.counted: Counter[str] = Counter()
        self.socket = SubscriberSocket(context, topic_endpoint, qos, message, self._count, curve)

    def _count(self, what: str, n: int) -> None:
        self.counted[what] += n

    def take(self, count: int) -> list[Any]:
        """Receive and acknowledge the next `count` messages. Raises TimeoutError."""
        got: list[Message] = []
        end = time.monotonic() + PATIENCE
        while len(got) < count:
            if time.monotonic() > end:
                raise TimeoutError(f"{len(got)} of {count} messages; counted {dict(self.counted)}")
            if (msg := self.socket.receive()) is not None:
                got.append(msg)
                self.socket.done()
            else:
                self.socket.socket.poll(20)
        return got

    def rest(self, quiet: float = 0.2) -> list[Any]:
        """Receive and acknowledge messages until none has come for `quiet` seconds."""
        got: list[Message] = []
        while self.socket.socket.poll(int(quiet * 1000)):
            if (msg := self.socket.receive()) is not None:
                got.append(msg)
                self.socket.done()
        return got

    def close(self) -> None:
        self.socket.close()


class Bus:
    """A folder of topics. It closes the publishers and readers that were made with it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.context: zmq.Context[Any] = zmq.Context()
        self.closing: list[Any] = []
        self.epoch = 1000

    def endpoint(self, name: str = "topic") -> TopicEndpoint:
        return TopicEndpoint(topic=f"/door/{name}", endpoint=f"ipc://{self.folder}/{name}")

    def publisher(self, topic_endpoint: TopicEndpoint, qos: QoS = STREAM, **options: Any) -> PublisherSocket:
        self.epoch += 1
        options.setdefault("frame_dir", self.folder / "shm")
        publisher = PublisherSocket(self.context, topic_endpoint, qos, epoch=self.epoch, **options)
        self.closing.append(publisher)
        return publisher

    def reader(
        self,
        topic_endpoint: TopicEndpoint,
        qos: QoS = STREAM,
        message: type[Message] = Detections,
        curve: Curve | None = None,
    ) -> Reader:
        reader = Reader(self.context, topic_endpoint, qos, message, curve)
        self.closing.append(reader)
        return reader

    def matched(self, publisher: PublisherSocket, count: int = 1) -> None:
        """Wait until the publisher has heard of `count` subscriptions."""

        def ready() -> bool:
            publisher.listen()
            for reader in self.closing:
                if isinstance(reader, Reader):
                    reader.socket.keep_up()
            return publisher.subscribers == count

        eventually(ready, f"{publisher.subscribers} of {count} subscriptions")

    def curve(self, name: str = "box", say: Callable[[str, bool], None] = lambda sentence, refused: None) -> Curve:
        """The keys of a machine, made on first use. All that is made with them belongs to one process."""
        folder = self.folder / name
        keys = KeyFolder(folder)
        if not keys.path.exists():
            keys.make()
        curve = Curve(self.context, folder, say)
        self.closing.append(curve)
        return curve

    def close(self) -> None:
        self.closing.sort(key=lambda made: isinstance(made, Curve))  # the keys last
        for made in self.closing:
            made.close()
        self.context.destroy(linger=0)


@pytest.fixture
def bus() -> Generator[Bus]:
    """In a folder with a short name: the path of an ipc socket may have 107 bytes."""
    folder = Path(tempfile.mkdtemp(prefix="mt-"))
    (folder / "shm").mkdir()
    bus = Bus(folder)
    yield bus
    bus.close()
    shutil.rmtree(folder)
