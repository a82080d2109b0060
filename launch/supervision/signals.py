"""Stop signals: SIGINT, SIGTERM and SIGHUP ask the launcher to stop, a second one to stop at once."""

from __future__ import annotations

import os
import signal
from types import FrameType, TracebackType
from typing import Any

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopSignals:
    """Counts stop signals while the context is entered, in the main thread. `fd` becomes readable with each of them."""

    def __init__(self) -> None:
        self.count = 0
        self.fd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._before: dict[signal.Signals, Any] = {}

    def clear(self) -> None:
        """Make `fd` unreadable until the next signal; the count stays."""
        os.eventfd_read(self.fd)

    def __enter__(self) -> StopSignals:
        for number in _SIGNALS:
            if number is not signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:  # nohup
                self._before[number] = signal.signal(number, self._heard)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        os.close(self.fd)

    def _heard(self, number: int, frame: FrameType | None) -> None:
        self.count += 1
        os.eventfd_write(self.fd, 1)
