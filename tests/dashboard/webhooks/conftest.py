"""A database with a store, a clock that the test moves, and a target."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from metrica.dashboard.store.database import Database
from tests.dashboard.client import STORE, ManualClock
from tests.dashboard.database.places import Place
from tests.dashboard.webhooks.receiver import Receiver, receiving


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def database(place: Place, clock: ManualClock) -> Generator[Database]:
    with Database(place, clock=clock) as opened:
        opened.stores.put(STORE)
        yield opened


@pytest.fixture
def target() -> Generator[Receiver]:
    with receiving() as receiver:
        yield receiver
