"""A back office whose clock the test moves, and a webhook that hears of its alerts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from metrica.box import Hello
from metrica.dashboard.alerts.keeper import Keeper
from metrica.dashboard.boxes.table import BoxTable
from metrica.dashboard.boxes.uploads import Uploads
from metrica.dashboard.store.database import Database
from tests.dashboard.alerts.receivers import Hook
from tests.dashboard.boxes.hellos import BOX
from tests.dashboard.client import ManualClock

SECOND = 10**9
MINUTE = 60 * SECOND


@dataclass
class Office:
    """A database with one store, whose clock the test moves."""

    database: Database
    clock: ManualClock
    hook: Hook
    keeper: Keeper
    place: Path | str

    @property
    def options(self) -> list[str]:
        """What names the database to a command."""
        return ["--database", str(self.place)]

    def round(self, minutes: float = 0, said: Hello | None = None, *, uploads: bool = True) -> list[str]:
        """Let time pass, half a minute at a time; every minute the box says hello, if it does. Returns what is told."""
        before = len(self.hook.told)
        for n in range(max(1, round(2 * minutes))):
            self.clock.now += 30 * SECOND * (minutes > 0)
            if said is not None and n % 2 == 0:
                BoxTable(self.database).hear("tunis-01", BOX, said).result()
            if uploads and n % 2 == 0:
                noted = Uploads(self.database)
                noted.note("tunis-01")
                written = noted.write()
                assert written is not None
                written.result()
            assert self.keeper.run_once()
        return [f"{it['kind']}{' over' * it['over']}" for it in self.hook.told[before:]]

    def restart(self) -> None:
        """The server is started again: nothing is left in its memory."""
        self.keeper.stop()
        self.keeper.turns.give_back()
        self.keeper = Keeper(self.database)
