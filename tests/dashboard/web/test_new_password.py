"""A user changes the password on the page, in a real browser; the user's other devices have to log in again."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from metrica.dashboard.store.origins import ADMIN
from metrica.dashboard.texts.texts import texts
from metrica.dashboard.web.login import FREE_TRIES, Gate
from metrica.dashboard.web.passwords import OWNER, is_right
from tests.dashboard.client import STORE
from tests.dashboard.web.site import PASSWORD, Opener, Site, serving

NEW = "another good one"


def change(page: Page, current: str, new: str, again: str | None = None) -> None:
    page.fill("#current", current)
    page.fill("#new", new)
    page.fill("#again", new if again is None else again)
    page.click("#login-button")


def cookies(page: Page) -> list[str | None]:
    """The values of its session cookies."""
    return [c.get("value") for c in page.context.cookies() if not c.get("name", "").endswith("-device")]


def test_a_user_changes_the_password_and_only_this_browser_stays_in(site: Site, open_page: Opener) -> None:
    page, other = open_page(site), open_page(site)
    expect(other.locator("#store-name")).to_have_text(STORE.id)
    (cookie,) = cookies(page)
    page.click("#new-password")
    change(page, PASSWORD, NEW)
    expect(page.locator("#login-done")).to_have_text(texts()("password_changed"))
    page.click("#back")
    expect(page.locator("#store-name")).to_have_text(STORE.id)
    other.goto(site.address)
    assert other.url == f"{site.address}/login"
    user = site.database.users.get(OWNER)
    assert user is not None
    assert is_right(user, NEW)
    assert user.origin == ADMIN
    assert cookies(page) != [cookie], "a cookie that was copied before is worth nothing"
    assert len(site.database.sessions.of_user(OWNER)) == 1
    actions = [(entry.actor, entry.action, entry.address) for entry in site.database.audit.all()]
    assert actions[-1] == (OWNER, "password changed", "127.0.0.0/24")


@pytest.mark.parametrize(
    ("current", "new", "again", "problem"),
    [
        ("wrong", NEW, NEW, texts()("password_wrong")),
        (PASSWORD, NEW, "something else", texts()("password_differs")),
        (PASSWORD, "short", "short", texts()("password_short", n=8)),
        (PASSWORD, "x" * 1001, "x" * 1001, texts()("password_long", n=1000)),
        (PASSWORD, "aaaaaaaa", "aaaaaaaa", texts()("password_simple")),
    ],
)
def test_what_is_wrong_is_said_and_nothing_changes(
    site: Site, open_page: Opener, current: str, new: str, again: str, problem: str
) -> None:
    page = open_page(site)
    page.goto(f"{site.address}/password")
    page.evaluate("document.querySelectorAll('input').forEach(field => field.removeAttribute('minlength'))")
    change(page, current, new, again)
    expect(page.locator("#login-problem")).to_have_text(problem)
    assert is_right(site.database.users.get(OWNER), PASSWORD)
    assert len(site.database.sessions.of_user(OWNER)) == 1


def test_the_browser_itself_says_that_a_password_is_too_short(site: Site, open_page: Opener) -> None:
    page = open_page(site)
    page.goto(f"{site.address}/password")
    change(page, PASSWORD, "short")
    assert page.evaluate("document.querySelector('#new').validity.tooShort")
    assert page.url == f"{site.address}/password"


def test_who_finds_an_open_browser_cannot_guess_on_and_on(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, open_page: Opener
) -> None:
    monkeypatch.setattr("metrica.dashboard.web.app.Gate", lambda: Gate(lambda: 1.0))
    with serving(tmp_path) as site:
        guess_on_and_on(site, open_page)


def guess_on_and_on(site: Site, open_page: Opener) -> None:
    page = open_page(site)
    page.goto(f"{site.address}/password")
    for _ in range(FREE_TRIES):
        change(page, "guessed", NEW)
        expect(page.locator("#login-problem")).to_have_text(texts()("password_wrong"))
    change(page, PASSWORD, NEW)
    expect(page.locator("#login-problem")).to_contain_text("Too many attempts")
    assert is_right(site.database.users.get(OWNER), PASSWORD)


def test_on_an_arabic_phone_the_page_goes_from_right_to_left(site: Site, open_page: Opener) -> None:
    page = open_page(site, 360, 740, language="ar-TN")
    arabic = texts("ar")
    expect(page.locator("#new-password")).to_have_text(arabic("password_change"))
    page.click("#new-password")
    expect(page.locator("h1")).to_have_text(arabic("password_change"))
    assert page.evaluate("document.documentElement.dir") == "rtl"
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    label, field = (page.locator(name).bounding_box() for name in ("label[for=current]", "#current"))
    assert label is not None
    assert field is not None
    assert abs(label["x"] + label["width"] - field["x"] - field["width"]) < 2, "both begin at the right"
    change(page, "wrong", NEW)
    expect(page.locator("#login-problem")).to_have_text(arabic("password_wrong"))
    change(page, PASSWORD, NEW)
    expect(page.locator("#login-done")).to_have_text(arabic("password_changed"))
    assert site.complaints == ["Failed to load resource: the server responded with a status of 401 (UNAUTHORIZED)"]
