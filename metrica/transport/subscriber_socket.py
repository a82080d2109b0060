"""The subscribing side of a topic: one SUB or XSUB socket, connected to the topic's endpoint."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import zmq

from metrica.errors import DecodeError, FrameRingError, KeysError
from metrica.messages import Frame, FrameRef, Message, decode
from metrica.qos import LATEST, LOSSLESS, QoS
from metrica.transport.curve import Curve, required
from metrica.transport.flow_control import UNREAD, Acknowledger
from metrica.transport.frames import FrameLostError, FrameRingReader, read_frame
from metrica.transport.handshakes import SubscriberWatch
from metrica.transport.node_spec import TopicEndpoint

Count = Callable[[str, int], None]
"""Adds a number to one of the node's counters."""


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
        curve: The keys, for a tcp endpoint.

    Raises:
        KeysError: It is a tcp endpoint, and there are no keys, or that of its publisher is not known.
    """

    def __init__(
        self,
        context: zmq.Context[Any],
        topic_endpoint: TopicEndpoint,
        qos: QoS,
        message: type[Message],
        count: Count,
        curve: Curve | None = None,
    ) -> None:
        keys = required(curve, topic_endpoint)
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
        self.watch: SubscriberWatch | None = None
        if keys is not None:
            try:
                keys.secure_subscriber(self.socket, topic_endpoint)
            except KeysError:
                self.socket.close()
                raise
            self.watch = SubscriberWatch(self.socket, topic_endpoint)
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
        if self.watch is not None and not self.socket.closed:
            self.watch.close()
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
