"""What a journal needs from time to time: its bound, its reserve, and a look for damage."""

from __future__ import annotations

import logging
import time
from pathlib import Path

from metrica.journal.journal import Journal
from metrica.journal.spill import take_over

_DAY = 86_400.0
_MINUTE, _HOUR = 60.0, 3600.0
_PAUSE = 0.05  # seconds between two slices of the look for damage


class Upkeep:
    """The upkeep of one journal by one writer. Use it in the writer's thread; the properties are for any thread.

    Args:
        path: The journal's file.
        keep_days: What is older does not stay: sent events go, others become sums.
        log: Where to say what was done.
    """

    def __init__(self, path: Path, keep_days: float, log: logging.Logger) -> None:
        self._path, self._keep_days, self._log = path, keep_days, log
        self.trouble = ""
        """One sentence while the journal lives on its reserve; empty otherwise."""
        self.notice = ""
        """One sentence if there are events that became sums; empty otherwise."""
        self._next_minute = 0.0
        self._next_hour = 0.0
        self._position: int | None = 0  # how far the look for damage has come; None: to the end

    def seconds_to_next(self) -> float:
        """How long nothing is to be done, in seconds."""
        if self._position is not None:
            return _PAUSE if self._next_minute else 0.0
        return max(0.0, self._next_minute - time.monotonic())

    def after_write(self, journal: Journal) -> None:
        """See whether the journal lives on its reserve."""
        room = journal.room()
        if not room.is_full:
            self.trouble = ""
            return
        self.trouble = (
            f"the disk of the journal {self._path} is full: about {room.events} more events fit, free some space"
        )

    def step(self, journal: Journal) -> None:
        """Do what is due, or look at the next slice for damage. Raises JournalError."""
        now = time.monotonic()
        if now >= self._next_minute:
            self._next_minute = now + _MINUTE
            self._each_minute(journal)
        elif self._position is not None:
            self._position = journal.check(self._position)
        if now >= self._next_hour:
            self._next_hour = now + _HOUR
            self._each_hour(journal)

    def _each_minute(self, journal: Journal) -> None:
        take_over(self._path, journal.append_many)
        if journal.set_aside():
            self._log.warning("the disk of the journal %s has room again: its reserve is set aside again", self._path)
        self.after_write(journal)
        if self.trouble and (count := journal.prune(0)):
            self._log.warning("%d events that the server has are removed from the journal, to make room", count)

    def _each_hour(self, journal: Journal) -> None:
        journal.note_bound(round(self._keep_days))
        journal.prune(self._keep_days * _DAY)
        folded = journal.fold(self._keep_days * _DAY) if journal.is_gapless(self._keep_days * _DAY) else 0
        total = journal.summed()
        if folded:
            self._log.error(
                "%d events in the journal %s were older than %g days and no server had taken them: they are kept as "
                "sums for each minute, see `metrica-journal sums`",
                *(folded, self._path, self._keep_days),
            )
        if total:
            self.notice = f"{total} events that no server has taken are kept as sums, see metrica-journal sums"
