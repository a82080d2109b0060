"""Flow control for LOSSLESS subscriptions: the publisher waits for the slowest of them.

A lossless subscriber makes itself known by a second subscription, to a prefix of its own (`~` and its id). The
publisher hears when this subscription begins and when it ends, even if the subscriber's process is killed. The
subscriber acknowledges each message when it is done with it. The publisher keeps a send window: at most `size`
messages may be sent to a subscriber and not acknowledged yet. No message of Metrica begins with `~`, so the second
subscription matches none.

This relies on what libzmq 4.3 does: an XPUB with XPUB_VERBOSER passes every subscription and every end of one to the
program, both also for a peer that vanishes, and it passes any other message that an XSUB sends upstream.
"""

from __future__ import annotations

import os
import struct

JOIN, LEAVE, ACK = 1, 0, 2
"""First byte of an upstream message: a subscription begins or ends (ZeroMQ's own), a message is acknowledged."""
UNREAD = 0
"""In place of an epoch: the message could not be decoded, so its number is not known."""
_LOSSLESS_PREFIX = b"~"
_ID_BYTES = 8
_ACK = struct.Struct(f"<B{_ID_BYTES}sqQ")  # ACK, the subscriber's id, the publisher's epoch, seq


class SendWindow:
    """The publisher's side: counts subscriptions, and knows which message each lossless subscriber has acknowledged.

    Args:
        size: How many messages may be sent to a lossless subscriber and not acknowledged yet.
        epoch: The publisher's epoch; acknowledgements of another epoch do not count.
    """

    def __init__(self, size: int, epoch: int) -> None:
        self.size = size
        self.subscribers = 0
        """How many subscriptions the topic has, lossless or not."""
        self._epoch = epoch
        self._acknowledged: dict[bytes, int] = {}

    def hear(self, upstream: bytes, seq: int) -> bool:
        """Take in one message from upstream. Returns whether it is a new subscription.

        Args:
            upstream: The message.
            seq: Number of the last message that was sent.
        """
        kind, body = upstream[:1], upstream[1:]
        if kind == bytes([ACK]):
            self._acknowledge(upstream)
        elif kind == bytes([JOIN]):
            if not body.startswith(_LOSSLESS_PREFIX):
                self.subscribers += 1
                return True
            self._acknowledged[body[1:]] = seq
        elif kind == bytes([LEAVE]):
            if body.startswith(_LOSSLESS_PREFIX):
                self._acknowledged.pop(body[1:], None)
            else:
                self.subscribers = max(0, self.subscribers - 1)
        return False

    def full(self, seq: int) -> bool:
        """Whether the message after `seq` has to wait for a subscriber."""
        return any(seq - acknowledged >= self.size for acknowledged in self._acknowledged.values())

    def behind(self, seq: int) -> bool:
        """Whether a subscriber has not acknowledged the message `seq` yet."""
        return any(acknowledged < seq for acknowledged in self._acknowledged.values())

    def _acknowledge(self, upstream: bytes) -> None:
        if len(upstream) != _ACK.size:
            return
        _, subscriber, epoch, seq = _ACK.unpack(upstream)
        if subscriber not in self._acknowledged:
            return
        if epoch == UNREAD:
            self._acknowledged[subscriber] += 1
        elif epoch == self._epoch:  # with another epoch, the message is from before the publisher was restarted
            self._acknowledged[subscriber] = max(self._acknowledged[subscriber], seq)


class Acknowledger:
    """The subscriber's side: makes the messages that a lossless subscription sends upstream."""

    def __init__(self) -> None:
        self._id = os.urandom(_ID_BYTES)

    def subscriptions(self) -> tuple[bytes, bytes]:
        """The two subscriptions to send on the XSUB first: this subscriber's prefix, then all messages."""
        return bytes([JOIN]) + _LOSSLESS_PREFIX + self._id, bytes([JOIN])

    def acknowledge(self, epoch: int, seq: int) -> bytes:
        """What to send when the message `seq` of an epoch is done with; with the epoch UNREAD, one message more."""
        return _ACK.pack(ACK, self._id, epoch, seq)
