"""POST /v1/events over real HTTP: each event once, a bad one by itself, and every refusal in one sentence."""

from __future__ import annotations

import contextlib
import gzip
import json
import socket
import sqlite3
import threading
import zlib
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from metrica.dashboard.ingest.body import MAX_BODY, MAX_PLAIN, RequestError, parse_events
from metrica.dashboard.kpis.store import Store
from tests.dashboard.client import NOON, Client, Ingest, batch, event_document, ingest_server, packed
from tests.dashboard.database.places import Place
from tests.dashboard.footfall import event

DAY = 86_400_000_000_000
GOOD = event_document(event(1, NOON))


@pytest.fixture(scope="module")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Generator[Ingest]:
    with ingest_server(tmp_path_factory.mktemp("ingest")) as running:
        yield running


@pytest.fixture
def server(tmp_path: Path) -> Generator[Ingest]:
    with ingest_server(tmp_path, lock_timeout=0.05) as running:
        yield running


@pytest.fixture
def any_server(place: Place) -> Generator[Ingest]:
    with ingest_server(place) as running:
        yield running


@pytest.mark.parametrize("form", ["json", "msgpack"])
@pytest.mark.parametrize("zipped", [False, True])
def test_a_batch_is_taken_in_every_form_it_may_have(server: Ingest, form: str, zipped: bool) -> None:
    answer = server.send([event(1, NOON), event(2, NOON + 1, "out")], form=form, zipped=zipped)
    assert (answer.status, answer.body) == (200, {"accepted": 2, "duplicates": 0, "refused": []})
    assert server.database.events.between("tunis-01", 0, 2 * NOON).signs.tolist() == [1, -1]


def test_sending_again_changes_nothing(any_server: Ingest) -> None:
    events = [event(n, NOON - n) for n in range(10)]
    any_server.send(events[:6])
    answer = any_server.send(events)
    assert answer.body == {"accepted": 4, "duplicates": 6, "refused": []}
    assert any_server.database.events.count("tunis-01") == 10


def test_concurrent_senders_of_the_same_batch_are_one(any_server: Ingest) -> None:
    events = [event(n, NOON - n) for n in range(300)]
    answers: list[Any] = []
    together = threading.Barrier(8)

    def send() -> None:
        together.wait()
        answers.append(any_server.send(events).body)

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(answer["accepted"] for answer in answers) == 300
    assert all(answer["accepted"] + answer["duplicates"] == 300 for answer in answers)
    assert any_server.database.events.count("tunis-01") == 300


def test_an_empty_batch_is_fine(server: Ingest) -> None:
    assert server.send([]).body == {"accepted": 0, "duplicates": 0, "refused": []}


def test_a_newer_sender_is_understood(server: Ingest) -> None:
    answer = server.post({**batch([{**GOOD, "age": "adult", "zone": [1, 2]}]), "box": "b1"})
    assert answer.body == {"accepted": 1, "duplicates": 0, "refused": []}


