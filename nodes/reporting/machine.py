"""What a box knows of its machine: the disk, the temperature, and what waits in the journal."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

from metrica.box import Machine
from metrica.errors import JournalError
from metrica.journal import Journal

THERMAL = Path("/sys/class/thermal")
"""Where Linux shows its sensors of temperature."""
_COLDEST, _HOTTEST = -50.0, 150.0
"""°C; a sensor that says anything else is not connected."""


def look_at(data_dir: Path, journal: Path, *, clock_ahead: float | None = None, synchronised: bool = False) -> Machine:
    """Look at the machine. It reads disks, so it belongs into a thread of its own. What cannot be read is None.

    Args:
        data_dir: The folder of the store's files.
        journal: The journal's file.
        clock_ahead: By how many seconds the server's clock is ahead, if it is known.
        synchronised: Whether a time service keeps this machine's clock right.
    """
    unsent, refused, waiting = _journal(journal)
    free, total = _disk(data_dir)
    return Machine(
        unsent=unsent,
        waiting_s=waiting,
        refused=refused,
        disk_free=free,
        disk_total=total,
        temperature=warmest(THERMAL),
        clock_ahead=clock_ahead,
        synchronised=synchronised,
    )


def warmest(folder: Path) -> float | None:
    """Return what the warmest sensor says, °C; None if there is none."""
    found: list[float] = []
    for path in folder.glob("thermal_zone*/temp"):
        try:
            found.append(int(path.read_text()) / 1000)
        except (OSError, ValueError):
            continue  # a sensor that is switched off cannot be read
    return max((degrees for degrees in found if _COLDEST < degrees < _HOTTEST), default=None)


def _disk(folder: Path) -> tuple[int | None, int | None]:
    try:
        usage = shutil.disk_usage(folder)
    except OSError:
        return None, None
    return usage.free, usage.total


def _journal(path: Path) -> tuple[int | None, int | None, float | None]:
    """Return how many events wait, how many were refused, and since when the oldest waits, seconds."""
    if not path.exists():  # it is not ours to make
        return None, None, None
    try:
        with Journal(path) as journal:
            counts, oldest = journal.counts(), journal.oldest_unsent()
    except JournalError:
        return None, None, None
    waiting = None if oldest is None else max(0.0, round((time.time_ns() - oldest) / 1e9, 1))
    return counts.unsent, counts.refused, waiting
