"""Whether the server answers: said in the log once when it does not, and once when it does again."""

from __future__ import annotations

import logging
import threading

from metrica.dashboard.database.errors import DatabaseError

log = logging.getLogger(__name__)


class Availability:
    """What all connections of an engine have seen of their server."""

    def __init__(self, name: str) -> None:
        """name: the database's, without a password."""
        self._name = name
        self._lock = threading.Lock()
        self._why: DatabaseError | None = None

    @property
    def why(self) -> DatabaseError | None:
        """Why no connection can be made; None while it can."""
        return self._why

    def lost(self, why: DatabaseError) -> None:
        """Note that the server cannot be reached."""
        with self._lock:
            first, self._why = self._why is None, why
        if first:
            log.error("%s; it is tried again until it answers", why)

    def answers(self) -> None:
        """Note that a connection was made."""
        with self._lock:
            was_lost, self._why = self._why is not None, None
        if was_lost:
            log.warning("the database %s answers again", self._name)
