"""When each store last sent events or coverage. Noted in memory, and written all together once a minute."""

from __future__ import annotations

import threading
from concurrent.futures import Future

from metrica.dashboard.database.interface import Connection, Engine

PERIOD = 60.0
"""Seconds between two writes."""


class Uploads:
    """Notes uploads. `note` costs nothing, `write` one transaction for all stores."""

    def __init__(self, file: Engine) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._noted: dict[str, int] = {}

    def note(self, store: str) -> None:
        """Note that a store has just sent something."""
        with self._lock:
            self._noted[store] = self._file.clock()

    def write(self) -> Future[None] | None:
        """Write what was noted since the last time; None if that is nothing."""
        with self._lock:
            noted, self._noted = self._noted, {}
        if not noted:
            return None

        def put(db: Connection) -> None:
            # In order, so that two programs that write at once do not wait for each other. A store may be gone by now.
            for store, time in sorted(noted.items()):
                db.execute(
                    "INSERT INTO uploads (store, time) SELECT id, ? FROM stores WHERE id = ?"
                    " ON CONFLICT (store) DO UPDATE SET time ="
                    " CASE WHEN excluded.time > uploads.time THEN excluded.time ELSE uploads.time END",
                    (time, store),
                )

        return self._file.write(put)

    def last(self, store: str) -> int | None:
        """Return when a store last sent something, ns UTC; None if never."""
        with self._lock:
            noted = self._noted.get(store)
        rows = self._file.rows("SELECT time FROM uploads WHERE store = ?", store)
        times = [time for time in (noted, *(row[0] for row in rows)) if time is not None]
        return max(times, default=None)
