"""The control connection: commands from the launcher to each node, heartbeats from each node to the launcher.

The launcher binds a ROUTER socket. Each node connects a DEALER socket whose identity is the node's name. A node sends
its Health about once a second, and at once when its state changes. A node whose launcher has died stops by itself:
Linux sends it a signal (see `metrica.executors.process`).
"""

from __future__ import annotations

import signal
from enum import IntEnum, StrEnum
from pathlib import Path
from typing import Any

import zmq

from metrica.errors import DecodeError
from metrica.messages import Health, decode, encode

HEARTBEAT_SECONDS = 1.0
"""Time between two heartbeats of a node, seconds."""
HUNG_AFTER_SECONDS = 15.0
"""Time without a heartbeat after which the launcher takes a node for hung, seconds: longer than any blocking call that
a node may make."""

DUMP_SIGNAL = signal.SIGUSR1
"""A node process that gets this signal writes to its log where each of its threads is, and goes on."""


class Command(StrEnum):
    """What the launcher can tell a node to do."""

    ACTIVATE = "activate"
    """Activate: call `on_activate`, then receive messages and run timers."""
    STOP = "stop"
    """Receive the messages that are still on the way, deactivate, clean up, and exit with status 0."""


class Exit(IntEnum):
    """Exit status of a node process."""

    DONE = 0
    """The node was stopped by a command, or finished its work."""
    FAILED = 1
    """The node failed, but another start may work: the launcher starts it again, with back-off."""
    PERMANENT = 3
    """The node failed and another start cannot help (a wrong parameter, a model that is not a detector): the launcher
    gives it up."""


class ControlServer:
    """The launcher's end of the control connection."""

    def __init__(self, context: zmq.Context[Any], endpoint: str) -> None:
        self.socket = context.socket(zmq.ROUTER)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.socket.setsockopt(zmq.ROUTER_HANDOVER, 1)  # a node that was restarted gets its name at once
        self.socket.bind(endpoint)

    def command(self, node: str, command: Command) -> None:
        """Send a command to a node. It is dropped if the node is not connected: ROUTER sockets do that."""
        self.socket.send_multipart([node.encode(), command.encode()])

    def receive(self) -> Health | None:
        """The next heartbeat that has arrived, or None. Heartbeats that cannot be decoded are skipped."""
        while True:
            try:
                _, data = self.socket.recv_multipart(zmq.NOBLOCK)
                msg = decode(data)
            except zmq.Again:
                return None
            except (DecodeError, ValueError):
                continue
            if isinstance(msg, Health):
                return msg

    def close(self) -> None:
        self.socket.close()


class ControlClient:
    """A node's end of the control connection."""

    def __init__(self, context: zmq.Context[Any], endpoint: str, node: str) -> None:
        self.socket = context.socket(zmq.DEALER)
        self.socket.setsockopt(zmq.LINGER, 200)
        self.socket.setsockopt(zmq.SNDTIMEO, 0)
        self.socket.setsockopt(zmq.IDENTITY, node.encode())
        self.socket.connect(endpoint)

    def beat(self, health: Health) -> None:
        """Send a heartbeat. Never waits: if the launcher reads nothing, the heartbeat is lost."""
        try:
            self.socket.send(encode(health))
        except zmq.Again:
            return

    def receive(self) -> Command | None:
        """The next command that has arrived, or None. Unknown commands are skipped."""
        while True:
            try:
                return Command(self.socket.recv(zmq.NOBLOCK).decode())
            except zmq.Again:
                return None
            except ValueError:
                continue

    def close(self) -> None:
        self.socket.close()


def control_endpoint(run_dir: Path) -> str:
    """The ZeroMQ endpoint of the control connection in a launcher's run folder."""
    return f"ipc://{run_dir}/control"
