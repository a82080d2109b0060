"""Which of the programs on one database looks after the alerts: one at a time, and another one when it is gone."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from metrica.dashboard.database.interface import Connection, Engine

LEASE = 120 * 10**9
"""For how long a turn lasts unless it is taken again, ns: longer than anything between two takings."""
ABSENT = 300 * 10**9
"""If nobody had the turn for so long, the server was down, and nobody heard the boxes, ns."""


@dataclass(frozen=True, slots=True)
class Turn:
    """The turn, while it is ours."""

    listening: int
    """Since when some program has listened to the boxes without a break, ns UTC."""


class Turns:
    """Takes the turn. Each instance is a program of its own."""

    def __init__(self, file: Engine) -> None:
        self._file = file
        self._holder = secrets.token_hex(8)

    def take(self) -> Turn | None:
        """Take the turn, or take it again. Returns None while another program has it."""
        now = self._file.clock()

        def write(db: Connection) -> Turn | None:
            # Two programs that come at once: the second waits here, and finds the turn taken.
            self._file.lock_store(db, "")
            holder, until, listening = db.execute("SELECT holder, until, listening FROM alert_turn").fetchone()
            is_ours = holder == self._holder
            if not is_ours and now < until <= now + LEASE:  # one that ends later was taken by a wrong clock
                return None
            since = now if now - until >= ABSENT - LEASE or listening > now else listening
            taken = db.execute(
                "UPDATE alert_turn SET holder = ?, until = ?, listening = ? WHERE holder = ? AND until = ?",
                (self._holder, now + LEASE, since, holder, until),
            )
            return Turn(since) if taken.rowcount == 1 else None

        return self._file.write(write).result()

    def give_back(self) -> None:
        """Let another program have it at once."""
        now = self._file.clock()
        self._file.write(
            lambda db: (
                db.execute(
                    "UPDATE alert_turn SET until = ? WHERE holder = ? AND until > ?", (now, self._holder, now)
                ).rowcount
            )
        ).result()
