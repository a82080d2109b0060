"""The button "the shop is empty now", and the boxes' word on when their cameras looked: kept, undone, refused."""

from __future__ import annotations

import json
import re
from collections.abc import Generator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from metrica.dashboard.kpis.events import MINUTE
from metrica.dashboard.kpis.store import Store
from metrica.dashboard.store.coverage import add_coverage, coverage
from metrica.dashboard.store.database import Database, User
from metrica.dashboard.store.empties import Emptied, empties
from metrica.dashboard.store.records import Span
from metrica.dashboard.store.reports import Reports
from metrica.dashboard.web.app import WebSettings, create_web
from metrica.dashboard.web.passwords import OWNER, hashed
from tests.dashboard.client import NOON, SHOP, Hands, Ingest, ingest_server
from tests.dashboard.footfall import at, event

PASSWORD = "a good password"


@pytest.fixture
def database(tmp_path: Path) -> Generator[Database]:
    with Database(tmp_path / "metrica.db", clock=Hands()) as opened:
        opened.put_store(SHOP)
        yield opened


@pytest.fixture
def owner(database: Database) -> FlaskClient:
    """A browser that is logged in."""
    database.put_user(User(OWNER, hashed(PASSWORD)))
    client = create_web(database, WebSettings(secret_key="k" * 32)).test_client()
    page = client.get("/login").get_data(as_text=True)
    token = re.search(r'name="csrf" value="([^"]+)"', page)
    assert token is not None
    client.post("/login", data={"csrf": token.group(1), "name": OWNER, "password": PASSWORD})
    return client


def csrf(client: FlaskClient) -> str:
    with client.session_transaction() as session:
        return str(session["csrf"])


def said(client: FlaskClient, path: str = "/empty", **form: str) -> tuple[int, dict[str, object]]:
    answer = client.post(path, data={"csrf": csrf(client), "store": SHOP.id} | form)
    return answer.status_code, answer.get_json()


def test_the_owner_says_that_the_shop_is_empty_and_takes_it_back(database: Database, owner: FlaskClient) -> None:
    database.add_events(SHOP.id, [event(n, NOON - 30 * MINUTE + n * MINUTE) for n in range(3)]).result()
    reports = Reports(database)
    assert reports.headline(SHOP, NOON).people.inside.people == 3
    assert said(owner) == (200, {"n": 1, "time": NOON})
    headline = reports.headline(SHOP, NOON)
    assert (headline.people.inside.people, headline.people.inside.margin) == (0, 0)
    assert headline.emptied == Emptied(1, NOON, OWNER)
    assert said(owner, "/empty/undo", n="1") == (200, {"n": 1})
    assert reports.headline(SHOP, NOON).people.inside.people == 3
    assert empties(database, SHOP.id, 0) == []
    kept = database.rows("SELECT said_by, time, undone FROM empties")
    assert [tuple(row) for row in kept] == [(OWNER, NOON, NOON)], "what was said stays on record"
    assert said(owner, "/empty/undo", n="1")[0] == 404


def test_nobody_else_can_empty_the_shop(database: Database, owner: FlaskClient) -> None:
    stranger = create_web(database, WebSettings(secret_key="k" * 32)).test_client()
    assert stranger.post("/empty", data={"store": SHOP.id}).status_code == 401
    assert owner.post("/empty", data={"store": SHOP.id, "csrf": "made up"}).status_code == 400
    assert owner.post("/empty", data={"store": SHOP.id}).status_code == 400
    cross = owner.post("/empty", data={"csrf": csrf(owner), "store": SHOP.id}, headers={"Sec-Fetch-Site": "cross-site"})
    assert cross.status_code == 403
    assert said(owner, store="nowhere")[0] == 404
    for n in ("", "x", "-1", "1e3", "9" * 30):
        assert said(owner, "/empty/undo", n=n)[0] == 404
    assert empties(database, SHOP.id, 0) == []