BAD: list[tuple[Any, str | None, str]] = [
    ("x", None, "it is not a map"),
    ({}, None, "it has no 'id'"),
    ({**GOOD, "id": ""}, "", "its 'id' is wrong"),
    ({**GOOD, "id": 7}, None, "its 'id' is wrong: input should be a valid string"),
    ({**GOOD, "id": "a\x00b"}, "a\x00b", "its 'id' has control characters in it"),
    ({**GOOD, "id": "x" * 201}, "x" * 200, "its 'id' is wrong"),
    ({**GOOD, "direction": "IN"}, GOOD["id"], "its 'direction' is wrong: input should be 'in' or 'out'"),
    ({**GOOD, "track": -1}, GOOD["id"], "its 'track' is wrong"),
    ({**GOOD, "track": 2**63}, GOOD["id"], "its 'track' is wrong"),
    ({**GOOD, "track": True}, GOOD["id"], "its 'track' is wrong"),
    ({**GOOD, "time": "now"}, GOOD["id"], "its 'time' is wrong"),
    ({**GOOD, "time": 1.5}, GOOD["id"], "its 'time' is wrong"),
    ({**GOOD, "time": NOON // 10**9}, GOOD["id"], "its time is before 2020: check the clock"),
    ({k: v for k, v in GOOD.items() if k != "line"}, GOOD["id"], "it has no 'line'"),
]


@pytest.mark.parametrize(("bad", "name", "reason"), BAD)
def test_a_bad_event_is_refused_by_itself(server: Ingest, bad: Any, name: str | None, reason: str) -> None:
    around = [event_document(event(2, NOON)), bad, event_document(event(3, NOON + DAY))]
    answer = server.post(batch(around))
    assert (answer.status, answer.body["accepted"]) == (200, 2)
    (refused,) = answer.body["refused"]
    assert (refused["index"], refused["id"]) == (1, name)
    assert refused["reason"].startswith(reason)


def test_half_a_character_is_refused_and_not_stored(server: Ingest) -> None:
    answer = server.post(None, form="json", body=json.dumps(batch([{**GOOD, "id": "\ud800"}, GOOD])).encode())
    assert (answer.body["accepted"], answer.body["refused"][0]["index"]) == (1, 0)


MALFORMED: list[tuple[dict[str, Any], int, str]] = [
    ({"body": b"{"}, 400, "the body is not json"),
    ({"body": b"{", "form": "json"}, 400, "the body is not json"),
    ({"body": b"[" * 100_000, "form": "json"}, 400, "the body is not json"),
    ({"body": b"\x91" * 100_000, "form": "msgpack"}, 400, "the body is not msgpack"),
    ({"body": packed(batch([]))[:-3], "form": "msgpack"}, 400, "the body is not msgpack"),
    ({"body": b"", "form": "msgpack"}, 400, "the body is not msgpack"),
    ({"body": b"\xc1", "form": "msgpack"}, 400, "the body is not msgpack"),
    ({"body": packed({"v": 1, "x": b"\xff"}) + b"more", "form": "msgpack"}, 400, "the body is not msgpack"),
    ({"document": []}, 400, "the body is not a map"),
    ({"document": {}}, 400, "the body's version 'v' is None: this server speaks version 1"),
    ({"document": {**batch([]), "v": 2}}, 400, "the body's version 'v' is 2: this server speaks version 1"),
    ({"document": {**batch([]), "v": True}}, 400, "the body's version 'v' is True"),
    ({"document": {"v": 1, "events": []}}, 400, "the body has no 'store'"),
    ({"document": {"v": 1, "store": 5, "events": []}}, 400, "the body has no 'store'"),
    ({"document": {"v": 1, "store": "tunis-01"}}, 400, "the body has no list 'events'"),
    ({"document": batch([0] * 5001)}, 413, "5001 events in one batch: send at most 5000"),
    ({"document": batch([]), "headers": {"Content-Type": "text/html"}}, 415, "the content type 'text/html' is not"),
    ({"document": batch([]), "headers": {"Content-Encoding": "br"}}, 415, "the content encoding 'br' is not known"),
    (
        {"body": gzip.compress(b"{}" * 500)[:-20], "headers": {"Content-Encoding": "gzip"}},
        400,
        "the body's gzip is cut",
    ),
    ({"body": b"\x1f\x8bnonsense", "headers": {"Content-Encoding": "gzip"}}, 400, "the body is not gzip"),
    ({"body": gzip.compress(b"{}") * 2, "headers": {"Content-Encoding": "gzip"}}, 400, "something follows the body's"),
]


@pytest.mark.parametrize(("how", "status", "sentence"), MALFORMED)
def test_a_malformed_request_is_one_sentence(
    shared_server: Ingest, how: dict[str, Any], status: int, sentence: str
) -> None:
    given: dict[str, Any] = {"document": None, "form": "json", **how}
    answer = shared_server.post(**given)
    assert answer.status == status
    assert list(answer.body) == ["error"]
    assert answer.body["error"].startswith(sentence)
    assert "\n" not in answer.body["error"]


def test_a_body_over_the_limit_is_413(shared_server: Ingest) -> None:
    answer = shared_server.post(None, body=b"x" * (MAX_BODY + 1))
    assert answer.status == 413
    assert "send fewer events" in answer.body["error"]


def test_a_gzip_bomb_is_413_and_is_not_unpacked(shared_server: Ingest) -> None:
    packer = zlib.compressobj(9, wbits=31)
    bomb = b"".join(packer.compress(b" " * (1 << 20)) for _ in range(300)) + packer.flush()
    assert len(bomb) < MAX_BODY < MAX_PLAIN < 300 << 20
    answer = shared_server.post(None, body=bomb, headers={"Content-Encoding": "gzip"})
    assert answer.status == 413
    assert "when decompressed" in answer.body["error"]


@pytest.mark.parametrize(
    ("header", "words"),
    [
        (None, "no token"),
        ("", "no token"),
        ("Bearer", "no token"),
        ("Basic b3duZXI6eA==", "no token"),
        ("Bearer wrong", "unknown or revoked"),
        ("Bearer \xe9\xff", "unknown or revoked"),
    ],
)
def test_without_the_right_token_it_is_401(shared_server: Ingest, header: str | None, words: str) -> None:
    client = Client(shared_server.address, None)
    headers = {} if header is None else {"Authorization": header}
    for answer in (client.post(batch([GOOD]), headers=headers), client.get("/v1/stores/tunis-01/kpis", headers)):
        assert answer.status == 401
        assert words in answer.body["error"]
        assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_a_revoked_token_is_401_at_once(server: Ingest) -> None:
    server.database.tokens.revoke("tunis-01", server.database.tokens.of_store("tunis-01")[0].key)
    assert server.send([event(1, NOON)]).status == 401


def test_a_token_of_another_store_is_403_and_writes_nothing(server: Ingest) -> None:
    server.database.stores.put(Store("sfax-01", "Africa/Tunis"))
    for store in ("sfax-01", "unknown"):
        answer = server.send([event(1, NOON)], store=store)
        assert (answer.status, answer.body["error"].split(",")[0]) == (403, "the token speaks for the store 'tunis-01'")
    assert server.database.events.count("sfax-01") == 0


def test_a_locked_database_is_503_and_the_sender_can_try_again(server: Ingest) -> None:
    with contextlib.closing(sqlite3.connect(server.database.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        answer = server.send([event(1, NOON)])
        assert answer.status == 503
        assert "locked by another program" in answer.body["error"]
        assert int(answer.headers["Retry-After"]) > 0
    assert server.send([event(1, NOON)]).body["accepted"] == 1


def test_a_full_disk_is_503_and_the_sender_can_try_again(server: Ingest) -> None:
    pages = server.database.write(lambda db: db.execute("PRAGMA page_count").fetchone()[0]).result()
    server.database.write(lambda db: db.execute(f"PRAGMA max_page_count = {pages}").fetchone()).result()
    events = [event(n, NOON - n) for n in range(2000)]
    answer = server.send(events)
    assert (answer.status, "disk is full" in answer.body["error"]) == (503, True)
    server.database.write(lambda db: db.execute("PRAGMA max_page_count = 100000").fetchone()).result()
    assert server.send(events).body["accepted"] == 2000


@pytest.mark.parametrize(
    ("method", "path", "status", "sentence"),
    [
        ("GET", "/nowhere", 404, "there is nothing at this address"),
        ("GET", "/v1/events", 405, "GET does not work here: use POST"),
        ("DELETE", "/healthz", 405, "DELETE does not work here: use GET"),
    ],
)
def test_a_wrong_address_or_method_is_one_sentence(
    shared_server: Ingest, method: str, path: str, status: int, sentence: str
) -> None:
    answer = shared_server.request(method, path)
    assert (answer.status, answer.body["error"].startswith(sentence)) == (status, True)


def test_a_request_that_is_not_http_hurts_nobody(shared_server: Ingest) -> None:
    host, port = shared_server.address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as raw:
        raw.sendall(b"\x16\x03\x01 nonsense \r\n\r\n")
        assert b"400" in raw.recv(1000)
    assert shared_server.get("/healthz").status == 200


def test_metrics_say_what_became_of_the_events(server: Ingest) -> None:
    server.send([event(1, NOON), event(1, NOON)])
    text = server.metrics()
    assert 'metrica_ingest_events_total{fate="accepted"} 1.0' in text
    assert 'metrica_ingest_events_total{fate="duplicate"} 1.0' in text
    assert 'metrica_ingest_requests_total{method="POST",route="/v1/events",status="200"} 1.0' in text


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.binary(max_size=300), st.sampled_from(("application/json", "application/msgpack")), st.sampled_from(("", "gzip"))
)
def test_no_bytes_at_all_break_the_parser(body: bytes, content_type: str, encoding: str) -> None:
    with contextlib.suppress(RequestError):
        parse_events(body, content_type, encoding, NOON)


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats()
    | st.text(max_size=5)
    | st.binary(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
keys = st.sampled_from(("id", "camera", "line", "direction", "track", "time"))


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.dictionaries(keys, values).map(lambda wrong: {**GOOD, **wrong}) | values, max_size=5))
def test_every_event_is_either_taken_or_refused_with_one_sentence(items: list[Any]) -> None:
    parsed = parse_events(packed(batch(items)), "application/msgpack", "", NOON)
    assert len(parsed.events) + len(parsed.refused) + len(parsed.later) == len(items)
    assert all(refused.reason and "\n" not in refused.reason for refused in parsed.refused)
    for refused in parsed.refused:
        refused.model_dump_json()


def test_a_server_whose_clock_is_not_set_refuses_no_event_for_good() -> None:
    with pytest.raises(RequestError, match="this server's clock is not set") as caught:
        parse_events(packed(batch([GOOD])), "application/msgpack", "", DAY)
    assert caught.value.status == 503
