"""Why a connection over tcp does not come about: libzmq is silent about it, and retries some failures never."""

from __future__ import annotations

import logging
import time
from typing import Any

import zmq
from zmq.utils.monitor import recv_monitor_message

from metrica.transport.node_spec import TopicEndpoint

_log = logging.getLogger("metrica.transport")
_EVENTS = (
    zmq.EVENT_HANDSHAKE_SUCCEEDED
    | zmq.EVENT_HANDSHAKE_FAILED_AUTH
    | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
    | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
)
_SLOWEST_RETRY = 5.0
_QUIET_SECONDS = 600.0


class _Watch:
    def __init__(self, socket: zmq.Socket[Any], topic_endpoint: TopicEndpoint) -> None:
        self._socket, self._topic, self._endpoint = socket, topic_endpoint.topic, topic_endpoint.endpoint
        self._monitor = socket.get_monitor_socket(_EVENTS)

    def _events(self) -> list[tuple[int, int]]:
        """The events since the last call: (kind, value)."""
        found: list[tuple[int, int]] = []
        while self._monitor.poll(0):
            event = recv_monitor_message(self._monitor)
            found.append((int(event["event"]), int(event["value"])))
        return found

    def close(self) -> None:
        """Stop watching; call it before the socket is closed."""
        self._socket.disable_monitor()
        self._monitor.close(linger=0)


class SubscriberWatch(_Watch):
    """Says why the publisher of a topic and this subscription do not come together, and tries again."""

    def __init__(self, socket: zmq.Socket[Any], topic_endpoint: TopicEndpoint) -> None:
        super().__init__(socket, topic_endpoint)
        self.trouble = ""
        """What is wrong, in one sentence; empty if nothing is."""
        self._hung_up = 0
        self._retry_at: float | None = None
        self._wait = 1.0

    def look(self) -> None:
        """Look at what has happened, log what is new, and connect again if it is time."""
        for kind, value in self._events():
            if kind == zmq.EVENT_HANDSHAKE_SUCCEEDED:
                self._well()
            else:
                self._failed(kind, value)
        if self._retry_at is not None and time.monotonic() >= self._retry_at:
            self._retry_at = None
            self._socket.disconnect(self._endpoint)
            self._socket.connect(self._endpoint)

    def _well(self) -> None:
        if self.trouble:
            _log.info("%s comes from its publisher at %s again", self._topic, self._endpoint)
        self.trouble, self._hung_up, self._wait, self._retry_at = "", 0, 1.0, None

    def _failed(self, kind: int, value: int) -> None:
        if kind == zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL:
            # A publisher that has another key or none hangs up; but so does one that is just being killed.
            self._hung_up += 1
            if self._hung_up > 1:
                self._say(
                    f"the publisher of {self._topic} at {self._endpoint} hangs up: it does not encrypt, or has another "
                    "key than the one that is known here, which 'metrica-keys trust' gives"
                )
            return
        # libzmq does not try again after these.
        self._retry_at = time.monotonic() + self._wait
        self._wait = min(2 * self._wait, _SLOWEST_RETRY)
        if kind == zmq.EVENT_HANDSHAKE_FAILED_AUTH:
            self._say(
                f"the publisher of {self._topic} at {self._endpoint} refuses the key of this machine: there, run "
                "'metrica-keys allow' with what 'metrica-keys show' prints here"
            )
        elif value == zmq.PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH:
            self._say(f"what answers for {self._topic} at {self._endpoint} does not encrypt, and is not listened to")
        else:
            self._say(f"what answers for {self._topic} at {self._endpoint} is not its publisher")

    def _say(self, sentence: str) -> None:
        if sentence != self.trouble:
            _log.warning("%s", sentence)
        self.trouble = sentence


class PublisherWatch(_Watch):
    """Counts the connections that are none of ours: without keys, with a wrong one, or of another protocol."""

    def __init__(self, socket: zmq.Socket[Any], topic_endpoint: TopicEndpoint) -> None:
        super().__init__(socket, topic_endpoint)
        self._next_line = 0.0

    def look(self) -> int:
        """Look at what has happened, and say it once in ten minutes. Returns how many have been refused since the last
        call."""
        refused = 0
        for kind, _ in self._events():
            if kind == zmq.EVENT_HANDSHAKE_SUCCEEDED:
                continue
            refused += 1
            # Who is refused for its key is named by the gate, with its address.
            if kind != zmq.EVENT_HANDSHAKE_FAILED_AUTH and time.monotonic() >= self._next_line:
                self._next_line = time.monotonic() + _QUIET_SECONDS
                _log.warning("somebody without the right keys tries to read %s at %s", self._topic, self._endpoint)
        return refused
