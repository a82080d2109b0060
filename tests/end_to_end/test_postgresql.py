"""The main job with a PostgreSQL database: a simulated camera in front, the API and the owner's page behind."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from metrica.dashboard.store.database import Database
from tests.clips import ENTRANCE
from tests.dashboard.client import Client
from tests.end_to_end.test_end_to_end import PASSWORD, launched


@pytest.mark.timeout(300)
def test_who_crosses_before_a_simulated_camera_is_counted_on_the_page_and_by_the_api(
    tmp_path: Path, postgresql: str, browser: Browser
) -> None:
    directions = [direction for _, direction in ENTRANCE.events]
    with launched({"door": ENTRANCE}, tmp_path, postgresql) as store:
        store.wait_for("has finished", times=1, timeout=150)
        with Database(postgresql) as database:
            end = time.monotonic() + 60
            while database.events.count("clip-store") < len(directions) and time.monotonic() < end:
                time.sleep(0.2)
            rows = database.rows("SELECT direction FROM events WHERE store = 'clip-store' ORDER BY time")
        assert ["in" if row[0] == 1 else "out" for row in rows] == directions
        token = (tmp_path / "data" / "token").read_text().strip()
        today = Client(store.api, token).get("/v1/stores/clip-store/kpis").body["today"]
        assert (today["in"], today["out"]) == (directions.count("in"), directions.count("out"))
        page = browser.new_page(viewport={"width": 390, "height": 844})
        page.goto(store.page)
        page.fill("#name", "owner")
        page.fill("#password", PASSWORD)
        page.click("#login-button")
        expect(page.locator("#kpi-in-today")).to_have_text(str(directions.count("in")), timeout=30_000)
        page.close()
        assert store.stop() == 0
    assert not list(tmp_path.rglob("metrica.db*")), "nothing went into a file"
    assert "Traceback" not in "".join(store.log)
