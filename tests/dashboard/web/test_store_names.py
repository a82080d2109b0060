"""The page calls stores as people do, and by their ids where nobody has named them; see test_browser.py for escapes."""

from __future__ import annotations

import json
from collections.abc import Generator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from metrica.dashboard.kpis.store import Store
from metrica.dashboard.people.details import told_apart
from metrica.dashboard.people.details_table import DetailsTable
from metrica.dashboard.people.members import MemberTable
from metrica.dashboard.people.organisations import MAIN
from metrica.dashboard.people.rights import Role
from metrica.dashboard.store.database import Database
from metrica.dashboard.web.app import WebSettings, create_web
from metrica.dashboard.web.passwords import hashed
from tests.dashboard.client import ManualClock
from tests.dashboard.database.places import Place
from tests.dashboard.people.nobody_elses import updated
from tests.dashboard.web.browser import PASSWORD, log_in


@pytest.fixture
def database(place: Place) -> Generator[Database]:
    with Database(place, clock=ManualClock()) as opened:
        for store in ("sfax-01", "tunis-01", "tunis-02"):
            opened.stores.put(Store(store, "Africa/Tunis"))
        yield opened


@pytest.fixture
def browser(database: Database) -> FlaskClient:
    web: Flask = create_web(database, WebSettings(secret_key="k" * 32, first_store="tunis-01", patience=None))
    MemberTable(database).add(MAIN, "amel", hashed(PASSWORD), Role.OWNER)
    made = web.test_client()
    assert log_in(made, name="amel").status_code == 302
    return made


def choice(browser: FlaskClient) -> dict[str, Any]:
    """The element with the stores."""

    def found(element: Any) -> list[dict[str, Any]]:
        if isinstance(element, list):
            return [each for one in element for each in found(one)]
        if not isinstance(element, dict):
            return []
        props = element.get("props", {})
        return ([props] if props.get("id") == "store" else []) + found(props.get("children"))

    (only,) = found(browser.get("/_dash-layout").get_json())
    return only


def heading(browser: FlaskClient, store: str) -> str:
    (callback,) = [c for c in browser.get("/_dash-dependencies").get_json() if "store-name" in c["output"]]
    shown: str = json.loads(updated(browser, callback, store))["response"]["store-name"]["children"]
    return shown


def test_the_choice_and_the_heading_have_the_names(database: Database, browser: FlaskClient) -> None:
    DetailsTable(database).change("tunis-01", {"name": "La Médina"})
    element = choice(browser)
    assert element["data"] == [
        {"value": "tunis-01", "label": "La Médina"},
        {"value": "sfax-01", "label": "sfax-01"},
        {"value": "tunis-02", "label": "tunis-02"},
    ]
    assert element["value"] == "tunis-01", "what the page asks for is the id"
    assert heading(browser, "tunis-01") == "La Médina"
    assert heading(browser, "sfax-01") == "sfax-01"


def test_a_page_that_is_open_has_a_new_name_with_its_next_update(database: Database, browser: FlaskClient) -> None:
    assert heading(browser, "sfax-01") == "sfax-01"
    DetailsTable(database).change("sfax-01", {"name": "Sfax, port"})
    assert heading(browser, "sfax-01") == "Sfax, port"
    DetailsTable(database).change("sfax-01", {"name": ""})
    assert heading(browser, "sfax-01") == "sfax-01"


def test_stores_that_are_called_the_same_are_told_apart_by_their_ids() -> None:
    names = {"a": "Médina", "b": "Médina", "c": "d"}
    assert told_apart(["a", "b", "c", "d", "e"], names) == [
        ("a", "Médina (a)"),
        ("b", "Médina (b)"),
        ("c", "d (c)"),
        ("d", "d"),
        ("e", "e"),
    ]


def test_there_may_be_more_stores_than_a_question_takes_values(database: Database) -> None:
    database.write(
        lambda db: db.execute(
            "INSERT INTO store_details (store, name, address, country, currency, hours)"
            " VALUES ('tunis-02', 'Lac', '', '', '', '')"
        )
    ).result()
    wanted = [f"none-{n}" for n in range(70_000)]
    assert DetailsTable(database).names([*wanted, "tunis-02"]) == {"tunis-02": "Lac"}
    assert DetailsTable(database).names([]) == {}
