"""The launcher's line to each node: commands one way, heartbeats the other.

The launcher binds a ROUTER, each node connects a DEALER whose identity is the node's name. A node sends
its Health about once a second, and at once when its state changes; the launcher sends commands. A node
whose launcher is gone stops by itself (Linux tells it so, see `metrica.executors.process`).
"""

from __future__ import annotations

from enum import IntEnum, StrEnum
from pathlib import Path
from typing import Any

import zmq

from metrica.errors import DecodeError
from metrica.messages import Health, decode, encode

HEARTBEAT_SECONDS = 1.0
HUNG_AFTER_SECONDS = 15.0
"""Silence after which the launcher takes a node for hung: longer than any blocking call that a node may make."""


class Command(StrEnum):
    """What the launcher can ask of a node."""

    ACTIVATE = "activate"
    """Begin."""
    STOP = "stop"
    """Take in what is still on the way, deactivate, clean up, and exit with 0."""


class Exit(IntEnum):
    """How a node process ends."""

    DONE = 0
    """Stopped on command, or finished by itself."""
    FAILED = 1
    """Something went wrong that may go right next time: restart with back-off."""
    PERMANENT = 3
    """Something is wrong that trying again cannot mend: a missing file, a model that is not a detector."""


class ControlServer:
    """The launcher's end."""

    def __init__(self, context: zmq.Context[Any], endpoint: str) -> None:
        self.socket = context.socket(zmq.ROUTER)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.socket.setsockopt(zmq.ROUTER_HANDOVER, 1)  # a restarted node takes over its own name at once
        self.socket.bind(endpoint)

    def command(self, node: str, command: Command) -> None:
        """Send a command; one for a node that is not connected is dropped, as ROUTER does."""
        self.socket.send_multipart([node.encode(), command.encode()])

    def receive(self) -> Health | None:
        """The next heartbeat that has arrived, or None. One that cannot be read is passed over."""
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
    """A node's end."""

    def __init__(self, context: zmq.Context[Any], endpoint: str, node: str) -> None:
        self.socket = context.socket(zmq.DEALER)
        self.socket.setsockopt(zmq.LINGER, 200)
        self.socket.setsockopt(zmq.SNDTIMEO, 0)
        self.socket.setsockopt(zmq.IDENTITY, node.encode())
        self.socket.connect(endpoint)

    def beat(self, health: Health) -> None:
        """Send a heartbeat; with a launcher that reads nothing, it is lost rather than waited for."""
        try:
            self.socket.send(encode(health))
        except zmq.Again:
            return

    def receive(self) -> Command | None:
        """The next command that has arrived, or None. One that is not known is passed over."""
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
    return f"ipc://{run_dir}/control"
