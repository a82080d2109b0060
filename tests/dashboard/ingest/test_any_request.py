"""Whatever is sent to the ingest: the answer is one of those in its OpenAPI document, and it goes on."""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Generator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.dashboard.client import Ingest, ingest_server

OF_HTTP = {400, 404, 405, 413, 431, 501, 505}
"""What any HTTP server answers to a request that no endpoint takes."""

values = st.binary(max_size=30).map(lambda value: bytes(b for b in value if b >= 32 and b != 127))
paths = st.sampled_from(
    (
        b"/v1/events", b"/v1/watched", b"/healthz", b"/openapi.json", b"/metrics", b"/v1/stores/tunis-01",
        b"/v1/stores/tunis-01/daily", b"/v1/stores/%ff/kpis", b"/v1/stores/tunis-01/heatmap", b"/", b"//", b"*",
        b"/v1/stores/../events", b"http://x/healthz",
    )
)  # fmt: skip
queries = st.one_of(
    st.just(b""), st.binary(max_size=20).map(lambda q: b"?days=" + q.hex().encode()), st.just(b"?days=7")
)
names = st.sampled_from(
    (b"Content-Type", b"Content-Encoding", b"Expect", b"Accept", b"Range", b"If-None-Match", b"Upgrade", b"Cookie",
     b"X-Forwarded-For", b"Forwarded", b"Host", b"Connection", b"TE", b"Content-Length", b"Transfer-Encoding")
)  # fmt: skip
known = st.sampled_from(
    (b"application/json", b"application/msgpack", b"gzip", b"100-continue", b"0", b"chunked", b"h2c")
)
headers = st.lists(st.tuples(names, st.one_of(values, known)), max_size=5)
methods = st.sampled_from((b"GET", b"POST", b"HEAD", b"PUT", b"OPTIONS", b"TRACE", b"PATCH", b"CONNECT", b"BREW"))
bodies = st.one_of(st.binary(max_size=100), st.just(b'{"v":1,"store":"tunis-01","events":[]}'))


@pytest.fixture(scope="module")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Generator[Ingest]:
    with ingest_server(tmp_path_factory.mktemp("ingest")) as running:
        yield running


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(methods, paths, queries, headers, bodies, st.booleans())
def test_every_answer_is_one_of_the_document(
    shared_server: Ingest,
    method: bytes,
    path: bytes,
    query: bytes,
    given_headers: list[tuple[bytes, bytes]],
    body: bytes,
    with_token: bool,
) -> None:
    lines = [method + b" " + path + query + b" HTTP/1.1", b"Host: x", b"Connection: close"]
    lines += [name + b": " + value for name, value in given_headers]
    if with_token:
        lines.append(b"Authorization: Bearer " + (shared_server.token or "").encode())
    if not any(name in (b"Content-Length", b"Transfer-Encoding") for name, _ in given_headers):
        lines.append(b"Content-Length: %d" % len(body))
    host, port = shared_server.address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=40) as raw:
        raw.sendall(b"\r\n".join(lines) + b"\r\n\r\n" + body)
        raw.shutdown(socket.SHUT_WR)
        answer = b""
        with contextlib.suppress(ConnectionError):
            answer = b"".join(iter(lambda: raw.recv(65536), b""))
    if answer.startswith(b"HTTP/1.1 100 Continue\r\n\r\n"):
        answer = answer.partition(b"\r\n\r\n")[2]
    if answer:  # a sender that ends in the middle of a request may get none
        head, _, content = answer.partition(b"\r\n\r\n")
        status = int(head.split()[1])
        document = shared_server.get("/openapi.json").body["paths"]
        listed = document.get(path.decode().replace("tunis-01", "{store}").replace("%ff", "{store}"), {})
        documented = {int(code) for code in listed.get(method.decode().lower(), {}).get("responses", {})}
        assert status in documented | OF_HTTP, answer
        if method != b"HEAD" and status != 200:
            assert b"content-type: application/json" in head.lower(), answer
            assert list(json.loads(content)) == ["error"]
    assert shared_server.get("/healthz").status == 200
