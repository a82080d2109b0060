"""The back office of the tests of alerts."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest

from metrica.dashboard.alerts.keeper import Keeper
from metrica.dashboard.alerts.targets import TargetTable
from metrica.dashboard.store.database import Database
from tests.dashboard.alerts.office import Office
from tests.dashboard.alerts.receivers import hook
from tests.dashboard.boxes.hellos import hello
from tests.dashboard.client import STORE, ManualClock

SECOND = 10**9
HOUR, DAY = 3600 * SECOND, 24 * 3600 * SECOND


@pytest.fixture
def office(place: Path | str) -> Generator[Office]:
    clock = ManualClock()
    with Database(place, clock=clock) as database, hook() as heard:
        database.stores.put(STORE)
        TargetTable(database).add(heard.address, private=True)
        made = Office(database, clock, heard, Keeper(database), place)
        assert made.round(2, hello()) == []
        yield made
