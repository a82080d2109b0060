"""Whether the database answers, asked so that nobody waits long for a server that hangs."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from concurrent.futures import TimeoutError as Late

from metrica.dashboard.database.errors import DatabaseAwayError, DatabaseError
from metrica.dashboard.database.postgresql.readers import Readers

_PATIENCE = 3.0  # s
_QUESTION = "SELECT pg_is_in_recovery(), EXISTS (SELECT 1 FROM stores)"


class Probe:
    """Asks one question at a time, on a thread of its own."""

    def __init__(self, readers: Readers, name: str) -> None:
        self._readers, self._name = readers, name
        self._lock = threading.Lock()
        self._asked: Future[bool] | None = None

    def ask(self) -> None:
        """Raise DatabaseError unless the database answers within some seconds, and can be written to."""
        with self._lock:
            if self._asked is None or self._asked.done():
                self._asked = Future()
                look = threading.Thread(target=self._look, args=(self._asked,), name="metrica-probe", daemon=True)
                look.start()
            asked = self._asked
        try:
            standby = asked.result(_PATIENCE)
        except Late:
            raise DatabaseAwayError(
                f"the database {self._name} has not answered for {_PATIENCE:.0f} seconds: see whether its server runs"
            ) from None
        if standby:
            raise DatabaseError(f"the database {self._name} is on a standby, which can only be read: name the primary")

    def _look(self, asked: Future[bool]) -> None:
        try:
            asked.set_result(bool(self._readers.rows(_QUESTION, ())[0][0]))
        except BaseException as error:  # noqa: BLE001 (raised by whoever waits)
            asked.set_exception(error)
