"""Topics over ZeroMQ: one endpoint per topic, bound by its publisher, no broker.

| profile  | publisher (XPUB)                  | subscription                                   |
|----------|-----------------------------------|------------------------------------------------|
| LATEST   | high-water mark 8                 | SUB, CONFLATE: the newest message only         |
| STREAM   | high-water mark 10                | SUB, high-water mark 10; losses seen in `seq`  |
| EVENTS   | NODROP, a send that stalls raises | SUB, high-water mark 1000                      |
| LATCHED  | last message to each newcomer     | SUB                                            |
| LOSSLESS | waits for credits                 | XSUB, acknowledges (`metrica.transport.flow`)            |

Frames on an ipc endpoint go through shared memory (`metrica.transport.frames`); over tcp they travel whole.
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
from metrica.transport.flow import UNREAD, Credit, Window
from metrica.transport.frames import (
    FrameLostError,
    FrameRingReader,
    FrameRingWriter,
    read_frame,
    remove_stale,
    ring_path,
    write_frame,
)
from metrica.transport.wiring import Wire

RING_SLOTS = LOSSLESS.depth + 2
"""Room for every frame on the way to a lossless reader, the one being written, and one to spare."""
_SEND_TIMEOUT_MS = 2000
_WAIT_MS = 100

Count = Callable[[str, int], None]


class PublisherSocket:
    """One topic, bound. Raises TransportError if another process publishes it already.

    epoch: when the publisher started, ns UTC. while_waiting: called every tenth of a second while a lossless
    subscription holds the publisher back, with the monotonic time when that began; raises to break off.
    """

    def __init__(
        self,
        context: zmq.Context[Any],
        wire: Wire,
        qos: QoS,
        *,
        epoch: int,
        frame_dir: Path | None,
        while_waiting: Callable[[float], None] = lambda since: None,
    ) -> None:
        self.topic, self.qos = wire.topic, qos
        self._epoch, self._seq = epoch, 0
        self._window = Window(LOSSLESS.depth, epoch)
        self._while_waiting = while_waiting
        self._last: bytes | None = None
        self._stalled = False
        self._frame_dir = frame_dir if wire.endpoint.startswith("ipc://") else None
        self._ring: FrameRingWriter | None = None
        self._lock = _lock_topic(wire)
        self.socket = context.socket(zmq.XPUB)
        self.socket.setsockopt(zmq.LINGER, 1000)
        # A full queue drops the newest, so it holds at least all that may be on the way to a lossless reader.
        self.socket.setsockopt(zmq.SNDHWM, max(2 * LOSSLESS.depth, qos.depth))
        self.socket.setsockopt(zmq.XPUB_VERBOSER, 1)
        if qos is EVENTS:
            self.socket.setsockopt(zmq.XPUB_NODROP, 1)
            self.socket.setsockopt(zmq.SNDTIMEO, _SEND_TIMEOUT_MS)
        try:
            self.socket.bind(wire.endpoint)
        except zmq.ZMQError as error:
            self.close()
            why = error.strerror if error.errno != errno.ENAMETOOLONG else "its path has more than 107 bytes"
            raise TransportError(f"topic {wire.topic} cannot be bound at {wire.endpoint}: {why}") from None

    @property
    def subscribers(self) -> int:
        """How many subscriptions the topic has now."""
        return self._window.subscribers

    def send(self, msg: Message) -> None:
        """Send one message.

        Raises TransportError for an event that a subscriber does not take in for two seconds (at once, as long as
        none has been taken in since), TypeError for a message that cannot travel.
        """
        self.listen()
        self._wait_for(self._window.full)
        wire = self._in_shared_memory(msg, self._frame_dir) if isinstance(msg, Frame) and self._frame_dir else msg
        data = encode(wire, seq=self._seq + 1, epoch=self._epoch)
        self._seq += 1
        if self.qos is LATCHED:
            self._last = data
        try:
            # pyzmq copies small ones all the same
            self.socket.send(data, zmq.NOBLOCK if self._stalled else 0, copy=False)
            self._stalled = False
        except zmq.Again:
            # One subscriber that hangs must not cost two seconds for each event of a shop that is open.
            self._stalled = True
            raise TransportError(f"a subscriber of {self.topic} takes nothing in; the message was not sent") from None

    def listen(self) -> bool:
        """Take in what subscribers have sent upstream: that they come, go, or are done with a message.

        True if the number of subscriptions has changed.
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
        """Wait until every lossless subscription is done with what was sent, or the time is over."""
        self._wait_for(self._window.behind, seconds)

    def _wait_for(self, held_back: Callable[[int], bool], seconds: float = math.inf) -> None:
        began = time.monotonic()
        while held_back(self._seq) and time.monotonic() < began + seconds:
            self.socket.poll(_WAIT_MS)
            self.listen()
            self._while_waiting(began)

    def close(self) -> None:
        """Send what is queued (for a second at most) and free the topic. Closing again does nothing."""
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
                self._wait_for(self._window.behind)  # a lossless reader has yet to open what would be gone
                self._ring.close()
            prefix = self.topic.strip("/").replace("/", ".")
            remove_stale(directory, f"{prefix}.")
            self._ring = FrameRingWriter(ring_path(directory, prefix), RING_SLOTS, frame.image.nbytes)
        return write_frame(self._ring, frame)


