"""When a node's timers are due."""

from __future__ import annotations

import time
from collections.abc import Callable

from metrica.node import Node


class Schedule:
    """The timers of one node. A timer that is late is called once, not once for each period that it missed."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._idle: list[str] = []
        self._due: dict[str, float] = {}

    def start(self) -> None:
        """Start the timers when the node is activated: each is called for the first time one period from now."""
        now = time.monotonic()
        periods = {name: spec.period(self._node) for name, spec in self._node.timers.items()}
        self._idle = [name for name, period in periods.items() if period <= 0]
        self._due = {name: now + period for name, period in periods.items() if period > 0}

    def seconds_to_next(self, latest: float) -> float:
        """Seconds that the loop may wait: until the next timer is due, or until the monotonic time `latest`."""
        if self._idle:
            return 0.0
        return max(0.0, min([latest, *self._due.values()]) - time.monotonic())

    def run_due(self, cancelled: Callable[[], bool]) -> None:
        """Call the timers that are due, and every timer of period 0, unless `cancelled` says that the node is done."""
        now = time.monotonic()
        for name, due in self._due.items():
            if due <= now and not cancelled():
                period = self._node.timers[name].period(self._node)
                self._due[name] = due + period if due + period > now else now + period
                getattr(self._node, name)()
        for name in self._idle:
            if not cancelled():
                getattr(self._node, name)()
