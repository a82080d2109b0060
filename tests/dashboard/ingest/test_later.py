"""What is too new for the server's clock is never refused for good: either that clock or the sender's will be set."""

from __future__ import annotations

import json
from collections.abc import Generator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metrica.dashboard.ingest.body import parse_events
from metrica.dashboard.kpis.events import MINUTE
from tests.dashboard.client import NOON, STORE, Answer, Ingest, batch, event_document, ingest_server, packed
from tests.dashboard.footfall import event

DAY = 86_400_000_000_000


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Generator[Ingest]:
    with ingest_server(tmp_path_factory.mktemp("ingest")) as running:
        yield running


def send(server: Ingest, times: list[int], **more: Any) -> Answer:
    return server.post(batch([event_document(event(n, time)) for n, time in enumerate(times)]) | more)


def watched(server: Ingest, spans: list[tuple[int, int]], **more: Any) -> Answer:
    listed = [{"camera": "door", "start": start, "end": end} for start, end in spans]
    body = json.dumps({"v": 1, "store": STORE.id, "watched": listed} | more).encode()
    return server.request("POST", "/v1/watched", body=body, headers={"Content-Type": "application/json"})


def test_an_event_from_the_future_is_taken_later_and_the_others_now(server: Ingest) -> None:
    answer = send(server, [NOON, NOON + DAY, NOON + DAY + 1, NOON * 2, 5], later=True)
    assert (answer.status, answer.body["accepted"]) == (200, 2)
    assert [(item["index"], item["id"]) for item in answer.body["later"]] == [
        (2, "door/main/epoch/2"),
        (3, "door/main/epoch/3"),
    ]
    assert answer.body["later"][0]["reason"].startswith("its time is more than a day ahead of this server's clock")
    assert [item["index"] for item in answer.body["refused"]] == [4]


def test_it_is_taken_when_the_servers_clock_is_right_again(server: Ingest) -> None:
    server.clock.now = NOON - 3 * DAY
    assert send(server, [NOON, NOON + MINUTE], later=True).body["accepted"] == 0
    server.clock.now = NOON
    assert send(server, [NOON, NOON + MINUTE], later=True).body == {"accepted": 2, "duplicates": 0, "refused": []}


@pytest.mark.parametrize("said", [{}, {"later": False}, {"later": 1}, {"later": None}])
def test_a_sender_that_does_not_know_later_is_asked_to_send_all_of_it_again(server: Ingest, said: Any) -> None:
    """It takes what is not refused for delivered, so it must get no receipt."""
    server.clock.now = NOON - 3 * DAY
    answer = send(server, [NOON, NOON - 3 * DAY], **said)
    assert (answer.status, set(answer.body)) == (503, {"error"})
    assert int(answer.headers["Retry-After"]) > 0
    assert server.database.events.count(STORE.id) == 1  # what can be taken is on the disk, and nothing waits for it
    server.clock.now = NOON
    assert send(server, [NOON, NOON - 3 * DAY], **said).body == {"accepted": 1, "duplicates": 1, "refused": []}


def test_coverage_from_the_future_is_taken_later_and_the_rest_now(server: Ingest) -> None:
    spans = [(NOON + 2 * DAY, NOON + 2 * DAY), (NOON - MINUTE, NOON)]
    answer = watched(server, spans, later=True)
    assert (answer.status, answer.body["kept"], [item["index"] for item in answer.body["later"]]) == (200, 1, [0])
    answer = watched(server, spans)
    assert (answer.status, int(answer.headers["Retry-After"]) > 0) == (503, True)
    server.clock.now = NOON + 2 * DAY
    assert watched(server, spans, later=True).body == {"kept": 2}


@settings(deadline=None)
@given(st.integers(-5 * DAY, 5 * DAY), st.lists(st.integers(-10 * DAY, 10 * DAY), max_size=20))
def test_however_wrong_the_servers_clock_is_it_refuses_no_valid_time_for_good(wrong: int, times: list[int]) -> None:
    sent = batch([event_document(event(n, NOON + time)) for n, time in enumerate(times)]) | {"later": True}
    parsed = parse_events(packed(sent), "application/msgpack", "", NOON + wrong)
    assert parsed.refused == []
    assert [item.index for item in parsed.later] == [n for n, time in enumerate(times) if time > wrong + DAY]
    assert len(parsed.events) + len(parsed.later) == len(times)
