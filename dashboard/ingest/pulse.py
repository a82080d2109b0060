"""Whether the database works, known at every moment: a thread looks, so that whoever asks need not wait."""

from __future__ import annotations

import threading
import time

from metrica.dashboard.database.errors import DatabaseError
from metrica.dashboard.database.interface import Engine

_EACH = 0.5
"""Seconds between two looks."""
_LATE = 5.0
"""Seconds after which a look that has not ended means that the database does not answer."""


class Pulse:
    """Asks the database twice a second, in a thread of its own, until it is closed.

    The answer of a server that is busy would come late if it were asked for only then: its question would have to wait
    for a thread, and at each of its steps for all other threads.
    """

    def __init__(self, database: Engine, *, each: float = _EACH, late: float = _LATE) -> None:
        """Look once, then begin. each, late: seconds."""
        self._database, self._each, self._late = database, each, late
        self._ending = threading.Event()
        self._problem: DatabaseError | None = None
        self._looked = 0.0
        self._look()
        self._thread = threading.Thread(target=self._run, name="metrica-ingest-pulse", daemon=True)
        self._thread.start()
        database.before_close(self.close)

    def require(self) -> None:
        """Raise DatabaseError unless the database answers and can be written to. Takes no time."""
        if not self._database.writing:
            raise DatabaseError(f"nothing can be written to {self._database.name} any more: restart this program")
        if self._problem is not None:
            raise self._problem
        silent = time.monotonic() - self._looked
        if silent > self._late:
            raise DatabaseError(
                f"the database {self._database.name} has not answered for {silent:.0f} s: see to its disk"
            )

    def close(self) -> None:
        """End the thread. May be called twice."""
        self._ending.set()
        self._thread.join(self._late)

    def _run(self) -> None:
        while not self._ending.wait(self._each):
            self._look()

    def _look(self) -> None:
        try:
            self._database.require_writing()
        except DatabaseError as error:
            self._problem = error
        else:
            self._problem = None
        self._looked = time.monotonic()
