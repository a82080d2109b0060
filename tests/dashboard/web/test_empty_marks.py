"""The button "the shop is empty now": who may press it, what it does to the figures, and its undo."""

from __future__ import annotations

import re
from collections.abc import Generator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from metrica.dashboard.kpis.events import MINUTE
from metrica.dashboard.kpis.store import Store
from metrica.dashboard.reports.reports import Reports
from metrica.dashboard.store.database import Database
from metrica.dashboard.store.empty_marks import EmptyMark
from metrica.dashboard.store.users import User
from metrica.dashboard.web.app import WebSettings, create_web
from metrica.dashboard.web.passwords import OWNER, hashed
from tests.dashboard.client import NOON, STORE, ManualClock
from tests.dashboard.footfall import at, event

PASSWORD = "a good password"


@pytest.fixture
def database(tmp_path: Path) -> Generator[Database]:
    with Database(tmp_path / "metrica.db", clock=ManualClock()) as opened:
        opened.stores.put(STORE)
        yield opened


@pytest.fixture
def owner(database: Database) -> FlaskClient:
    """A browser that is logged in."""
    database.users.put(User(OWNER, hashed(PASSWORD)))
    client = create_web(database, WebSettings(secret_key="k" * 32)).test_client()
    page = client.get("/login").get_data(as_text=True)
    token = re.search(r'name="csrf" value="([^"]+)"', page)
    assert token is not None
    client.post("/login", data={"csrf": token.group(1), "name": OWNER, "password": PASSWORD})
    return client


def csrf(client: FlaskClient) -> str:
    with client.session_transaction() as session:
        return str(session["csrf"])


def press(client: FlaskClient, path: str = "/empty", **form: str) -> tuple[int, dict[str, object]]:
    answer = client.post(path, data={"csrf": csrf(client), "store": STORE.id} | form)
    return answer.status_code, answer.get_json()


def test_the_owner_says_that_the_shop_is_empty_and_takes_it_back(database: Database, owner: FlaskClient) -> None:
    database.events.add(STORE.id, [event(n, NOON - 30 * MINUTE + n * MINUTE) for n in range(3)]).result()
    reports = Reports(database)
    assert reports.headline(STORE, NOON).estimate.occupancy.people == 3
    assert press(owner) == (200, {"n": 1, "time": NOON})
    headline = reports.headline(STORE, NOON)
    assert (headline.estimate.occupancy.people, headline.estimate.occupancy.margin) == (0, 0)
    assert headline.empty_mark == EmptyMark(1, NOON, OWNER)
    assert press(owner, "/empty/undo", n="1") == (200, {"n": 1})
    assert reports.headline(STORE, NOON).estimate.occupancy.people == 3
    assert database.empty_marks.since(STORE.id, 0) == []
    kept = database.rows("SELECT said_by, time, undone FROM empties")
    assert [tuple(row) for row in kept] == [(OWNER, NOON, NOON)], "a mark that was taken back is kept"
    assert press(owner, "/empty/undo", n="1")[0] == 404


def test_nobody_else_can_empty_the_shop(database: Database, owner: FlaskClient) -> None:
    stranger = create_web(database, WebSettings(secret_key="k" * 32)).test_client()
    assert stranger.post("/empty", data={"store": STORE.id}).status_code == 401
    assert owner.post("/empty", data={"store": STORE.id, "csrf": "made up"}).status_code == 400
    assert owner.post("/empty", data={"store": STORE.id}).status_code == 400
    cross = owner.post(
        "/empty", data={"csrf": csrf(owner), "store": STORE.id}, headers={"Sec-Fetch-Site": "cross-site"}
    )
    assert cross.status_code == 403
    assert press(owner, store="nowhere")[0] == 404
    for n in ("", "x", "-1", "1e3", "9" * 30):
        assert press(owner, "/empty/undo", n=n)[0] == 404
    assert database.empty_marks.since(STORE.id, 0) == []


def test_at_its_empty_hour_the_shop_is_empty_every_day_also_on_one_of_25_hours(database: Database) -> None:
    store = Store(STORE.id, "Africa/Casablanca", 4, empty_hour=2)
    database.stores.put(store)
    assert database.stores.get(store.id) == store
    eleven = at("Africa/Casablanca", 2026, 2, 14, 23)  # at three in the morning it becomes two again
    database.events.add(store.id, [event(n, eleven + n) for n in range(4)]).result()
    hours = [
        Reports(database).headline(store, eleven + n * 60 * MINUTE).estimate.occupancy.people for n in (0, 1, 3, 4)
    ]
    assert hours[0] == 1
    assert hours[2:] == [0, 0]
