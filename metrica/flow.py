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
_READER = b"~"
_ID_BYTES = 8
_ACK = struct.Struct(f"<B{_ID_BYTES}sQ")


class Window:
    """The publisher's side: who is listening, and who has got how far."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.subscribers = 0
        self._acked: dict[bytes, int] = {}

    def hear(self, upstream: bytes, seq: int) -> bool:
        """Take in one upstream message; `seq` is the last one sent. True if it is a new subscriber."""
        kind, body = upstream[:1], upstream[1:]
        if kind == bytes([ACK]):
            self._acknowledge(upstream)
        elif body.startswith(_READER):
            if kind == bytes([JOIN]):
                self._acked[body[1:]] = seq
            else:
                self._acked.pop(body[1:], None)
        elif kind == bytes([JOIN]):
            self.subscribers += 1
            return True
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
            _, reader, seq = _ACK.unpack(upstream)
            if reader in self._acked:
                self._acked[reader] = max(self._acked[reader], seq)


class Credit:
    """The subscriber's side: what to send upstream."""

    def __init__(self) -> None:
        self._id = os.urandom(_ID_BYTES)

    def subscriptions(self) -> tuple[bytes, bytes]:
        """To be sent on the XSUB before anything else: everything, and who is listening."""
        return bytes([JOIN]) + _READER + self._id, bytes([JOIN])

    def acknowledge(self, seq: int) -> bytes:
        """To be sent when message `seq` is done with."""
        return _ACK.pack(ACK, self._id, seq)
