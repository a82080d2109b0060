"""The pages beside others: under a path of a reverse proxy, and with a second dashboard on the same host."""

from __future__ import annotations

import re
from collections.abc import Generator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from metrica.dashboard.store.database import Database
from metrica.dashboard.store.users import User
from metrica.dashboard.web.app import WebSettings, create_web
from metrica.dashboard.web.passwords import OWNER, hashed
from metrica.dashboard.web.prefix import checked_prefix
from tests.dashboard.client import STORE

PASSWORD = "a good password"
FORWARDED = {"X-Forwarded-Prefix": "/footfall"}
_ADDRESS = re.compile(r'(?:href|src|action)="(/[^"]*)"')
_LAYOUT_ADDRESS = re.compile(r'"(?:href|action|data-root)":"(/[^"]*)"')


@pytest.fixture
def database(tmp_path: Path) -> Generator[Database]:
    with Database(tmp_path / "metrica.db") as opened:
        opened.stores.put(STORE)
        opened.users.put(User(OWNER, hashed(PASSWORD)))
        yield opened


def log_in(client: FlaskClient, path: str = "/login", headers: dict[str, str] | None = None) -> str:
    """Log in and return where the answer leads."""
    found = re.search(r'name="csrf" value="([^"]+)"', client.get(path, headers=headers).text)
    assert found
    fields = {"name": OWNER, "password": PASSWORD, "csrf": found.group(1)}
    answer = client.post(path, data=fields, headers=headers)
    assert answer.status_code == 302
    return str(answer.location)


@pytest.mark.parametrize(
    ("settings", "asked", "headers"),
    [
        (WebSettings("k" * 32, prefix="/footfall"), "/footfall", {}),  # the proxy keeps the prefix
        (WebSettings("k" * 32, prefix="/footfall"), "", {}),  # the proxy removes it
        (WebSettings("k" * 32, https=True), "", FORWARDED),  # the proxy removes it and says so
    ],
)
def test_the_login_stays_under_the_prefix(
    database: Database, settings: WebSettings, asked: str, headers: dict[str, str]
) -> None:
    client = create_web(database, settings).test_client()
    client.environ_base["wsgi.url_scheme"] = "https" if settings.https else "http"
    assert client.get(f"{asked}/", headers=headers).location == "/footfall/login"
    login = client.get(f"{asked}/login", headers=headers)
    assert "Path=/footfall" in login.headers["Set-Cookie"]
    addresses = _ADDRESS.findall(login.text)
    assert len(addresses) >= 6
    assert [address for address in addresses if not address.startswith("/footfall/")] == []


def test_every_address_of_the_page_stays_under_the_prefix(database: Database) -> None:
    browser = create_web(database, WebSettings("k" * 32, prefix="/footfall")).test_client()
    assert log_in(browser, "/footfall/login") == "/footfall/"
    page = browser.get("/footfall/").text.replace(r"\u002f", "/")
    assert '"requests_pathname_prefix":"/footfall/"' in page
    assert "METRICA-PREFIX" not in page
    addresses = _ADDRESS.findall(page)
    addresses += _LAYOUT_ADDRESS.findall(browser.get("/footfall/_dash-layout").text.replace(r"\u002f", "/"))
    assert {"/footfall", "/footfall/logout", "/footfall/empty", "/footfall/language?code=fr"} < set(addresses)
    assert [address for address in addresses if not address.startswith("/footfall")] == []
    for script in re.findall(r'<script src="([^"]+)"', page):
        assert browser.get(script).status_code == 200, script
    assert browser.get("/footfall/language?code=fr").location == "/footfall/"


@pytest.mark.parametrize(
    "wrong", ["//evil.example", "/a b", '/"><script>', "footfall", "/..", "/a/../b", "/" + "x" * 300]
)
def test_a_prefix_that_is_none_is_refused_and_ignored_in_a_header(database: Database, wrong: str) -> None:
    with pytest.raises(ValueError, match="cannot be a prefix: give a path such as /footfall"):
        checked_prefix(wrong)
    client = create_web(database, WebSettings("k" * 32, https=True)).test_client()
    assert client.get("/", headers={"X-Forwarded-Prefix": wrong}).location == "/login"


def test_without_a_proxy_its_header_means_nothing(database: Database) -> None:
    client = create_web(database, WebSettings("k" * 32)).test_client()
    assert client.get("/", headers=FORWARDED).location == "/login"


def test_two_dashboards_on_one_host_do_not_log_each_other_out(database: Database, tmp_path: Path) -> None:
    with Database(tmp_path / "other" / "metrica.db") as other:
        other.stores.put(STORE)
        other.users.put(User(OWNER, hashed(PASSWORD)))
        # A browser keeps one set of cookies for all ports of a host.
        for opened, key in ((database, "x" * 32), (other, "k" * 32)):
            first = create_web(database, WebSettings("k" * 32)).test_client()
            second = create_web(opened, WebSettings(key)).test_client()
            second._cookies = first._cookies  # pyright: ignore[reportPrivateUsage]
            log_in(first)
            log_in(second)
            assert first.get("/session").status_code == 200
            assert second.get("/session").status_code == 200
