"""What the page shows to each role, and that a change of role or stores acts on a page that is open."""

from __future__ import annotations

import json
import re
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from metrica.dashboard.kpis.store import Store
from metrica.dashboard.people.members import MemberTable
from metrica.dashboard.people.organisations import MAIN, OrganisationTable
from metrica.dashboard.people.rights import Role
from metrica.dashboard.store.database import Database
from metrica.dashboard.texts.texts import LANGUAGES, texts
from metrica.dashboard.web.app import WebSettings, create_web
from metrica.dashboard.web.passwords import hashed
from tests.dashboard.client import NOON, ManualClock
from tests.dashboard.footfall import event
from tests.dashboard.people.nobody_elses import updated
from tests.dashboard.web.browser import PASSWORD, csrf_inside, log_in

ONE, TWO, THEIRS = "tunis-01", "tunis-02", "sfax-01"


@pytest.fixture
def database(tmp_path: Path) -> Generator[Database]:
    with Database(tmp_path / "metrica.db", clock=ManualClock()) as opened:
        OrganisationTable(opened).add("medina")
        for store, organisation in ((ONE, MAIN), (TWO, MAIN), (THEIRS, "medina")):
            opened.stores.say(store, {"timezone": "Africa/Tunis"}, organisation=organisation)
            opened.events.add(store, [event(n, NOON - n * 10**9) for n in range(1, 6)]).result()
        yield opened


@pytest.fixture
def web(database: Database) -> Flask:
    return create_web(database, WebSettings(secret_key="k" * 32, patience=None))


def user(database: Database, web: Flask, role: Role, stores: list[str] | None = None) -> FlaskClient:
    MemberTable(database).add(MAIN, "amel", hashed(PASSWORD), role, stores)
    browser = web.test_client()
    assert log_in(browser, name="amel").status_code == 302
    return browser


def listed(browser: FlaskClient) -> list[str]:
    """The stores of the choice on the page."""
    page = browser.get("/_dash-layout").get_data(as_text=True)
    found = re.search(r'"data":(\[[^\]]*\]),[^{}]*"id":"store"|"id":"store",[^{}]*"data":(\[[^\]]*\])', page)
    assert found, page[:2000]
    data: list[Any] = json.loads(found.group(1) or found.group(2))
    return [each["value"] if isinstance(each, dict) else each for each in data]


def numbers(browser: FlaskClient, store: str, language: str = "en") -> dict[str, Any]:
    browser.get(f"/language?code={language}")
    (callback,) = [c for c in browser.get("/_dash-dependencies").get_json() if "kpi-in-today" in c["output"]]
    shown: dict[str, Any] = json.loads(updated(browser, callback, store))["response"]
    return shown


def test_the_choice_has_ones_own_stores_only(database: Database, web: Flask) -> None:
    browser = user(database, web, Role.OWNER)
    assert listed(browser) == [ONE, TWO]
    MemberTable(database).add(MAIN, "olfa", "hash", Role.OWNER)
    MemberTable(database).change(MAIN, "amel", Role.MANAGER, [TWO])
    assert listed(browser) == [TWO], "at once, in the session that is open"


def test_figures_are_shown_for_ones_own_stores_only_whatever_the_browser_sends(database: Database, web: Flask) -> None:
    browser = user(database, web, Role.VIEWER, [ONE])
    assert numbers(browser, ONE)["kpi-in-today"]["children"] == "5"
    for store in (TWO, THEIRS, "nowhere", ""):
        shown = numbers(browser, store)
        assert shown["figures"]["hidden"] is True
        assert "kpi-in-today" not in shown
        assert texts("en")("not_your_store_text") in json.dumps(shown["notice"])


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_installer_reads_what_the_page_has_for_them(database: Database, web: Flask, language: str) -> None:
    browser = user(database, web, Role.INSTALLER, [ONE])
    assert browser.get("/").status_code == 200
    assert listed(browser) == []
    shown = numbers(browser, ONE, language)
    assert shown["figures"]["hidden"] is True
    assert texts(language)("no_figures_text") in json.dumps(shown["notice"], ensure_ascii=False)


def test_a_role_that_changes_acts_on_an_open_page(database: Database, web: Flask) -> None:
    browser = user(database, web, Role.VIEWER, [ONE])
    assert numbers(browser, ONE)["kpi-in-today"]["children"] == "5"
    MemberTable(database).change(MAIN, "amel", Role.INSTALLER, [ONE])
    assert "kpi-in-today" not in numbers(browser, ONE)
    MemberTable(database).change(MAIN, "amel", Role.VIEWER, [TWO])
    assert "kpi-in-today" not in numbers(browser, ONE)
    OrganisationTable(database).move_store(TWO, "medina")
    assert "kpi-in-today" not in numbers(browser, TWO)


def test_only_who_may_change_something_marks_a_store_as_empty(database: Database, web: Flask) -> None:
    browser = user(database, web, Role.MANAGER, [ONE])
    form = {"csrf": csrf_inside(browser), "store": ONE}
    assert browser.post("/empty", data=form).status_code == 200
    for store in (TWO, THEIRS, "nowhere"):
        assert browser.post("/empty", data=form | {"store": store}).status_code == 404
    for role in (Role.VIEWER, Role.INSTALLER):
        MemberTable(database).change(MAIN, "amel", role, [ONE])
        assert browser.post("/empty", data=form).status_code == 404
        assert browser.post("/empty/undo", data=form | {"n": "1"}).status_code == 404
    assert len(database.empty_marks.since(ONE, 0)) == 1


def test_a_user_who_is_removed_is_out_at_once(database: Database, web: Flask) -> None:
    browser = user(database, web, Role.VIEWER)
    MemberTable(database).remove(MAIN, "amel")
    assert browser.get("/session").status_code == 401
    assert browser.get("/").status_code == 302


def test_a_store_without_a_right_is_not_told_from_one_that_is_not_there(database: Database, web: Flask) -> None:
    assert isinstance(database.stores.get(THEIRS), Store)
    browser = user(database, web, Role.OWNER)
    assert numbers(browser, THEIRS) == numbers(browser, "nowhere")
