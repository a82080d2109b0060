"""Failed logins in the audit log: all of them are counted, and of a flood only a few are written."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable

from metrica.dashboard.database.errors import DatabaseError
from metrica.dashboard.store.audit import anonymised
from metrica.dashboard.store.database import Database

_DAY = 24 * 3600.0  # s
_MOST_KEYS = 100  # of user and network a day; those beyond are counted together

_Key = tuple[str, str, str]


class FailureLog:
    """Writes the 1st, 2nd, 4th, 8th and so on failure of a day to the audit log, by action, user and network.

    So a flood of a million makes 20 entries, and each says how many there were by then (`times`).
    """

    def __init__(self, database: Database, clock: Callable[[], float] = time.monotonic) -> None:
        """clock: seconds, monotonic."""
        self._database, self._clock = database, clock
        self._lock = threading.Lock()
        self._counts: dict[_Key, int] = {}
        self._until = float("-inf")

    def note(self, action: str, name: str, address: str) -> None:
        """Count a failure. name: as it was typed.

        It is kept only if it is a user's: people type their password where the name belongs.
        """
        try:
            known = name if self._database.users.get(name) is not None else ""
        except DatabaseError:
            return  # the login itself says so
        key, times = self._count((action, known, anonymised(address)))
        if times & (times - 1) == 0:
            with contextlib.suppress(DatabaseError):  # too much is waiting: the next one says how many there were
                self._database.audit.add("", key[0], key[1], address=address if key[2] else "", times=times)

    def _count(self, key: _Key) -> tuple[_Key, int]:
        with self._lock:
            if self._clock() >= self._until:
                self._counts.clear()
                self._until = self._clock() + _DAY
            if key not in self._counts and len(self._counts) >= _MOST_KEYS:
                key = (key[0], "", "")
            self._counts[key] = self._counts.get(key, 0) + 1
            return key, self._counts[key]
