"""Encryption of topics over tcp: CurveZMQ (https://rfc.zeromq.org/spec/26), with keys on both sides.

A publisher proves that it has the secret key to the public key that its readers know, and lets in only readers whose
public keys it knows. Everybody else sees noise. It is for every topic that leaves the folder of sockets, also on the
loopback interface: there, any user of the machine could read it.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import zmq
from zmq.auth.thread import ThreadAuthenticator

from metrica.errors import KeysError
from metrica.transport.keys import KeyFolder, as_digits
from metrica.transport.node_spec import TopicEndpoint

_MOST_ADDRESSES = 256
_SECONDS_BETWEEN_LINES = 5.0


class Curve:
    """The keys of one process, and the thread that asks them who may read (ZAP, https://rfc.zeromq.org/spec/27).

    Args:
        context: The process's ZeroMQ context.
        data: The data folder, which holds the keys.
        say: Called in another thread, with a sentence about a reader that is refused or let in again, and whether it
            is refused.

    Raises:
        KeysError: There are no keys.
    """

    def __init__(self, context: zmq.Context[Any], data: Path, say: Callable[[str, bool], None]) -> None:
        self.keys = KeyFolder(data)
        self._own = self.keys.own()
        self._visitors = _Visitors(self.keys, self._own.public, say)
        self._gate: ThreadAuthenticator | None = None
        self._context = context

    def secure_publisher(self, socket: zmq.Socket[Any], topic_endpoint: TopicEndpoint) -> None:
        """Encrypt what a socket sends, before it is bound, and let in only readers whose key is known."""
        if self._gate is None:
            self._gate = _Gate(self._context, self._visitors)
            self._gate.start()
        topic = topic_endpoint.topic
        self._gate.configure_curve_callback(topic, self._visitors)
        socket.setsockopt(zmq.IPV6, int("[" in topic_endpoint.endpoint))
        socket.setsockopt(zmq.CURVE_SERVER, 1)
        socket.setsockopt(zmq.CURVE_SECRETKEY, self._own.secret.encode())
        # libzmq asks nobody, and lets everybody in, if there is no domain; and if there is no gate, unless told so.
        socket.setsockopt(zmq.ZAP_DOMAIN, topic.encode())
        socket.setsockopt(zmq.ZAP_ENFORCE_DOMAIN, 1)

    def secure_subscriber(self, socket: zmq.Socket[Any], topic_endpoint: TopicEndpoint) -> None:
        """Have a socket talk to nobody but the publisher of a topic, before it is connected."""
        publisher = topic_endpoint.publisher_key or self.keys.publisher_at(topic_endpoint.endpoint)
        socket.setsockopt(zmq.IPV6, int("[" in topic_endpoint.endpoint))
        socket.setsockopt(zmq.CURVE_PUBLICKEY, self._own.public.encode())
        socket.setsockopt(zmq.CURVE_SECRETKEY, self._own.secret.encode())
        socket.setsockopt(zmq.CURVE_SERVERKEY, publisher.encode())

    def close(self) -> None:
        """End the thread. Close the sockets first."""
        if self._gate is not None:
            self._gate.stop()
            self._gate = None


def required(curve: Curve | None, topic_endpoint: TopicEndpoint) -> Curve | None:
    """The keys that an endpoint needs; None for one that needs none.

    Raises:
        KeysError: It needs keys, and there are none: nothing is ever sent over tcp as it is.
    """
    if not topic_endpoint.needs_keys:
        return None
    if not topic_endpoint.endpoint.startswith("tcp://"):
        raise KeysError(
            f"{topic_endpoint.topic} cannot travel over {topic_endpoint.endpoint}: only tcp:// is encrypted"
        )
    if curve is None:
        raise KeysError(
            f"{topic_endpoint.topic} at {topic_endpoint.endpoint} would travel unencrypted: "
            "make keys with 'metrica-keys make'"
        )
    return curve


class _Gate(ThreadAuthenticator):
    """pyzmq's authenticator, which also says where the reader comes from that it asks about."""

    def __init__(self, context: zmq.Context[Any], visitors: _Visitors) -> None:
        super().__init__(context)
        self._visitors = visitors

    async def handle_zap_message(self, msg: list[bytes]) -> None:
        self._visitors.address = msg[3].decode("ascii", "replace") if len(msg) > 3 else ""
        await super().handle_zap_message(msg)


class _Visitors:
    """Who may read. Each address that is refused is named once; and at most one line is said in some seconds."""

    def __init__(self, keys: KeyFolder, own: str, say: Callable[[str, bool], None]) -> None:
        self._keys, self._own, self._say = keys, own, say
        self.address = ""
        """Where the reader comes from that is asked about now; all questions come from one thread, one by one."""
        self._refused: OrderedDict[str, None] = OrderedDict()
        self._silent_until = 0.0

    def callback(self, domain: str, key: bytes) -> bool:
        """Whether the reader with this public key may read the topic `domain`: pyzmq asks. Never raises."""
        public = key.decode("ascii", "replace")
        # Read anew each time: who is allowed by a command comes in without a restart.
        allowed = public == self._own or public in self._keys.readers().values()
        if allowed and self.address in self._refused:
            del self._refused[self.address]
            self._say(f"the reader at {self.address} may read {domain} now", False)
        elif not allowed:
            self._refuse(domain, public)
        return allowed

    def _refuse(self, topic: str, key: str) -> None:
        if self.address in self._refused or time.monotonic() < self._silent_until:
            return
        self._refused[self.address] = None
        if len(self._refused) > _MOST_ADDRESSES:
            self._refused.popitem(last=False)
        self._silent_until = time.monotonic() + _SECONDS_BETWEEN_LINES
        digits = as_digits(key)
        self._say(
            f"a reader at {self.address} is refused {topic}: to let it in, run 'metrica-keys allow NAME {digits}'", True
        )
