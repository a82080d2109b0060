"""POST /v1/watched over real HTTP: times without coverage are no data, and a span that is not valid is refused."""

from __future__ import annotations

import json
from collections.abc import Generator

import pytest

from metrica.dashboard.kpis.events import MINUTE
from tests.dashboard.client import NOON, STORE, Ingest, ingest_server
from tests.dashboard.database.places import Place
from tests.dashboard.footfall import event


@pytest.fixture(scope="module")
def server(module_place: Place) -> Generator[Ingest]:
    with ingest_server(module_place) as running:
        yield running


def send_coverage(server: Ingest, spans: object, store: str = STORE.id) -> tuple[int, dict[str, object]]:
    body = {"v": 1, "store": store, "watched": spans}
    sent = json.dumps(body).encode()
    answer = server.request("POST", "/v1/watched", body=sent, headers={"Content-Type": "application/json"})
    return answer.status, answer.body


def test_a_box_says_when_it_looked_and_the_rest_is_no_data(server: Ingest) -> None:
    spans = [
        {"camera": "door", "start": NOON - 180 * MINUTE, "end": NOON - 120 * MINUTE},
        {"camera": "door", "start": NOON - 60 * MINUTE, "end": NOON},
    ]
    assert send_coverage(server, spans) == (200, {"kept": 2})
    server.send([event(1, NOON - 150 * MINUTE), event(2, NOON - 10 * MINUTE)])
    figures = server.get(f"/v1/stores/{STORE.id}/kpis").body
    assert (figures["missing_seconds"], figures["inside_known"], figures["today"]["in"]) == (3600, True, 2)
    hours = {row["hour"]: row for row in server.get(f"/v1/stores/{STORE.id}/hourly").body["hours"]}
    assert (hours[10]["today"], hours[10]["missing"]) == (None, 1)
    assert (hours[9]["today"], hours[9]["missing"]) == (1, 0)
    assert server.get(f"/v1/stores/{STORE.id}/daily?days=1").body["days"][0]["missing_hours"] == 1


@pytest.mark.parametrize(
    ("span", "words"),
    [
        ({"camera": "door", "start": NOON, "end": NOON - 1}, "check the clock"),
        ({"camera": "door", "start": 5, "end": NOON}, "check the clock"),
        ({"camera": "", "start": NOON, "end": NOON}, "camera"),
        ({"camera": "door", "start": "noon", "end": NOON}, "start"),
        ({"camera": "door"}, "start"),
        (None, "watched.0"),
    ],
)
def test_a_span_that_cannot_be_is_refused_in_one_sentence(server: Ingest, span: object, words: str) -> None:
    status, body = send_coverage(server, [span])
    assert status == 400
    assert words in str(body["error"])


def test_another_stores_cameras_are_not_ones_own(server: Ingest) -> None:
    assert send_coverage(server, [], "sfax-01")[0] == 403
    assert send_coverage(server, "all day")[0] == 400
