"""Whatever a request expects, and wherever it goes, the answer is JSON."""

from __future__ import annotations

import json
import socket
import struct
import time
from collections.abc import Generator

import pytest

from tests.dashboard.client import Ingest, ingest_server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Generator[Ingest]:
    with ingest_server(tmp_path_factory.mktemp("ingest")) as running:
        yield running


@pytest.mark.parametrize("expected", [b"\xe9", b"\xff\xfe", b"200-ok", b"100-continue", b"", b"\xe2\x82\xac"])
@pytest.mark.parametrize(
    ("line", "status"),
    [
        (b"GET /healthz", 200), (b"GET /nowhere", 404), (b"GET /", 404), (b"DELETE /healthz", 405),
        (b"HEAD /v1/events", 405), (b"GET /v1/stores/tunis-01", 401), (b"POST /a%2Fb/%ff", 404),
    ],
)  # fmt: skip
def test_a_strange_expectation_is_ignored(server: Ingest, expected: bytes, line: bytes, status: int) -> None:
    host, port = server.address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=20) as raw:
        raw.sendall(line + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\nExpect: " + expected + b"\r\n\r\n")
        answer = b"".join(iter(lambda: raw.recv(4096), b""))
    if expected == b"100-continue":
        assert answer.startswith(b"HTTP/1.1 100 Continue\r\n\r\n")
        answer = answer.partition(b"\r\n\r\n")[2]
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status)
    assert b"Content-Type: application/json" in head
    if not line.startswith(b"HEAD"):
        assert list(json.loads(body)) == (["status", "version"] if status == 200 else ["error"])


def test_wrong_addresses_are_one_series_of_the_metrics(server: Ingest) -> None:
    for n in range(3):
        server.get(f"/nowhere/{n}")
    text = server.metrics()
    assert 'route="unknown",status="404"' in text
    assert "nowhere" not in text


def test_a_sender_that_is_gone_in_the_middle_of_its_body_is_no_failure_of_the_server(
    server: Ingest, caplog: pytest.LogCaptureFixture
) -> None:
    host, port = server.address.removeprefix("http://").split(":")
    head = f"POST /v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {server.token}\r\nContent-Length: 500\r\n\r\n"
    for _ in range(20):
        with socket.create_connection((host, int(port)), timeout=20) as raw:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # closing it resets it
            raw.sendall(head.encode() + b"half a body")
            time.sleep(0.02)
    assert server.get("/healthz").status == 200
    assert [record.getMessage() for record in caplog.records if "failed" in record.getMessage()] == []
