"""A database with a store, and `metrica-admin` on it."""

from __future__ import annotations

from pathlib import Path

import pytest

from metrica.dashboard.store.database import Database
from tests.dashboard.admin.commands import Here
from tests.dashboard.client import STORE


@pytest.fixture
def here(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Here:
    with Database(tmp_path / "metrica.db") as database:
        database.stores.put(STORE)
    return Here(tmp_path, capsys)
