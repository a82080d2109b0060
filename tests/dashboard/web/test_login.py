"""Nobody sees anything without logging in, guessing is slow, and a session ends when it should."""

from __future__ import annotations

import re
from collections.abc import Generator
from pathlib import Path

import pytest
from flask import Flask

from metrica.dashboard.store.database import Database
from metrica.dashboard.store.users import User
from metrica.dashboard.web.app import WebSettings, create_web
from metrica.dashboard.web.login import FREE_TRIES, FREE_TRIES_OF_ADDRESS, OPEN_PATHS
from metrica.dashboard.web.passwords import OWNER, Throttle, ensure_owner, generate, hashed, is_right
from tests.dashboard.client import STORE
from tests.dashboard.web.browser import csrf, is_in, log_in

PASSWORD = "a good password"


@pytest.fixture
def database(tmp_path: Path) -> Generator[Database]:
    with Database(tmp_path / "metrica.db") as opened:
        opened.stores.put(STORE)
        opened.users.put(User(OWNER, hashed(PASSWORD)))
        yield opened


@pytest.fixture
def web(database: Database) -> Flask:
    return create_web(database, WebSettings(secret_key="k" * 32))


def test_the_right_password_opens_the_page(web: Flask) -> None:
    client = web.test_client()
    answer = log_in(client)
    assert (answer.status_code, answer.location) == (302, "/")
    assert is_in(client)
    assert client.get("/").status_code == 200
    assert client.get("/login").location == "/"


@pytest.mark.parametrize(
    ("name", "password"),
    [(OWNER, "wrong"), (OWNER, ""), ("nobody", PASSWORD), ("", ""), (OWNER, "x" * 500_000), ("\x00", PASSWORD)],
)
def test_anything_else_does_not(web: Flask, name: str, password: str) -> None:
    client = web.test_client()
    answer = log_in(client, password, name)
    assert answer.status_code == 401
    assert "do not belong together" in answer.text
    assert not is_in(client)


def test_every_address_but_the_open_ones_wants_a_login(web: Flask) -> None:
    client = web.test_client()
    paths = [rule.rule for rule in web.url_map.iter_rules() if rule.rule not in OPEN_PATHS]
    assert len(paths) > 8
    for path in paths:
        path = re.sub(r"<[^>]+>", "x", path)  # noqa: PLW2901
        for answer in (client.get(path), client.post(path, json={})):
            assert answer.status_code in (401, 405) or answer.location == "/login", path
            assert STORE.id not in answer.text


def test_a_name_with_html_in_it_is_only_text(web: Flask) -> None:
    answer = log_in(web.test_client(), "wrong", '"><script>alert(1)</script>')
    assert "<script>" not in answer.text


def test_a_form_without_the_pages_token_is_refused(web: Flask) -> None:
    client = web.test_client()
    client.get("/login")
    for token in ({}, {"csrf": ""}, {"csrf": "guessed"}, {"csrf": csrf(web.test_client())}):
        assert client.post("/login", data={"name": OWNER, "password": PASSWORD, **token}).status_code == 400
    assert not is_in(client)


def test_a_request_from_another_site_is_refused(web: Flask) -> None:
    client = web.test_client()
    assert log_in(client, **{"Sec-Fetch-Site": "cross-site"}).status_code == 403
    log_in(client)
    update = client.post("/_dash-update-component", json={}, headers={"Sec-Fetch-Site": "cross-site"})
    assert update.status_code == 403


def test_logging_out_needs_the_pages_token_and_ends_the_session(web: Flask) -> None:
    client = web.test_client()
    log_in(client)
    client.post("/logout", data={"csrf": "guessed"})
    assert is_in(client)
    found = re.search(r'"value":"([\w-]{22})"', client.get("/_dash-layout").text)
    assert found
    client.post("/logout", data={"csrf": found.group(1)})
    assert not is_in(client)


def test_a_new_password_ends_every_session(web: Flask, database: Database) -> None:
    client = web.test_client()
    log_in(client)
    database.users.put(User(OWNER, hashed("another password")))
    assert not is_in(client)
    assert log_in(client).status_code == 401
    assert log_in(client, "another password").status_code == 302


def test_after_many_failures_even_the_right_password_has_to_wait(web: Flask) -> None:
    client = web.test_client()
    for _ in range(FREE_TRIES):
        assert log_in(client, "wrong").status_code == 401
    answer = log_in(client)
    assert answer.status_code == 429
    assert 0 < int(answer.headers["Retry-After"]) <= 300
    assert not is_in(client)
    elsewhere = web.test_client()
    elsewhere.environ_base["REMOTE_ADDR"] = "192.0.2.7"
    assert log_in(elsewhere).status_code == 302


def test_the_cookie_is_closed_to_scripts_and_other_sites_and_over_https_to_http(database: Database) -> None:
    for https in (False, True):
        client = create_web(database, WebSettings(secret_key="k" * 32, https=https)).test_client()
        cookie = client.get("/login").headers["Set-Cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=Lax" in cookie
        assert ("Secure" in cookie) == https


def test_a_cookie_signed_with_another_key_is_worth_nothing(database: Database, web: Flask) -> None:
    forger = create_web(database, WebSettings(secret_key="f" * 32)).test_client()
    log_in(forger)
    cookie = forger.get_cookie(forger.application.config["SESSION_COOKIE_NAME"])
    assert cookie is not None
    client = web.test_client()
    client.set_cookie(web.config["SESSION_COOKIE_NAME"], cookie.value)
    assert not is_in(client)


@pytest.mark.parametrize("path", ["/", "/_dash-layout", "/login", "/session"])
def test_pages_are_neither_cached_nor_framed_nor_fed_from_elsewhere(web: Flask, path: str) -> None:
    client = web.test_client()
    log_in(client)
    headers = client.get(path).headers
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"
    policy = headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'self'; script-src 'self' 'sha256-")
    assert "frame-ancestors 'none'" in policy
    assert "http" not in policy


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b"{", b'{"output": 5}', b'{"output":"x.y","inputs":[]}', b"\xff\xfe", b"9" * 5000]
)
def test_an_update_for_another_page_is_one_sentence(web: Flask, body: bytes) -> None:
    client = web.test_client()
    log_in(client)
    answer = client.post("/_dash-update-component", data=body, content_type="application/json")
    assert (answer.status_code, answer.json) == (400, {"error": "the page is not one of this server's: reload it"})


