"""The publishing side of a topic: one XPUB socket, bound at the topic's endpoint."""

from __future__ import annotations

import errno
import fcntl
import math
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import zmq

from metrica.errors import TransportError
from metrica.messages import Frame, FrameRef, Message, check_message, encode
from metrica.qos import EVENTS, LATCHED, LOSSLESS, QoS
from metrica.transport.curve import Curve, required
from metrica.transport.flow_control import SendWindow
from metrica.transport.frames import FrameRingWriter, remove_stale, ring_path, write_frame
from metrica.transport.handshakes import PublisherWatch
from metrica.transport.node_spec import TopicEndpoint

RING_SLOTS = LOSSLESS.depth + 2
"""Slots of a frame ring: one for each frame sent to a lossless subscriber and not acknowledged yet, one for the frame
that is being written, and one more."""
_SEND_TIMEOUT_MS = 2000
_WAIT_MS = 100


class PublisherSocket:
    """Publishes one topic: binds its endpoint and sends.

    Args:
        context: The process's ZeroMQ context.
        topic_endpoint: The topic and its endpoint.
        qos: The profile that the publisher offers.
        epoch: When the publisher started, nanoseconds UTC.
        frame_dir: Folder for rings of frames; None sends frames whole.
        while_waiting: Called every tenth of a second while a lossless subscription holds the publisher back, with the
            monotonic time (seconds) when the waiting began. It may raise to end the waiting.
        curve: The keys, for a tcp endpoint.

    Raises:
        TransportError: Another process publishes the topic, or the endpoint cannot be bound. KeysError: it is a tcp
            endpoint, and there are no keys.
    """

    def __init__(
        self,
        context: zmq.Context[Any],
        topic_endpoint: TopicEndpoint,
        qos: QoS,
        *,
        epoch: int,
        frame_dir: Path | None,
        while_waiting: Callable[[float], None] = lambda since: None,
        curve: Curve | None = None,
    ) -> None:
        keys = required(curve, topic_endpoint)
        self.topic, self.qos = topic_endpoint.topic, qos
        self._epoch, self._seq = epoch, 0
        self._window = SendWindow(LOSSLESS.depth, epoch)
        self._while_waiting = while_waiting
        self._last: bytes | None = None
        self._stalled = False
        self._frame_dir = frame_dir if topic_endpoint.endpoint.startswith("ipc://") else None
        self._ring: FrameRingWriter | None = None
        self._lock = _lock_topic(topic_endpoint)
        self.socket = context.socket(zmq.XPUB)
        self.socket.setsockopt(zmq.LINGER, 1000)
        # A full queue drops the newest message, so it must hold at least the whole send window.
        self.socket.setsockopt(zmq.SNDHWM, max(2 * LOSSLESS.depth, qos.depth))
        self.socket.setsockopt(zmq.XPUB_VERBOSER, 1)
        if qos is EVENTS:
            self.socket.setsockopt(zmq.XPUB_NODROP, 1)
            self.socket.setsockopt(zmq.SNDTIMEO, _SEND_TIMEOUT_MS)
        if keys is not None:
            keys.secure_publisher(self.socket, topic_endpoint)
        self.watch = PublisherWatch(self.socket, topic_endpoint) if keys is not None else None
        try:
            self.socket.bind(topic_endpoint.endpoint)
        except zmq.ZMQError as error:
            self.close()
            why = error.strerror if error.errno != errno.ENAMETOOLONG else "its path has more than 107 bytes"
            raise TransportError(
                f"topic {topic_endpoint.topic} cannot be bound at {topic_endpoint.endpoint}: {why}"
            ) from None

    @property
    def subscribers(self) -> int:
        """How many subscriptions the topic has now."""
        return self._window.subscribers

    def send(self, msg: Message) -> None:
        """Send one message.

        Raises:
            TransportError: The profile is EVENTS and a subscriber has taken nothing in for two seconds. The next
                event raises at once if it cannot be sent either.
            TypeError: The message cannot be encoded.
        """
        self.listen()
        self._wait_for(self._window.full)
        travels = self._in_shared_memory(msg, self._frame_dir) if isinstance(msg, Frame) and self._frame_dir else msg
        data = encode(travels, seq=self._seq + 1, epoch=self._epoch)
        self._seq += 1
        if self.qos is LATCHED:
            self._last = data
        try:
            # pyzmq copies small messages even so
            self.socket.send(data, zmq.NOBLOCK if self._stalled else 0, copy=False)
            self._stalled = False
        except zmq.Again:
            # Otherwise a subscriber that hangs would cost two seconds for each event.
            self._stalled = True
            raise TransportError(f"a subscriber of {self.topic} takes nothing in; the message was not sent") from None

    def listen(self) -> bool:
        """Take in what came from upstream: subscriptions that begin or end, and acknowledgements.

        Returns whether the number of subscriptions has changed.
        """
        before = self.subscribers
        while True:
            try:
                upstream = self.socket.recv(zmq.NOBLOCK)
            except zmq.Again:
                return self.subscribers != before
            if self._window.hear(upstream, self._seq) and self._last is not None:
                self.socket.send(self._last)

    def flush(self, seconds: float) -> None:
        """Wait until every lossless subscription has acknowledged what was sent, for `seconds` at most."""
        self._wait_for(self._window.behind, seconds)

    def _wait_for(self, held_back: Callable[[int], bool], seconds: float = math.inf) -> None:
        began = time.monotonic()
        while held_back(self._seq) and time.monotonic() < began + seconds:
            self.socket.poll(_WAIT_MS)
            self.listen()
            self._while_waiting(began)

    def close(self) -> None:
        """Send what is queued (for a second at most) and release the topic. Closing again does nothing."""
        if self.watch is not None and not self.socket.closed:
            self.watch.close()
        self.socket.close()
        if self._ring is not None:
            self._ring.close()
            self._ring = None
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _in_shared_memory(self, frame: Frame, directory: Path) -> FrameRef:
        check_message(frame)
        if self._ring is None or not self._ring.fits(frame.image):
            if self._ring is not None:
                self._wait_for(self._window.behind)  # or a lossless reader would find its frame gone
                self._ring.close()
            prefix = self.topic.strip("/").replace("/", ".")
            remove_stale(directory, f"{prefix}.")
            self._ring = FrameRingWriter(ring_path(directory, prefix), RING_SLOTS, frame.image.nbytes)
        return write_frame(self._ring, frame)


def _lock_topic(topic_endpoint: TopicEndpoint) -> int | None:
    """Lock a file beside an ipc endpoint, and return its descriptor; None for another endpoint.

    Without the lock, a second bind of the endpoint would succeed and silently take over the topic.
    """
    if not topic_endpoint.endpoint.startswith("ipc://"):
        return None
    path = Path(topic_endpoint.endpoint.removeprefix("ipc://") + ".lock")
    try:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise TransportError(f"topic {topic_endpoint.topic} cannot be locked with {path}: {error.strerror}") from None
    end = time.monotonic() + 1.0  # the lock of a killed publisher is released with its process, but not at once
    while True:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return fd
        except BlockingIOError:
            if time.monotonic() > end:
                os.close(fd)
                raise TransportError(f"topic {topic_endpoint.topic} is published by another process already") from None
            time.sleep(0.02)
