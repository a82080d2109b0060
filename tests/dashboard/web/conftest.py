"""Fixtures of the browser tests: an empty site, a busy one, and a browser that opens them."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.dashboard.footfall import footfall
from tests.dashboard.web.site import AFTERNOON, PASSWORD, TODAY, ZONE, Opener, Site, serving


@pytest.fixture
def site(tmp_path: Path) -> Generator[Site]:
    with serving(tmp_path) as running:
        yield running


@pytest.fixture
def busy_site(site: Site) -> Site:
    site.send(*footfall(ZONE, TODAY, 60, until=AFTERNOON))
    return site


@pytest.fixture
def open_page(browser: Browser) -> Generator[Opener]:
    """Opens a site, logged in unless told otherwise."""
    contexts: list[Any] = []

    def opener(site: Site, width: int = 1280, height: int = 900, *, log_in: bool = True, language: str = "en") -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme="light", locale=language
        )
        contexts.append(context)
        page = context.new_page()
        page.on("request", lambda request: site.asked.append(request.url))
        page.on("console", lambda message: site.complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: site.complaints.append(str(error)))
        page.goto(site.address)
        if log_in:
            page.fill("#password", PASSWORD)
            page.click("#log-in, #login-button")
        return page

    yield opener
    for context in contexts:
        context.close()
