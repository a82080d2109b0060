"""Calls that other threads hand over to the loop of a node process."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable
from typing import Any


class HandedOver:
    """Functions that wait to be called in the loop's thread. `fd` becomes readable when one is added."""

    def __init__(self) -> None:
        # It is never closed: a thread of the node may still add a call, and must not write into another file.
        self.fd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._calls: deque[tuple[Callable[..., None], tuple[Any, ...]]] = deque()

    def add(self, function: Callable[..., None], *args: Any) -> None:
        """Have a function called in the loop's thread. May be called from any thread."""
        self._calls.append((function, args))
        self.wake()

    def wake(self) -> None:
        """Wake the loop up. May be called from any thread and from a signal handler."""
        os.eventfd_write(self.fd, 1)

    def clear(self) -> None:
        """The loop is awake: `fd` is not readable until the next wake-up."""
        os.eventfd_read(self.fd)

    def run(self) -> None:
        """Call what waits now."""
        for _ in range(len(self._calls)):  # not the calls that these add: the loop must go on
            function, args = self._calls.popleft()
            function(*args)
