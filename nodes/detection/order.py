"""Put results back into the order of their frames: inferences overtake each other, but a tracker needs the order."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any

import numpy.typing as npt

from metrica.messages import Header


@dataclass(eq=False, slots=True)
class Ticket:
    """One frame on its way through the detector."""

    header: Header
    """The header of the frame: its camera and its time."""
    size: tuple[int, int]
    """Width and height, pixels."""
    started: float = field(default_factory=time.monotonic)
    """When the frame was given to the queue, seconds of `time.monotonic()`."""
    seconds: float = 0.0
    """Seconds from `started` to the end of the inference; the wait for a free request counts."""
    outputs: list[npt.NDArray[Any]] | None = None
    """The outputs of the network, not decoded yet; None if there are none."""
    failed: str = ""
    """Why there is no result, in a few words; empty if there is one."""

    def finish(self, outputs: list[npt.NDArray[Any]] | None, failed: str = "") -> None:
        self.outputs, self.failed = outputs, failed
        self.seconds = time.monotonic() - self.started

    @property
    def finished(self) -> bool:
        return self.outputs is not None or bool(self.failed)


class Order:
    """Returns the tickets of each camera in the order in which they were put in, each once it and all before it are
    finished."""

    def __init__(self) -> None:
        self._cameras: dict[str, deque[Ticket]] = {}

    def put(self, ticket: Ticket) -> None:
        self._cameras.setdefault(ticket.header.camera, deque()).append(ticket)

    def take(self) -> list[Ticket]:
        """Remove and return the tickets whose turn has come."""
        ready: list[Ticket] = []
        for queue in self._cameras.values():
            while queue and queue[0].finished:
                ready.append(queue.popleft())
        return ready

    def __len__(self) -> int:
        return sum(len(queue) for queue in self._cameras.values())