def test_at_its_empty_hour_the_shop_is_empty_every_day_also_on_one_of_25_hours(database: Database) -> None:
    store = Store(SHOP.id, "Africa/Casablanca", 4, empty_hour=2)
    database.put_store(store)
    assert database.store(store.id) == store
    eleven = at("Africa/Casablanca", 2026, 2, 14, 23)  # at three in the morning it becomes two again
    database.add_events(store.id, [event(n, eleven + n) for n in range(4)]).result()
    hours = [Reports(database).headline(store, eleven + n * 60 * MINUTE).people.inside.people for n in (0, 1, 3, 4)]
    assert hours[0] == 1
    assert hours[2:] == [0, 0]


def test_spans_that_touch_become_one_however_often_they_are_sent(database: Database) -> None:
    for start, end in ((0, 10), (10, 20), (0, 10), (40, 50), (21, 39), (5, 15)):
        add_coverage(database, SHOP.id, [Span(camera="door", start=start * MINUTE, end=end * MINUTE)]).result()
    add_coverage(database, SHOP.id, [Span(camera="back", start=0, end=MINUTE)]).result()
    assert coverage(database, SHOP.id, 0) == {"door": [(0, 50 * MINUTE)], "back": [(0, MINUTE)]}
    assert coverage(database, SHOP.id, 2 * MINUTE) == {"door": [(0, 50 * MINUTE)]}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Generator[Ingest]:
    with ingest_server(tmp_path_factory.mktemp("ingest")) as running:
        yield running


def watch(server: Ingest, spans: object, store: str = SHOP.id) -> tuple[int, dict[str, object]]:
    body = {"v": 1, "store": store, "watched": spans}
    sent = json.dumps(body).encode()
    answer = server.request("POST", "/v1/watched", body=sent, headers={"Content-Type": "application/json"})
    return answer.status, answer.body


def test_a_box_says_when_it_looked_and_the_rest_is_no_data(server: Ingest) -> None:
    spans = [
        {"camera": "door", "start": NOON - 180 * MINUTE, "end": NOON - 120 * MINUTE},
        {"camera": "door", "start": NOON - 60 * MINUTE, "end": NOON},
    ]
    assert watch(server, spans) == (200, {"kept": 2})
    server.send([event(1, NOON - 150 * MINUTE), event(2, NOON - 10 * MINUTE)])
    figures = server.get(f"/v1/stores/{SHOP.id}/kpis").body
    assert (figures["missing_seconds"], figures["inside_known"], figures["today"]["in"]) == (3600, True, 2)
    hours = {row["hour"]: row for row in server.get(f"/v1/stores/{SHOP.id}/hourly").body["hours"]}
    assert (hours[10]["today"], hours[10]["missing"]) == (None, 1)
    assert (hours[9]["today"], hours[9]["missing"]) == (1, 0)
    assert server.get(f"/v1/stores/{SHOP.id}/daily?days=1").body["days"][0]["missing_hours"] == 1


@pytest.mark.parametrize(
    ("span", "words"),
    [
        ({"camera": "door", "start": NOON, "end": NOON - 1}, "check the clock"),
        ({"camera": "door", "start": 5, "end": NOON}, "check the clock"),
        ({"camera": "door", "start": NOON, "end": NOON * 2}, "check the clock"),
        ({"camera": "", "start": NOON, "end": NOON}, "camera"),
        ({"camera": "door", "start": "noon", "end": NOON}, "start"),
        ({"camera": "door"}, "start"),
        (None, "watched.0"),
    ],
)
def test_a_span_that_cannot_be_is_refused_in_one_sentence(server: Ingest, span: object, words: str) -> None:
    status, body = watch(server, [span])
    assert status == 400
    assert words in str(body["error"])


def test_another_stores_cameras_are_not_ones_own(server: Ingest) -> None:
    assert watch(server, [], "sfax-01")[0] == 403
    assert watch(server, "all day")[0] == 400
