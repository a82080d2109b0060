"""Takes the README's screenshots of the dashboard, with two months of invented footfall.

python -m benchmarks.screenshot [FOLDER]          (default docs/images; needs Debian's chromium)
"""

from __future__ import annotations

import sys
import tempfile
from datetime import date
from pathlib import Path

from playwright.sync_api import sync_playwright

from benchmarks.harness import ROOT
from metrica.dashboard.kpis.store import Store
from metrica.dashboard.service.serving import WsgiServer
from metrica.dashboard.store.database import Database
from metrica.dashboard.store.users import User
from metrica.dashboard.web.app import WebSettings, create_web
from metrica.dashboard.web.passwords import OWNER, hashed
from tests.dashboard.footfall import at, footfall

CHROMIUM = "/usr/bin/chromium"
ZONE, TODAY = "Africa/Tunis", date(2026, 11, 21)
NOW = at(ZONE, 2026, 11, 21, 17, 42, 10)
PASSWORD = "only for this picture"
PICTURES = {"dashboard-phone.png": (390, 844, False), "dashboard.png": (1280, 900, True)}


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "images"
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as data, Database(Path(data) / "metrica.db", clock=lambda: NOW) as database:
        database.stores.put(Store("tunis-01", ZONE))
        database.events.add("tunis-01", footfall(ZONE, TODAY, 60, until=NOW)).result()
        database.users.put(User(OWNER, hashed(PASSWORD)))
        server = WsgiServer(create_web(database, WebSettings(secret_key="k" * 32)), "127.0.0.1", 0)
        try:
            for name, (width, height, whole) in PICTURES.items():
                take(server.address, folder / name, width, height, whole=whole)
        finally:
            server.stop()


def take(address: str, path: Path, width: int, height: int, *, whole: bool) -> None:
    """Log in, and save a screenshot of the page; whole: of its full length."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": width, "height": height})
        page.goto(address)
        page.fill("#password", PASSWORD)
        page.click("#login-button")
        page.locator(".main-svg").nth(3).wait_for(state="attached")
        page.wait_for_timeout(1500)
        page.screenshot(path=path, full_page=whole)
        browser.close()


if __name__ == "__main__":
    main()
