"""Moves the wall clock of the processes that have this folder in PYTHONPATH, as NTP or a dead battery does.

METRICA_CHAOS_CLOCK names a file with the offset in seconds; it is read at each look at the clock. The monotonic clock
stays as it is.
"""

import os
import time

_file = os.environ.get("METRICA_CHAOS_CLOCK", "")
_real_ns, _real = time.time_ns, time.time


def _offset() -> float:
    try:
        with open(_file) as file:  # noqa: PTH123 - as little as possible, in every process
            return float(file.read() or 0)
    except (OSError, ValueError):
        return 0.0


if _file:
    time.time_ns = lambda: _real_ns() + int(_offset() * 1e9)
    time.time = lambda: _real() + _offset()
