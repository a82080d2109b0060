"""A running site for browser tests, and what they read off its pages."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect

from metrica.dashboard.kpis.store import Store
from metrica.dashboard.service.serving import WsgiServer
from metrica.dashboard.store.database import Database
from metrica.dashboard.store.users import User
from metrica.dashboard.web.app import WebSettings, create_web
from metrica.dashboard.web.passwords import OWNER, hashed
from tests.dashboard.client import STORE, ManualClock
from tests.dashboard.footfall import at

PASSWORD = "a good password"
ZONE, TODAY = "Africa/Tunis", date(2026, 11, 22)
AFTERNOON = at(ZONE, 2026, 11, 22, 17, 42, 10)

expect.set_options(timeout=20_000)


@dataclass
class Site:
    """The pages of one database, and every address that the browser asked for."""

    address: str
    database: Database
    clock: ManualClock
    stop: Callable[[], None]
    asked: list[str] = field(default_factory=list[str])
    complaints: list[str] = field(default_factory=list[str])

    def send(self, *events: Any) -> None:
        self.database.events.add(STORE.id, events).result()


Opener = Callable[..., Page]


@contextlib.contextmanager
def serving(folder: Path, *, stores: tuple[Store, ...] = (STORE,)) -> Generator[Site]:
    clock = ManualClock(AFTERNOON)
    with Database(folder / "metrica.db", clock=clock) as database:
        for store in stores:
            database.stores.put(store)
        database.users.put(User(OWNER, hashed(PASSWORD)))
        server = WsgiServer(
            create_web(database, WebSettings(secret_key="k" * 32, refresh=0.4, patience=None)), "127.0.0.1", 0
        )
        try:
            yield Site(server.address, database, clock, server.stop)
        finally:
            server.stop()


def text(page: Page, name: str) -> str:
    return page.locator(f"#{name}").inner_text()


def chart(page: Page, name: str) -> Any:
    """What Plotly has drawn."""
    expect(page.locator(f"#chart-{name} .main-svg").first).to_be_visible()
    return page.evaluate(f"document.querySelector('#chart-{name} .js-plotly-plot').data")


def later(page: Page) -> None:
    """Let the page believe that half a minute has passed without an answer."""
    page.clock.install()
    page.clock.fast_forward(30_000)
