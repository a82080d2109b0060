"""What the launcher keeps in order beside its nodes: the store's folder, and the guardian."""

from __future__ import annotations

import time
from pathlib import Path

from metrica.backoff import Backoff
from metrica.context import make_private_folder
from metrica.launch.supervision.console import Console
from metrica.launch.supervision.guardian import Guardian

_FIRST, _SLOWEST = 1.0, 60.0
"""Seconds until something is tried again: after the first failure, and at most."""
_STEADY = 60.0
"""Seconds after which the next failure is a first one again."""


class DataFolder:
    """Makes the folder of the store's files, again and again until it is there: a full disk is no reason not to count.

    Events wait in memory meanwhile, and nodes that need a file in it are started again until they find it.
    """

    fd = None

    def __init__(self, path: Path, console: Console) -> None:
        self.path, self._console = path, console
        self._backoff = Backoff(_FIRST, _SLOWEST)
        self.due_at: float | None = None
        self.do(time.monotonic())

    def do(self, now: float) -> None:
        """Try to make the folder."""
        try:
            make_private_folder(self.path)
        except OSError as error:
            if self.due_at is None:
                self._console.error(
                    f"the folder {self.path} cannot be made: {error.strerror}; it is tried again, events wait in memory"
                )
            self.due_at = now + self._backoff.next()
            return
        if self.due_at is not None:
            self._console.warning(f"the folder {self.path} is there now")
        self.due_at = None


class GuardianKeeper:
    """Starts the guardian again when it has ended: without it, a killed launcher leaves hung nodes behind."""

    def __init__(self, guardian: Guardian, console: Console) -> None:
        self._guardian, self._console = guardian, console
        self._backoff = Backoff(_FIRST, _SLOWEST)
        self._began = time.monotonic()
        self.due_at: float | None = None

    @property
    def fd(self) -> int | None:
        """The guardian's pidfd; None while it does not run."""
        return self._guardian.fd if self.due_at is None else None

    def do(self, now: float) -> None:
        """Note that the guardian has ended, or start it again."""
        if self.due_at is None:
            if now - self._began > _STEADY:
                self._backoff.reset()
            self._console.warning("the guardian process has ended; it is started again")
            self.due_at = now + (self._backoff.next() if self._backoff.failures else self._first())
            return
        try:
            self._guardian.restart()
        except OSError as error:
            self._console.error(f"the guardian process cannot be started: {error.strerror}; it is tried again")
            self.due_at = now + self._backoff.next()
            return
        self._began, self.due_at = now, None

    def _first(self) -> float:
        """The first time it is started again at once."""
        self._backoff.next()
        return 0.0
