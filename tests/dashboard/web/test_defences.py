"""What keeps strangers and other sites out: the origin of requests, CSRF tokens, headers, and the log of failures."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from metrica.dashboard.store.audit import AuditEntry
from metrica.dashboard.store.database import Database
from metrica.dashboard.store.users import User
from metrica.dashboard.web.app import WebSettings, create_web
from metrica.dashboard.web.failures import FailureLog
from metrica.dashboard.web.login import FREE_TRIES, LONGEST_WAIT, Gate
from metrica.dashboard.web.passwords import OWNER, hashed
from tests.dashboard.client import STORE
from tests.dashboard.web.browser import PASSWORD, Visitor, csrf, csrf_inside, is_in, log_in
from tests.dashboard.web.site import Site

UPDATE = "/_dash-update-component"


@pytest.fixture
def database(tmp_path: Path) -> Generator[Database]:
    with Database(tmp_path / "metrica.db") as opened:
        opened.stores.put(STORE)
        opened.users.put(User(OWNER, hashed(PASSWORD)))
        yield opened


@pytest.fixture
def web(database: Database) -> Flask:
    return create_web(database, WebSettings(secret_key="k" * 32))


@pytest.fixture
def owner(web: Flask) -> FlaskClient:
    client = web.test_client()
    assert log_in(client).status_code == 302
    return client


def written(database: Database) -> list[AuditEntry]:
    """The audit log, once everything that nobody waited for is in it."""
    database.write(lambda _: None).result()
    return database.audit.all()


def posts(web: Flask) -> list[str]:
    """Every address of the application that takes a POST."""
    return sorted({rule.rule for rule in web.url_map.iter_rules() if "POST" in (rule.methods or ())})


OTHER_SITES = [
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},  # another port of this machine, or another host of the domain
    {"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"},
    {"Origin": "https://evil.example"},
    {"Origin": "http://localhost:8051"},
    {"Origin": "null"},  # a sandboxed frame, a local file
    {"Origin": ""},
    {"Origin": "http://["},
    {"Origin": "http://localhost.evil.example"},
]


@pytest.mark.parametrize("headers", OTHER_SITES, ids=str)
def test_no_post_of_another_site_is_taken(web: Flask, owner: FlaskClient, headers: dict[str, str]) -> None:
    paths = posts(web)
    assert {"/login", "/logout", "/password", "/empty", "/empty/undo", UPDATE} <= set(paths)
    for path in paths:
        answer = owner.post(path, data={"csrf": csrf_inside(owner)}, headers=headers)
        assert answer.status_code == 403, path
    assert is_in(owner)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "same-origin", "Origin": "https://shop.example"},  # a proxy that changes the host
        {"Origin": "http://localhost"},
        {"Origin": "http://LOCALHOST:80"},
    ],
    ids=str,
)
def test_our_own_pages_are(web: Flask, headers: dict[str, str]) -> None:
    assert log_in(web.test_client(), **headers).status_code == 302


def test_every_form_wants_the_token_of_its_session_and_dash_changes_nothing(web: Flask, owner: FlaskClient) -> None:
    """A path that is added later is in this list, or has a token."""
    without = {UPDATE}
    stranger = csrf(web.test_client())
    for path in posts(web):
        for token in ({}, {"csrf": ""}, {"csrf": "made up"}, {"csrf": stranger}, {"csrf": "é\x00"}):
            form = {"store": STORE.id, "current": PASSWORD, "new": "another one", "again": "another one"} | token
            answer = owner.post(path, data=form)
            assert answer.status_code in ((400, 415) if path in without else (302, 400)), path
    assert is_in(owner), "also /logout"
    assert log_in(web.test_client()).status_code == 302, "the password is as before"


@pytest.mark.parametrize(
    "path", ["/", "/login", "/password", "/session", "/nowhere", "/healthz", "/assets/metrica.css"]
)
def test_every_answer_has_the_headers(web: Flask, owner: FlaskClient, path: str) -> None:
    for client in (owner, web.test_client()):
        headers = client.get(path).headers
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
        policy = dict(part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";"))
        assert policy["default-src"] == "'self'"
        assert {policy[name] for name in ("frame-ancestors", "object-src", "base-uri")} == {"'none'"}
        assert "unsafe" not in policy["script-src"]


def test_errors_have_the_headers_too(database: Database, owner: FlaskClient) -> None:
    database.close()
    answer = owner.get("/session")
    assert answer.status_code == 503
    assert answer.headers["X-Frame-Options"] == "DENY"


def test_twenty_wrong_passwords_keep_the_owner_out_nowhere_else_and_wait_longer_and_longer(site: Site) -> None:
    stranger = Visitor(site.address)
    answers = [stranger.log_in("wrong") for _ in range(20)]
    assert answers == [401] * FREE_TRIES + [429] * (20 - FREE_TRIES)
    with_cookie = create_web(site.database, WebSettings(secret_key="k" * 32)).test_client()
    with_cookie.environ_base["REMOTE_ADDR"] = "192.0.2.7"
    assert log_in(with_cookie).status_code == 302


def test_the_gate_counts_tries_that_go_on_at_the_same_time() -> None:
    """Or thirty requests at once would be thirty guesses, and only then a failure would be known."""
    gate = Gate()
    assert [gate.enter(OWNER, "192.0.2.1") > 0 for _ in range(FREE_TRIES + 3)] == [False] * FREE_TRIES + [True] * 3
    assert gate.enter(OWNER, "192.0.2.2") == 0
    assert gate.enter("amel", "192.0.2.1") == 0


def test_the_right_password_forgives_and_the_wait_has_an_end() -> None:
    gate = Gate()
    for _ in range(FREE_TRIES - 1):
        gate.enter(OWNER, "192.0.2.1")
    gate.was_right(OWNER, "192.0.2.1")
    assert [gate.enter(OWNER, "192.0.2.1") for _ in range(FREE_TRIES)] == [0] * FREE_TRIES
    assert 0 < gate.enter(OWNER, "192.0.2.1") <= LONGEST_WAIT


def test_a_flood_of_failures_makes_few_entries_and_each_says_how_many(database: Database) -> None:
    now = [0.0]
    log = FailureLog(database, clock=lambda: now[0])
    for _ in range(1000):
        log.note("login failed", OWNER, "203.0.113.7")
    times = [entry.detail["times"] for entry in written(database)[-10:]]
    assert times == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512]
    now[0] += 24 * 3600
    log.note("login failed", OWNER, "203.0.113.7")
    assert written(database)[-1].detail == {"times": 1}, "another day"


def test_a_flood_from_everywhere_makes_few_entries_too_and_no_typed_name_is_kept(database: Database) -> None:
    log = FailureLog(database, clock=lambda: 0.0)
    before = len(written(database))
    for n in range(5000):
        log.note("login failed", f"name {n}", f"10.{n // 250}.{n % 250}.1")
    found = written(database)[before:]
    assert len(found) < 120
    assert found[-1].detail == {"times": 4096}
    assert {(entry.subject, entry.actor) for entry in found} == {("", "")}