@pytest.mark.parametrize(
    "path",
    ["/_dash-component-suites/nope/x.js", "/_dash-component-suites/dash/../../../etc/passwd", "/assets/../web.py"],
)
def test_a_script_that_is_not_there_is_404(web: Flask, path: str) -> None:
    client = web.test_client()
    log_in(client)
    assert client.get(path).status_code == 404


def test_scripts_are_compressed_for_who_takes_it(web: Flask) -> None:
    client = web.test_client()
    log_in(client)
    script = re.search(r'src="(/_dash-component-suites/[^"]*dash_mantine[^"]+)"', client.get("/").text)
    assert script
    plain = client.get(script.group(1))
    zipped = client.get(script.group(1), headers={"Accept-Encoding": "gzip"})
    assert (plain.headers.get("Content-Encoding"), zipped.headers.get("Content-Encoding")) == (None, "gzip")
    assert len(zipped.data) < len(plain.data) / 2


def test_the_first_start_makes_an_owner_whose_password_is_not_in_the_database(tmp_path: Path) -> None:
    with Database(tmp_path / "metrica.db") as database:
        made = generate()
        assert ensure_owner(database, made) == ""
        assert is_right(database.users.get(OWNER), made)
        assert made.encode() not in b"".join(file.read_bytes() for file in tmp_path.iterdir())


def test_a_given_password_becomes_the_owners(database: Database) -> None:
    before = database.users.get(OWNER)
    assert ensure_owner(database, PASSWORD) == ""
    assert database.users.get(OWNER) == before, "the same password ends no session"
    ensure_owner(database, "given by hand")
    assert is_right(database.users.get(OWNER), "given by hand")
    with pytest.raises(ValueError, match="at least 8 characters"):
        ensure_owner(database, "short")


def test_generated_passwords_differ_and_are_easy_to_type() -> None:
    made = {generate() for _ in range(100)}
    assert len(made) == 100
    assert all(re.fullmatch(r"([a-hjkmnp-z2-9]{4}-){3}[a-hjkmnp-z2-9]{4}", password) for password in made)


def test_wrong_passwords_from_anywhere_never_lock_the_owner_out(web: Flask) -> None:
    for n in range(FREE_TRIES_OF_ADDRESS):
        stranger = web.test_client()
        stranger.environ_base["REMOTE_ADDR"] = f"192.0.2.{n % 4}"
        assert log_in(stranger, "wrong").status_code in (401, 429)
    assert log_in(web.test_client()).status_code == 302


def test_many_names_from_one_address_have_to_wait_too(web: Flask) -> None:
    client = web.test_client()
    for n in range(FREE_TRIES_OF_ADDRESS):
        assert log_in(client, "wrong", f"name {n}").status_code == 401
    assert log_in(client, "wrong", "one more").status_code == 429


def test_a_throttle_waits_longer_each_time_and_forgets_after_a_while_and_after_a_success() -> None:
    now = [1.0]
    throttle = Throttle(2, 60, clock=lambda: now[0])
    waits: list[float] = []
    for _ in range(9):
        throttle.failed("a")
        waits.append(throttle.wait("a"))
    assert waits == [0, 2, 4, 8, 16, 32, 60, 60, 60]
    assert throttle.wait("b") == 0
    now[0] += 50
    assert throttle.wait("a") == 10
    now[0] += 10
    assert throttle.wait("a") == 0
    throttle.failed("a")
    assert throttle.wait("a") == 60
    now[0] += 120
    throttle.failed("a")
    assert throttle.wait("a") == 0, "forgotten"
    throttle.failed("a")
    throttle.succeeded("a")
    assert throttle.wait("a") == 0


def test_a_throttle_keeps_a_bounded_number_of_keys() -> None:
    throttle = Throttle(1, 60, clock=lambda: 1.0)
    for n in range(10_001):
        throttle.failed(str(n))
    assert (throttle.wait("0"), throttle.wait("1"), throttle.wait("10000")) == (0, 2, 2)


def test_the_language_is_the_chosen_one_else_the_first_the_browser_asks_for(web: Flask) -> None:
    client = web.test_client()

    def language(asked: str) -> str:
        page = client.get("/login", headers={"Accept-Language": asked}).get_data(as_text=True)
        found = re.search(r'<html lang="(\w+)" dir="(\w+)">', page)
        assert found is not None
        return f"{found.group(1)} {found.group(2)}"

    assert language("ar-TN,ar;q=0.9,fr;q=0.8") == "ar rtl"
    assert language("de-DE,fr;q=0.5") == "fr ltr"
    assert language("de-DE") == language("") == "en ltr"
    for wrong in ("xx", "", "../../etc/passwd"):
        client.get("/language", query_string={"code": wrong})
        assert language("fr") == "fr ltr"
    client.get("/language", query_string={"code": "ar"})
    assert language("fr") == "ar rtl"
