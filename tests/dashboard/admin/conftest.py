"""A database with a store, and `metrica-admin` on it."""

from __future__ import annotations

from pathlib import Path

import pytest

from metrica.dashboard.store.database import Database
from tests.dashboard.admin.commands import Here
from tests.dashboard.client import STORE
from tests.dashboard.database.places import Place


@pytest.fixture
def here(place: Place, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Here:
    """On a database of each kind."""
    return _with_a_store(Here(tmp_path, capsys, place))


@pytest.fixture
def in_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Here:
    """On a SQLite file."""
    return _with_a_store(Here(tmp_path, capsys))


def _with_a_store(here: Here) -> Here:
    with Database(here.place) as database:
        database.stores.put(STORE)
    return here
