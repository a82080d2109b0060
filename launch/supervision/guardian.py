"""The guardian: a small process that ends what a killed launcher leaves, also nodes that are stopped or that hang.

The kernel sends each node SIGTERM when its launcher dies (`metrica.executors.process`). A stopped process does not
receive it, and one that hangs does not obey. The launcher runs this file as a program, so it imports nothing of ours.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

GRACE_SECONDS = 7.0
"""How long the nodes of a killed launcher have to end: as long as they have when a launcher stops them."""


class Guardian:
    """Starts the guardian, and ends it again when the launch has ended in order: a context manager.

    mark: `NAME=value`, a variable that the environment of each process of this launch holds. grace: seconds from the
    launcher's death until SIGKILL. Raises OSError if it cannot be started.
    """

    def __init__(self, mark: str, *, grace: float = GRACE_SECONDS) -> None:
        self._mark, self._grace = mark, grace
        self._start()

    def restart(self) -> None:
        """Start it again, after it has ended. Raises OSError."""
        self._forget()
        self._start()

    def _start(self) -> None:
        launcher = os.pidfd_open(os.getpid())
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", __file__, str(launcher), self._mark, str(self._grace)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=[launcher],
                cwd="/",
                start_new_session=True,
            )
        finally:
            os.close(launcher)
        self.fd = os.pidfd_open(self._process.pid)
        """Becomes readable when it has ended."""

    def _forget(self) -> None:
        self._process.kill()
        self._process.wait()
        if self.fd >= 0:
            os.close(self.fd)
        self.fd = -1

    def __enter__(self) -> Guardian:
        return self

    def __exit__(self, *_: object) -> None:
        self._forget()


def marked(mark: str) -> list[int]:
    """The processes of this user that have this variable in their environment, without the caller."""
    found: list[int] = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has ended meanwhile, or belongs to another user
            own = process.stat().st_uid == os.geteuid()
            if own and os.fsencode(mark) in (process / "environ").read_bytes().split(b"\0"):
                found.append(int(process.name))
    return [pid for pid in found if pid != os.getpid()]


def guard(launcher: int, mark: str, grace: float) -> None:
    """Wait until the launcher has ended, then end the processes that are marked. launcher: its pidfd."""
    select.select([launcher], [], [])
    end = time.monotonic() + grace
    left: list[int] = []
    for pid in marked(mark):
        with contextlib.suppress(ProcessLookupError):
            left.append(os.pidfd_open(pid))
    for fd in left:
        # A stopped process receives the signal when it goes on. A second SIGTERM changes nothing for a node.
        _send(fd, signal.SIGTERM)
        _send(fd, signal.SIGCONT)
    while left and time.monotonic() < end:
        ended = select.select(left, [], [], max(0.0, end - time.monotonic()))[0]
        left = [fd for fd in left if fd not in ended]
    for fd in left:
        _send(fd, signal.SIGKILL)


def _send(pidfd: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        signal.pidfd_send_signal(pidfd, number)


if __name__ == "__main__":
    guard(int(sys.argv[1]), sys.argv[2], float(sys.argv[3]))
