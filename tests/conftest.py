"""Fixtures that every test may use."""

from __future__ import annotations

import sys
import threading
from collections.abc import Generator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from metrica.secrets import forget_all
from tests.clips import REAL
from tests.dashboard.database.places import module_place, place, postgresql, postgresql_server
from tests.paths import SHARED
from tests.runtime.processes import processes
from tests.runtime.sockets import bus

__all__ = ["bus", "module_place", "place", "postgresql", "postgresql_server", "processes"]

CHROMIUM = Path("/usr/bin/chromium")


def pytest_report_header() -> str:
    if REAL:
        return f"clips: simulated, and the filmed ones of {SHARED}"
    return f"clips: simulated only; the filmed ones are not beside the checkout ({SHARED})"


@pytest.fixture(scope="module")
def browser() -> Generator[Browser]:
    """A headless Chromium. For one module: while Playwright runs, nothing else in the process can use asyncio."""
    if not CHROMIUM.exists():
        pytest.skip(f"no browser: {CHROMIUM} is missing")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture(autouse=True)
def _nothing_is_known_to_be_secret() -> Generator[None]:
    """A secret of one test is hidden in the logs of that test only, and hooks that hide it are taken out again."""
    hooks = sys.excepthook, threading.excepthook
    yield
    forget_all()
    sys.excepthook, threading.excepthook = hooks
