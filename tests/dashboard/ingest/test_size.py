"""A request is as cheap as it is small: what unpacks to millions of values is refused before they are made."""

from __future__ import annotations

import contextlib
import gzip
import json
import resource
import socket
import threading
import time
from pathlib import Path
from typing import Any

import msgpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from metrica.dashboard.ingest.bodies import BODIES_OF_A_STORE
from metrica.dashboard.ingest.body import MAX_PLAIN, RequestError, parse_coverage, parse_events
from metrica.dashboard.ingest.schemas.events import CoverageBatch
from metrica.dashboard.ingest.size import MAX_VALUES, json_values, msgpack_values
from metrica.dashboard.kpis.store import Store
from tests.dashboard.client import NOON, Client, batch, event_document, ingest_server, packed
from tests.dashboard.footfall import event

MANY = MAX_PLAIN - 100
OTHER = Store("sfax-01", "Africa/Tunis")
HEAD = b"\x83\xa1v\x01\xa5store\xa8tunis-01\xa6events"
HOSTILE: dict[str, tuple[str, bytes]] = {
    "JSON lists": ("json", b'{"v":1,"store":"tunis-01","events":[' + b"[]," * (MANY // 3) + b"0]}"),
    "JSON maps": ("json", b"[" + b"{}," * (MANY // 3) + b"0]"),
    "JSON numbers": ("json", b"[" + b"9," * (MANY // 2) + b"0]"),
    "JSON keys": ("json", b"{" + b",".join(b'"%d":1' % n for n in range(MANY // 10)) + b"}"),
    "msgpack maps": ("msgpack", HEAD + b"\xdd" + (MANY - 50).to_bytes(4, "big") + b"\x80" * (MANY - 50)),
    "msgpack nothing": ("msgpack", HEAD + b"\xdd" + (MANY - 50).to_bytes(4, "big") + b"\xc0" * (MANY - 50)),
    "msgpack claims": ("msgpack", HEAD + (b"\xdd" + (MANY // 2).to_bytes(4, "big")) * 400),
    "msgpack nested": ("msgpack", HEAD + b"\x9f" * MANY),
}
EVENT = b'{"id":"a","camera":"c","line":"l","direction":"in","track":1,"time":'
SLOW: dict[str, tuple[str, bytes]] = {
    "long whole numbers": ("json", b"[" + (b"9" * 4000 + b",") * 1000 + b"0]"),
    "one endless number": ("json", b'{"v":' + b"9" * MANY + b"}"),
    "long decimal numbers": ("json", b"[" + (b"0." + b"1" * 55 + b"e-30,") * 60_000 + b"0]"),
    "numbers beyond all": ("json", b"[" + b"1e999," * 120_000 + b"0]"),
    "nested JSON lists": ("json", b"[" * 120_000),
    "nested JSON maps": ("json", b'{"a":' * 120_000),
    "one text": ("json", b'{"v":1,"x":"' + b"a" * MANY + b'"}'),
    "escapes": ("json", b'{"v":1,"x":"' + b"\\ud83d" * (MANY // 6) + b'"}'),
    "the same key": ("json", b"{" + b'"v":1,' * 120_000 + b'"v":2}'),
    "no UTF-8": ("json", b'{"v":"' + b"\xff" * MANY + b'"}'),
    "UTF-16": ("json", ('{"x":"' + "é" * (MANY // 2) + '"}').encode("utf-16")),
    "spaces": ("json", b" " * MANY + b"1"),
    "an error on the last line": ("json", b"[1" + b"\n" * MANY + b"x"),
    "msgpack times": ("msgpack", HEAD + b"\xdd\0\1\xd4\xc0" + b"\xd6\xff\0\0\0\1" * 120_000),
    "msgpack ext": ("msgpack", HEAD + b"\xdd\0\1\xd4\xc0" + b"\xd4\5x" * 120_000),
    "msgpack depth": ("msgpack", HEAD + b"\x91" * 120_000 + b"\xc0"),
    "msgpack one text": ("msgpack", HEAD + b"\xdb" + MANY.to_bytes(4, "big") + b"\xff" * MANY),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_small_request_with_millions_of_values_costs_neither_time_nor_memory(name: str, tmp_path: Path) -> None:
    form, body = HOSTILE[name]
    zipped = gzip.compress(body)
    with ingest_server(tmp_path) as server:
        waits: list[float] = []
        over = threading.Event()

        def ask() -> None:
            other = Client(server.address, None)
            while not over.is_set():
                began = time.perf_counter()
                assert other.get("/openapi.json").status == 200
                waits.append(time.perf_counter() - began)

        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        asking = threading.Thread(target=ask)
        asking.start()
        try:
            answer = server.post(None, form=form, body=zipped, headers={"Content-Encoding": "gzip"})
        finally:
            over.set()
            asking.join()
        assert (answer.status, "send fewer events" in answer.body["error"]) == (413, True)
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 << 10, "KiB"
        assert max(waits) < 1.0, "seconds; a busy machine is slow, but 4 to 7 s were the fault"


@pytest.mark.parametrize("name", SLOW)
def test_no_request_holds_up_another_for_long(name: str, tmp_path: Path) -> None:
    """The thread of the loop runs while another decodes, but only when the decoder lets go of the interpreter."""
    form, body = SLOW[name]
    plain = gzip.compress(body)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    held: list[float] = []

    def decode() -> None:
        began = time.thread_time()
        with pytest.raises(RequestError):
            parse_events(plain, f"application/{form}", "gzip", NOON)
        held.append(time.thread_time() - began)

    decoding = threading.Thread(target=decode)
    decoding.start()
    decoding.join()
    assert held[0] < 1.0, "seconds of the processor"
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 << 10, "KiB"


@pytest.mark.parametrize("digits", [41, 4000, 5000])
def test_a_number_that_is_too_long_refuses_its_event_and_no_other(digits: int) -> None:
    """It is not even converted: the cost of that grows with the square of its digits, and 5000 are too many."""
    body = b'{"v":1,"store":"tunis-01","events":[' + EVENT + b"9" * digits + b"}," + EVENT + b"%d}]}" % NOON
    parsed = parse_events(body, "application/json", "", NOON)
    assert len(parsed.events) == 1
    assert [(one.index, one.reason) for one in parsed.refused] == [
        (0, "its 'time' is wrong: input should be a valid integer")
    ]


def test_a_span_that_is_wrong_ends_the_check() -> None:
    document = {"v": 1, "store": "t", "watched": [{"camera": 1, "start": "x", "end": None}] * 5000}
    with pytest.raises(ValidationError) as caught:
        CoverageBatch.model_validate(document)
    assert caught.value.error_count() == 3, "those of the first span, and not 15,000"
    with pytest.raises(RequestError, match=r"its 'watched.0.camera' is wrong"):
        parse_coverage(packed(document), "application/msgpack", "", NOON)


def test_one_store_sends_a_bounded_number_of_bodies_at_a_time(tmp_path: Path) -> None:
    with ingest_server(tmp_path) as server, contextlib.ExitStack() as stack:
        host, port = server.address.removeprefix("http://").split(":")
        head = f"POST /v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {server.token}\r\n"
        head += "Content-Length: 9\r\n\r\n"
        slow = [stack.enter_context(socket.create_connection((host, int(port)), 20)) for _ in range(BODIES_OF_A_STORE)]
        for one in slow:
            one.sendall(head.encode())
        deadline = time.monotonic() + 20
        while (answer := server.post(batch([]))).status == 200:
            assert time.monotonic() < deadline, "one more is let in"
        assert (answer.status, answer.headers["Retry-After"]) == (429, "1")
        assert answer.body["error"] == "this store sends 8 bodies at a time: send again in a second"
        server.database.stores.put(OTHER)
        other = Client(server.address, server.database.tokens.create(OTHER.id))
        assert other.send([event(1, NOON)], OTHER.id).status == 200, "another store's are taken"
        assert server.get("/healthz").status == 200
        for one in slow:
            one.sendall(b"nonsense!")
            assert one.recv(12) == b"HTTP/1.1 415"
        assert server.post(batch([])).status == 200


def largest(size: int = 200) -> dict[str, Any]:
    """The largest batch that an honest sender makes."""
    names = {"camera": "c" * size, "line": "l" * size}
    return batch([{**event_document(event(n, NOON)), **names, "id": f"{n:0{size}}"} for n in range(5000)])


@pytest.mark.parametrize("form", ["json", "msgpack"])
def test_the_largest_honest_batch_is_taken(form: str) -> None:
    document = largest()
    body = json.dumps(document).encode() if form == "json" else packed(document)
    assert len(parse_events(body, f"application/{form}", "", NOON).events) == 5000


def test_the_largest_coverage_is_taken() -> None:
    spans = [{"camera": "c" * 200, "start": NOON - n - 1, "end": NOON - n} for n in range(5000)]
    body = packed({"v": 1, "store": "tunis-01", "watched": spans})
    assert len(parse_coverage(body, "application/msgpack", "", NOON).spans) == 5000
    with pytest.raises(RequestError, match="more than 125000 values"):
        parse_coverage(b"[" + b"[]," * MAX_VALUES + b"0]", "application/json", "", NOON)


def test_a_text_that_grows_fourfold_when_decoded_is_refused() -> None:
    # One character beyond 16 bits makes Python keep all of them in four bytes each.
    text = b'{"v":1,"store":"tunis-01","x":"' + b"a" * (MAX_PLAIN - 200) + "\U0001f600".encode() + b'","events":[]}'
    with pytest.raises(RequestError, match="send fewer events") as caught:
        parse_events(text, "application/json", "", NOON)
    assert caught.value.status == 413


values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text() | st.binary()
    | st.builds(msgpack.ExtType, st.integers(0, 127), st.binary(max_size=20)),
    lambda inner: st.lists(inner, max_size=20) | st.dictionaries(st.text(max_size=40), inner, max_size=20),
    max_leaves=60,
)  # fmt: skip


def count(value: Any) -> int:
    if isinstance(value, list):
        return 1 + sum(count(item) for item in value)
    if isinstance(value, dict):
        return 1 + sum(1 + count(item) for item in value.values())
    return 1


@settings(deadline=None)
@given(values)
def test_the_values_of_msgpack_are_counted_as_they_are_made(value: Any) -> None:
    assert msgpack_values(packed(value)) == count(value)


@pytest.mark.parametrize("size", [0, 255, 256, 65_536, 70_000])
def test_long_texts_bytes_lists_and_maps_are_counted(size: int) -> None:
    made = ["x" * size, b"x" * size, msgpack.ExtType(5, b"x" * size), [1] * size, dict.fromkeys(range(size // 4), 1)]
    assert msgpack_values(packed(made)) == count(made)
    assert json_values(json.dumps([1] * size).encode()) >= size


@settings(deadline=None)
@given(st.binary())
def test_no_bytes_break_the_count(body: bytes) -> None:
    assert msgpack_values(body) >= 1
