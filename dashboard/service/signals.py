"""Stop signals: SIGINT and SIGTERM ask a server to stop. The handler takes no lock."""

from __future__ import annotations

import contextlib
import os
import select
import signal
from collections.abc import Callable, Generator
from types import FrameType


@contextlib.contextmanager
def interruptible() -> Generator[Callable[[], None]]:
    """Inside, SIGTERM and Ctrl-C do not end the program. Gives a function that waits for the first of them."""
    # A handler runs between two instructions of the main thread. If that thread holds a lock that the handler wants,
    # such as that of a threading.Event, the program hangs: two signals close together are enough. A counter in the
    # kernel needs no lock.
    fd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)

    def heard(_number: int, _frame: FrameType | None) -> None:
        os.eventfd_write(fd, 1)

    before = {number: signal.signal(number, heard) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: _wait_readable(fd)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        os.close(fd)


def _wait_readable(fd: int) -> None:
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    while not poll.poll():  # the signal itself wakes this thread, and Python then runs the handler
        pass
