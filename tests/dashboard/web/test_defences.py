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


@pytest.fixture(autouse=True)
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time of the limit on wrong passwords, seconds; it stands still unless a test moves it."""
    now = [1.0]
    monkeypatch.setattr("metrica.dashboard.web.app.Gate", lambda: Gate(lambda: now[0]))
    return now


@pytest.fixture
def web(database: Database) -> Flask:
    return create_web(database, WebSettings(secret_key="k" * 32))


@pytest.fixture
def owner(web: Flask) -> FlaskClient:
    client = web.test_client()
    assert log_in(client).status_code == 302
    assert client.get("/").status_code == 200
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


def test_twenty_wrong_passwords_keep_the_owner_out_nowhere_else_and_wait_longer_and_longer(
    now: list[float], site: Site
) -> None:
    stranger, owner = Visitor(site.address), Visitor(site.address)
    answers = [stranger.log_in("wrong") for _ in range(20)]
    assert answers == [401] * FREE_TRIES + [429] * (20 - FREE_TRIES)
    waits: list[float] = []
    for _ in range(4):
        fields = {"name": OWNER, "password": "wrong", "csrf": stranger.token()}
        waits.append(float(stranger.ask("POST", "/login", fields).headers["Retry-After"]))
        now[0] += waits[-1]
        assert stranger.log_in("wrong") == 401
    assert waits == [2, 4, 8, 16]
    assert owner.log_in() == 429, "from the same address"
    elsewhere = create_web(site.database, WebSettings(secret_key="k" * 32)).test_client()
    elsewhere.environ_base["REMOTE_ADDR"] = "192.0.2.7"
    assert log_in(elsewhere).status_code == 302


def test_a_browser_that_was_in_before_is_not_kept_out_by_others_at_its_address(web: Flask, owner: FlaskClient) -> None:
    """All come from one address, as behind a proxy that hides them."""
    owner.post("/logout", data={"csrf": csrf_inside(owner)})
    stranger = web.test_client()
    answers = [log_in(stranger, "wrong").status_code for _ in range(20)]
    answers += [log_in(stranger, "wrong", f"name {n}").status_code for n in range(40)]
    assert answers[-1] == 429
    assert log_in(web.test_client()).status_code == 429
    assert log_in(owner).status_code == 302


def test_such_a_browser_has_a_limit_of_its_own_and_its_cookie_is_no_login(web: Flask, owner: FlaskClient) -> None:
    name = f"{web.config['SESSION_COOKIE_NAME']}-device"
    kept = owner.get_cookie(name)
    assert kept is not None
    assert kept.http_only
    assert OWNER not in kept.value
    owner.post("/logout", data={"csrf": csrf_inside(owner)})
    assert not is_in(owner)
    assert [log_in(owner, "wrong").status_code for _ in range(FREE_TRIES + 1)] == [401] * FREE_TRIES + [429]
    for value in (kept.value, f"{'0' * 16}.{kept.value.partition('.')[2]}", "x", "", ".", "é.é"):
        forger = web.test_client()
        forger.set_cookie(name, value)
        assert not is_in(forger)
        used = [log_in(forger, "wrong", "amel").status_code for _ in range(2)]
        assert used[0] in (401, 429), "for another name it is worth nothing"


def test_a_made_up_device_opens_no_limit_of_its_own(web: Flask) -> None:
    name = f"{web.config['SESSION_COOKIE_NAME']}-device"
    answers: list[int] = []
    for n in range(FREE_TRIES + 2):
        forger = web.test_client()
        forger.set_cookie(name, f"{n:016x}.{'0' * 64}")
        answers.append(log_in(forger, "wrong").status_code)
    assert answers == [401] * FREE_TRIES + [429] * 2


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
