"""Flow control for LOSSLESS subscriptions: a publisher that waits, by credits.

A lossless subscriber says who it is by subscribing to a prefix of its own (`~` and its id), which the
publisher hears of when it comes and when it goes, also when its process is killed. It acknowledges each
message when it is done with it, and the publisher keeps at most `window` messages on the way to any of
them. Messages of ours never begin with `~`, so the extra subscription matches nothing.

Facts that this relies on (libzmq 4.3): an XPUB with XPUB_VERBOSER passes every subscription and every end of
one up to the program, sends both for a peer that vanishes, and hands over any other message that an XSUB
sends upstream.
"""

from __future__ import annotations

import os
import struct

JOIN, LEAVE, ACK = 1, 0, 2
UNREAD = 0
"""Instead of an epoch: the message could not be read, so nobody knows its number."""
_READER = b"~"
_ID_BYTES = 8
_ACK = struct.Struct(f"<B{_ID_BYTES}sqQ")  # kind, reader, the publisher's epoch, seq


class Window:
    """The publisher's side: who is listening, and who has got how far. Messages are counted from 1 in each epoch."""

    def __init__(self, size: int, epoch: int) -> None:
        self.size = size
        self._epoch = epoch
        self.subscribers = 0
        self._acked: dict[bytes, int] = {}

    def hear(self, upstream: bytes, seq: int) -> bool:
        """Take in one upstream message; `seq` is the last one sent. True if it is a new subscriber."""
        kind, body = upstream[:1], upstream[1:]
        if kind == bytes([ACK]):
            self._acknowledge(upstream)
        elif kind == bytes([JOIN]):
            if not body.startswith(_READER):
                self.subscribers += 1
                return True
            self._acked[body[1:]] = seq
        elif kind == bytes([LEAVE]):
            if body.startswith(_READER):
                self._acked.pop(body[1:], None)
            else:
                self.subscribers = max(0, self.subscribers - 1)
        return False

    def full(self, seq: int) -> bool:
        """Whether the message `seq + 1` has to wait for somebody."""
        return any(seq - acked >= self.size for acked in self._acked.values())

    def behind(self, seq: int) -> bool:
        """Whether anybody has not acknowledged the message `seq` yet."""
        return any(acked < seq for acked in self._acked.values())

    def _acknowledge(self, upstream: bytes) -> None:
        if len(upstream) == _ACK.size:
            _, reader, epoch, seq = _ACK.unpack(upstream)
            if reader not in self._acked:
                return
            if epoch == UNREAD:
                self._acked[reader] += 1
            elif epoch == self._epoch:  # or the reader is still busy with messages from before a restart
                self._acked[reader] = max(self._acked[reader], seq)


class Credit:
    """The subscriber's side: what to send upstream."""

    def __init__(self) -> None:
        self._id = os.urandom(_ID_BYTES)

    def subscriptions(self) -> tuple[bytes, bytes]:
        """To be sent on the XSUB before anything else: everything, and who is listening."""
        return bytes([JOIN]) + _READER + self._id, bytes([JOIN])

    def acknowledge(self, epoch: int, seq: int) -> bytes:
        """To be sent when message `seq` of that epoch is done with; the epoch UNREAD stands for one more message."""
        return _ACK.pack(ACK, self._id, epoch, seq)
