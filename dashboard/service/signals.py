"""Stop signals: SIGINT and SIGTERM ask a server to stop. The handler takes no lock."""

from __future__ import annotations

import contextlib
import os
import select
import signal
from collections.abc import Callable, Generator
from types import FrameType
from typing import Protocol

_LOOK_MS = 2000  # between two looks at whether the server still works


class Wait(Protocol):
    """Waits for a signal."""

    def __call__(self, failure: Callable[[], str] = ...) -> str:
        """Return when a signal came, with an empty text; or what `failure` says when it says something.

        failure: says in one sentence why there is nothing more to wait for; asked every few seconds.
        """
        ...


@contextlib.contextmanager
def interruptible() -> Generator[Wait]:
    """Inside, SIGTERM and Ctrl-C do not end the program. Gives a function that waits for the first of them."""
    # A handler runs between two instructions of the main thread. If that thread holds a lock that the handler wants,
    # such as that of a threading.Event, the program hangs: two signals close together are enough. A counter in the
    # kernel needs no lock.
    fd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)

    def heard(_number: int, _frame: FrameType | None) -> None:
        os.eventfd_write(fd, 1)

    before = {number: signal.signal(number, heard) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda failure=_no_failure: _wait_readable(fd, failure)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        os.close(fd)


def _no_failure() -> str:
    return ""


def _wait_readable(fd: int, failure: Callable[[], str]) -> str:
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    while not poll.poll(_LOOK_MS):  # the signal itself wakes this thread, and Python then runs the handler
        if why := failure():
            return why
    return ""
