"""Fixtures that every test may use."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.runtime_processes import processes
from tests.runtime_sockets import bus

__all__ = ["bus", "processes", "shared"]

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of measuring data (models, clips, ground truth) that may lie beside the checkout."""
    if not SHARED.is_dir():
        pytest.skip(f"no measuring data beside the checkout ({SHARED})")
    return SHARED
