"""Topics over ZeroMQ: each topic has one endpoint, its publisher binds it, subscriptions connect; there is no broker.

| profile  | publisher (XPUB)                  | subscription                                   |
|----------|-----------------------------------|------------------------------------------------|
| LATEST   | high-water mark 8                 | SUB, CONFLATE: the newest message only         |
| STREAM   | high-water mark 10                | SUB, high-water mark 10; losses seen in `seq`  |
| EVENTS   | NODROP, a send that stalls raises | SUB, high-water mark 1000                      |
| LATCHED  | last message to each new one      | SUB                                            |
| LOSSLESS | waits for acknowledgements        | XSUB, acknowledges each message                |

How LOSSLESS waits is in `metrica.transport.flow_control`.

Frames on an ipc endpoint go through shared memory (`metrica.transport.frames`); over tcp they are sent whole.
"""

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

from metrica.errors import DecodeError, FrameRingError, TransportError
from metrica.messages import Frame, FrameRef, Message, check_message, decode, encode
from metrica.qos import EVENTS, LATCHED, LATEST, LOSSLESS, QoS
from metrica.transport.flow_control import UNREAD, Acknowledger, SendWindow
from metrica.transport.frames import (
    FrameLostError,
    FrameRingReader,
    FrameRingWriter,
    read_frame,
    remove_stale,
    ring_path,
    write_frame,
)
from metrica.transport.node_spec import TopicEndpoint

RING_SLOTS = LOSSLESS.depth + 2
"""Slots of a frame ring: one for each frame sent to a lossless subscriber and not acknowledged yet, one for the frame
that is being written, and one more."""
_SEND_TIMEOUT_MS = 2000
_WAIT_MS = 100

Count = Callable[[str, int], None]


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

    Raises:
        TransportError: Another process publishes the topic, or the endpoint cannot be bound.
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
    ) -> None:
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


class SubscriberSocket:
    """One subscription to one topic: connects to its endpoint and receives.

    A message that cannot be used raises nothing. It is counted, under one of these names:

    | counter | what happened |
    |---|---|
    | `undecodable` | the bytes are not a message |
    | `wrong_type` | the message is of another type than the subscription takes |
    | `lost` | numbers are missing in `seq`: messages were dropped on the way |
    | `frames_overwritten` | the frame was overwritten in the ring before it was read |
    | `frames_unreadable` | the ring of the frame cannot be opened |

    Args:
        context: The process's ZeroMQ context.
        topic_endpoint: The topic and its endpoint.
        qos: The profile that the subscription asks for.
        message: The message type that it takes.
        count: Called with a counter's name and by how much it grows.
    """

    def __init__(
        self, context: zmq.Context[Any], topic_endpoint: TopicEndpoint, qos: QoS, message: type[Message], count: Count
    ) -> None:
        self.topic, self.qos = topic_endpoint.topic, qos
        self._message, self._count = message, count
        self._frames = FrameRingReader()
        self._seq, self._epoch = 0, 0
        self._acknowledger = Acknowledger() if qos is LOSSLESS else None
        self.socket = context.socket(zmq.XSUB if self._acknowledger else zmq.SUB)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.socket.setsockopt(zmq.RECONNECT_IVL, 50)
        self.socket.setsockopt(zmq.RECONNECT_IVL_MAX, 1000)
        if qos is LATEST:
            self.socket.setsockopt(zmq.CONFLATE, 1)
        self.socket.setsockopt(zmq.RCVHWM, qos.depth if qos is not LOSSLESS else 0)
        self.socket.connect(topic_endpoint.endpoint)
        if self._acknowledger:
            for subscription in self._acknowledger.subscriptions():
                self.socket.send(subscription)
        else:
            self.socket.subscribe(b"")

    def receive(self) -> Message | None:
        """The next message that has arrived; None if there is none or it cannot be used. Never waits.

        Call `done` when the message has been handled: a lossless publisher waits for it.
        """
        try:
            received = self.socket.recv(zmq.NOBLOCK, copy=self._message is not Frame)
        except zmq.Again:
            return None
        try:
            msg = decode(received if isinstance(received, bytes) else received.bytes)
        except DecodeError:
            self._count("undecodable", 1)
            self._seq += 1  # or it would be counted as lost, too
            if self._acknowledger:
                self.socket.send(self._acknowledger.acknowledge(UNREAD, 0), zmq.NOBLOCK)
            return None
        self._notice_gap(msg)
        usable = self._usable(msg)
        if usable is None:
            self.done()
        return usable

    def keep_up(self) -> None:
        """Let ZeroMQ work on a socket that nobody reads at present.

        ZeroMQ subscribes again at a publisher that was restarted only when the subscriber's thread uses the socket.
        """
        self.socket.getsockopt(zmq.EVENTS)

    def done(self) -> None:
        """Say that the last message that was received has been handled."""
        if self._acknowledger:
            self.socket.send(self._acknowledger.acknowledge(self._epoch, self._seq), zmq.NOBLOCK)

    def close(self) -> None:
        """End the subscription and forget the rings that were mapped for it."""
        self.socket.close()
        self._frames.close()

    def _usable(self, msg: Message) -> Message | None:
        if isinstance(msg, FrameRef):
            try:
                msg = read_frame(self._frames, msg)
            except FrameLostError:
                self._count("frames_overwritten", 1)
                return None
            except FrameRingError:
                self._count("frames_unreadable", 1)
                return None
        if not isinstance(msg, self._message):
            self._count("wrong_type", 1)
            return None
        return msg

    def _notice_gap(self, msg: Message) -> None:
        header = msg.header
        if header.epoch == self._epoch and header.seq > self._seq + 1 and self.qos is not LATEST:
            self._count("lost", header.seq - self._seq - 1)
        self._seq, self._epoch = header.seq, header.epoch


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
