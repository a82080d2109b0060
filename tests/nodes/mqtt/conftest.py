"""A broker for the tests of the node `mqtt`."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest

from tests.nodes.mqtt.mosquitto import Mosquitto, mosquitto


@pytest.fixture
def broker(tmp_path: Path) -> Generator[Mosquitto]:
    (tmp_path / "broker").mkdir()
    with mosquitto(tmp_path / "broker") as broker:
        yield broker