class SubscriberSocket:
    """One subscription to one topic. What cannot be used is counted, never raised:
    `undecodable`, `wrong_type`, `lost` (gaps in a queue), `frames_overwritten` (gone from the ring)."""

    def __init__(self, context: zmq.Context[Any], wire: Wire, qos: QoS, message: type[Message], count: Count) -> None:
        self.topic, self.qos = wire.topic, qos
        self._message, self._count = message, count
        self._frames = FrameRingReader()
        self._seq, self._epoch = 0, 0
        self._credit = Credit() if qos is LOSSLESS else None
        self.socket = context.socket(zmq.XSUB if self._credit else zmq.SUB)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.socket.setsockopt(zmq.RECONNECT_IVL, 50)
        self.socket.setsockopt(zmq.RECONNECT_IVL_MAX, 1000)
        if qos is LATEST:
            self.socket.setsockopt(zmq.CONFLATE, 1)
        self.socket.setsockopt(zmq.RCVHWM, qos.depth if qos is not LOSSLESS else 0)
        self.socket.connect(wire.endpoint)
        if self._credit:
            for subscription in self._credit.subscriptions():
                self.socket.send(subscription)
        else:
            self.socket.subscribe(b"")

    def receive(self) -> Message | None:
        """The next message that has arrived; None if there is none, or it cannot be used.

        With a lossless subscription, call `done` when finished with it.
        """
        try:
            received = self.socket.recv(zmq.NOBLOCK, copy=self._message is not Frame)
        except zmq.Again:
            return None
        try:
            msg = decode(received if isinstance(received, bytes) else received.bytes)
        except DecodeError:
            self._count("undecodable", 1)
            self._seq += 1  # it was one message, and not lost too
            if self._credit:  # a publisher that waits for it must go on
                self.socket.send(self._credit.acknowledge(UNREAD, 0), zmq.NOBLOCK)
            return None
        self._notice_gap(msg)
        usable = self._usable(msg)
        if usable is None:
            self.done()
        return usable

    def keep_up(self) -> None:
        """For a socket that nobody reads at present: let ZeroMQ do what it does only when a socket is used, above all
        subscribe again when the publisher has come back."""
        self.socket.getsockopt(zmq.EVENTS)

    def done(self) -> None:
        """The last message has been dealt with."""
        if self._credit:
            self.socket.send(self._credit.acknowledge(self._epoch, self._seq), zmq.NOBLOCK)

    def close(self) -> None:
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


def _lock_topic(wire: Wire) -> int | None:
    """A lock beside an ipc endpoint: a second bind would succeed and silently take the topic over."""
    if not wire.endpoint.startswith("ipc://"):
        return None
    path = Path(wire.endpoint.removeprefix("ipc://") + ".lock")
    try:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise TransportError(f"topic {wire.topic} cannot be locked with {path}: {error.strerror}") from None
    end = time.monotonic() + 1.0  # a killed publisher's lock goes with its process, but not at once
    while True:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return fd
        except BlockingIOError:
            if time.monotonic() > end:
                os.close(fd)
                raise TransportError(f"topic {wire.topic} is published by another process already") from None
            time.sleep(0.02)
