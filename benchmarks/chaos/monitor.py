"""Hears the heartbeats of the nodes of a running shop."""

from __future__ import annotations

import threading
import time
from typing import Any

import zmq

from metrica.messages import Health
from metrica.qos import LATCHED
from metrica.transport import TopicEndpoint
from metrica.transport.subscriber_socket import SubscriberSocket


class Monitor:
    """The last heartbeat of each node, and since when it works. A thread of its own; `close` ends it."""

    def __init__(self) -> None:
        self.health: dict[str, Health] = {}
        self._active: dict[str, tuple[int, float]] = {}
        self._wanted: list[TopicEndpoint] = []
        self._known: set[str] = set()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def watch(self, endpoint: TopicEndpoint) -> None:
        """Listen to one more node; a node that is restarted is heard by itself."""
        if endpoint.topic not in self._known:
            self._known.add(endpoint.topic)
            self._wanted.append(endpoint)

    def active_since(self, node: str, after: float) -> float | None:
        """When the process of this node that was born after a moment became active; None if it has not.

        Monotonic seconds.
        """
        born, since = self._active.get(node, (0, 0.0))
        return since if born / 1e9 > after else None

    def is_active(self, node: str) -> bool:
        return node in self.health and self.health[node].state == "active"

    def close(self) -> None:
        self._closing.set()
        self._thread.join()

    def _run(self) -> None:
        context: zmq.Context[Any] = zmq.Context()
        sockets: list[SubscriberSocket] = []
        poller = zmq.Poller()
        while not self._closing.is_set():
            while self._wanted:
                sockets.append(SubscriberSocket(context, self._wanted.pop(), LATCHED, Health, lambda *_: None))
                poller.register(sockets[-1].socket, zmq.POLLIN)
            if not poller.poll(50):
                time.sleep(0.01)
            for socket in sockets:
                while isinstance(msg := socket.receive(), Health):
                    self._hear(msg)
        for socket in sockets:
            socket.close()
        context.term()

    def _hear(self, msg: Health) -> None:
        before = self.health.get(msg.node)
        self.health[msg.node] = msg
        is_new = before is None or before.header.epoch != msg.header.epoch or before.state != "active"
        if msg.state == "active" and is_new:
            self._active[msg.node] = (msg.header.mono, msg.header.mono / 1e9)
