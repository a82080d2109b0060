"""A cookie is worth what the server's table says: nothing after logging out, whoever has copied it."""

from __future__ import annotations

from pathlib import Path

import pytest

from metrica.dashboard.service.serving import WsgiServer
from metrica.dashboard.store.sessions import IDLE, LONGEST
from metrica.dashboard.web.app import WebSettings, create_web
from metrica.dashboard.web.passwords import OWNER
from tests.dashboard.web.browser import Visitor
from tests.dashboard.web.site import Site


@pytest.fixture
def owner(site: Site) -> Visitor:
    visitor = Visitor(site.address)
    assert visitor.log_in() == 302
    return visitor


def test_a_cookie_that_was_copied_before_logging_out_is_worth_nothing(site: Site, owner: Visitor) -> None:
    thief = Visitor(site.address, owner.cookie)
    assert thief.is_in()
    owner.ask("POST", "/logout", {"csrf": owner.token("/password")})
    assert not thief.is_in()
    assert thief.ask("GET", "/").headers["Location"] == "/login"
    assert thief.ask("POST", "/_dash-update-component", {}).status == 401


def test_a_session_goes_on_after_a_restart_of_the_server(site: Site, owner: Visitor) -> None:
    site.stop()
    again = WsgiServer(create_web(site.database, WebSettings(secret_key="k" * 32)), "127.0.0.1", 0)
    try:
        assert Visitor(again.address, owner.cookie).is_in()
    finally:
        again.stop()


def test_a_second_login_in_the_same_browser_ends_the_first_session(site: Site, owner: Visitor) -> None:
    token, before = owner.token("/password"), owner.cookie
    assert owner.ask("POST", "/login", {"name": OWNER, "password": "a good password", "csrf": token}).status == 302
    assert owner.is_in()
    assert not Visitor(site.address, before).is_in()
    assert len(site.database.sessions.of_user(OWNER)) == 1


@pytest.mark.parametrize("later", [IDLE, LONGEST])
def test_a_session_that_nobody_uses_is_over(site: Site, owner: Visitor, later: int) -> None:
    site.clock.now += later - 1
    if later == IDLE:
        assert owner.is_in()
        site.database.write(lambda _: None).result()
        site.clock.now += IDLE - 1
        assert owner.is_in(), "it was used in between"
    site.clock.now += later
    assert not owner.is_in()


def test_the_cookie_holds_no_more_than_the_id_and_the_database_not_even_that(tmp_path: Path, site: Site) -> None:
    owner = Visitor(site.address)
    owner.log_in()
    (session,) = site.database.sessions.of_user(OWNER)
    assert session.key not in owner.cookie
    raw = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert owner.cookie.partition("=")[2].encode() not in raw


def test_a_login_a_logout_and_failures_are_in_the_audit_log(site: Site) -> None:
    visitor = Visitor(site.address)
    assert visitor.log_in("wrong") == 401
    assert visitor.log_in("wrong", "my secret by mistake") == 401
    assert visitor.log_in() == 302
    visitor.ask("POST", "/logout", {"csrf": visitor.token("/password")})
    site.database.write(lambda _: None).result()  # failures are written, and not waited for
    found = [(e.actor, e.action, e.subject, e.address, e.detail) for e in site.database.audit.all()]
    network = "127.0.0.0/24"
    assert found[-4:] == [
        ("", "login failed", OWNER, network, {"times": 1}),
        ("", "login failed", "", network, {"times": 1}),
        (OWNER, "login", OWNER, network, {}),
        (OWNER, "logout", OWNER, network, {}),
    ]
