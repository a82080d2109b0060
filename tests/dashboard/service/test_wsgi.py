"""What a WSGI application sees of a request, and a browser of its answer (PEP 3333)."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
import urllib3

from metrica.dashboard.service.serving import WsgiServer
from tests.dashboard.service.test_serving import connect, running


def echo(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Answers with what it was given."""
    body = environ["wsgi.input"].read()
    seen = {name: value for name, value in environ.items() if isinstance(value, str)}
    start_response("200 OK", [("Content-Type", "application/json"), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")])
    return [json.dumps(seen).encode(), b"\n", b"%d" % len(body)]


def seen(server: WsgiServer, request: bytes) -> dict[str, str]:
    """Send the bytes of a request; returns what the application saw."""
    with connect(server) as raw:
        raw.sendall(request)
        answer = b"".join(iter(lambda: raw.recv(65536), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200"), head
    made: dict[str, str] = json.loads(body.splitlines()[0])
    return made


def test_the_application_sees_the_request_as_it_was_sent() -> None:
    with running(WsgiServer(echo, "127.0.0.1", 0)) as server:
        assert isinstance(server, WsgiServer)
        shown = seen(
            server,
            b"POST /caf%C3%A9/a%2Fb?x=%41&y HTTP/1.1\r\nHost: shop.example\r\nContent-Type: text/x\r\n"
            b"Cookie: a=1\r\nCookie: b=2\r\nAccept: x\r\nAccept: \xe9\r\nX_Under: 1\r\nConnection: close\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        )
        assert shown["REQUEST_METHOD"] == "POST"
        assert shown["PATH_INFO"].encode("latin-1") == "/café/a/b".encode()
        assert (shown["QUERY_STRING"], shown["HTTP_HOST"], shown["CONTENT_TYPE"]) == (
            "x=%41&y",
            "shop.example",
            "text/x",
        )
        assert (shown["HTTP_COOKIE"], shown["HTTP_ACCEPT"]) == ("a=1; b=2", "x,é")
        assert (shown["CONTENT_LENGTH"], shown["REMOTE_ADDR"], shown["wsgi.url_scheme"]) == ("3", "127.0.0.1", "http")
        assert not {"HTTP_X_UNDER", "HTTP_TRANSFER_ENCODING", "HTTP_CONTENT_LENGTH"} & set(shown)
        absolute = seen(
            server, b"GET http://shop.example/x?y HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n"
        )
        assert (absolute["PATH_INFO"], absolute["QUERY_STRING"]) == ("/x", "y")


FORGED = (
    b"GET / HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 203.0.113.9, 192.0.2.7\r\nX-Forwarded-Proto: https\r\n"
    b"X-Forwarded-Host: shop.example\r\nX-Forwarded-Prefix: /evil\r\nForwarded: for=1.2.3.4\r\n"
    b"Connection: close\r\n\r\n"
)


def test_only_a_proxy_on_this_machine_says_who_asks() -> None:
    with running(WsgiServer(echo, "127.0.0.1", 0, behind_proxy=True)) as server:
        assert isinstance(server, WsgiServer)
        shown = seen(server, FORGED)
        assert (shown["REMOTE_ADDR"], shown["wsgi.url_scheme"]) == ("192.0.2.7", "https")
        assert (shown["HTTP_HOST"], shown["HTTP_X_FORWARDED_PREFIX"]) == ("shop.example", "/evil")
        nonsense = seen(server, FORGED.replace(b"192.0.2.7", b"<script>"))
        assert nonsense["REMOTE_ADDR"] == "127.0.0.1"
    with running(WsgiServer(echo, "127.0.0.1", 0)) as server:
        assert isinstance(server, WsgiServer)
        shown = seen(server, FORGED)
        assert (shown["REMOTE_ADDR"], shown["wsgi.url_scheme"], shown["HTTP_HOST"]) == ("127.0.0.1", "http", "x")
        assert not [name for name in shown if "FORWARDED" in name]


def test_the_browser_gets_the_answer_as_it_was_given() -> None:
    closed: list[bool] = []

    class Body:
        def __iter__(self) -> Iterator[bytes]:
            return iter([b"a", b"", b"bc"])

        def close(self) -> None:
            closed.append(True)

    def answer(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if path == "/not-modified":
            start_response("304 Not Modified", [("ETag", "x")])
            return []
        if path == "/broken":
            raise ValueError("a mistake of the application")
        write = start_response(
            "201 Made", [("Content-Type", "text/x"), ("Content-Length", "4"), ("Connection", "close")]
        )
        write(b"0")
        return Body() if environ["REQUEST_METHOD"] != "HEAD" else []

    with running(WsgiServer(answer, "127.0.0.1", 0)) as server:
        ask = urllib3.PoolManager(retries=False, timeout=20).request
        given = ask("GET", f"{server.address}/")
        assert (given.status, given.reason, given.data, given.headers["Content-Type"]) == (
            201,
            "Made",
            b"0abc",
            "text/x",
        )
        assert closed == [True]
        head = ask("HEAD", f"{server.address}/")
        assert (head.status, head.headers["Content-Length"], head.data) == (201, "4", b"")
        unchanged = ask("GET", f"{server.address}/not-modified")
        assert (unchanged.status, unchanged.headers["ETag"], unchanged.data) == (304, "x", b"")
        broken = ask("GET", f"{server.address}/broken")
        assert (broken.status, broken.json()) == (500, {"error": "the server failed; its log says why"})
        large = ask("POST", f"{server.address}/", body=b"x" * ((1 << 20) + 1))
        assert (large.status, large.json()) == (413, {"error": "the body is larger than 1 MiB"})
        assert ask("GET", f"{server.address}/", headers={"Expect": "x"}).status == 201


def test_cookies_stay_apart() -> None:
    with running(WsgiServer(echo, "127.0.0.1", 0)) as server:
        given = urllib3.request("GET", server.address, retries=False)
        assert given.headers.getlist("Set-Cookie") == ["a=1", "b=2"]


def test_health_is_answered_while_every_thread_is_busy() -> None:
    go_on, begun = threading.Event(), threading.Semaphore(0)

    def busy(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if environ["PATH_INFO"] != "/healthz":
            begun.release()
            go_on.wait(20)
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"ok"]

    with running(WsgiServer(busy, "127.0.0.1", 0, threads=2)) as server:
        waiting: list[socket.socket] = []
        try:
            for _ in range(20):
                waiting.append(connect(server))
                waiting[-1].sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            for _ in range(2):
                assert begun.acquire(timeout=20)
            assert urllib3.request("GET", f"{server.address}/healthz", timeout=20, retries=False).data == b"ok"
        finally:
            go_on.set()
            for one in waiting:
                assert one.recv(12) == b"HTTP/1.1 200"
                one.close()


@pytest.mark.parametrize("sent", [b"\x16\x03\x01\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"GET \x01 HTTP/1.1\r\n\r\n"])
def test_what_is_no_http_is_answered_as_json_without_a_line_in_the_log(
    sent: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    with running(WsgiServer(echo, "127.0.0.1", 0)) as server, connect(server) as raw:
        raw.sendall(sent)
        answer = b"".join(iter(lambda: raw.recv(4096), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.")
    assert b" 400 " in head.splitlines()[0]
    assert json.loads(body) == {"error": "the request is not HTTP as it should be"}
    assert caplog.text == ""
