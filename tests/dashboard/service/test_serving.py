"""Connections that send nothing, or never enough, stop neither of the servers."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import gc
import json
import os
import select
import socket
import struct
import threading
import time
from collections.abc import Callable, Generator, Iterable
from typing import Any

import pytest
import urllib3
from aiohttp import web

from metrica.dashboard.service import limits as limits_module
from metrica.dashboard.service import serving
from metrica.dashboard.service.connection import MAX_HEAD, Connection
from metrica.dashboard.service.limits import Limits
from metrica.dashboard.service.serving import AioServer, Server, WsgiServer

Make = Callable[..., AioServer]


begun, go_on = threading.Event(), threading.Event()


def _slowly(path: str) -> None:
    if path == "/slow":
        begun.set()
        go_on.wait(20)


async def _pong(request: web.Request) -> web.Response:
    await asyncio.to_thread(_slowly, request.path)
    return web.Response(text=f"pong {len(await request.read())}")


def _wsgi(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    _slowly(environ["PATH_INFO"])
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"pong %d" % len(environ["wsgi.input"].read())]


def aio_server(**settings: Any) -> AioServer:
    app = web.Application()
    app.router.add_route("*", "/{any:.*}", _pong)
    return AioServer(app, "127.0.0.1", 0, **settings)


def wsgi_server(**settings: Any) -> AioServer:
    return WsgiServer(_wsgi, "127.0.0.1", 0, **settings)


both = pytest.mark.parametrize("make", [aio_server, wsgi_server])


@contextlib.contextmanager
def running(server: AioServer) -> Generator[AioServer]:
    try:
        yield server
    finally:
        server.stop()


def connect(server: Server, source: str = "127.0.0.1") -> socket.socket:
    host, port = server.address.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=20, source_address=(source, 0))


def is_closed(one: socket.socket, wait: float = 0) -> bool:
    """Whether the server closes it within some seconds."""
    poll = select.poll()  # select() knows only the first 1024 descriptors
    poll.register(one, select.POLLIN)
    if not poll.poll(1000 * wait):
        return False
    try:
        return one.recv(1) == b""
    except ConnectionResetError:
        return True


def answers(server: Server) -> bool:
    answer = urllib3.request("GET", server.address, timeout=20, retries=False)
    return (answer.status, answer.data) == (200, b"pong 0")


@both
def test_thousands_of_idle_connections_stop_nobody_and_the_oldest_are_closed_first(make: Make) -> None:
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(running(make(limits=Limits(connections=1000))))
        idle = [stack.enter_context(connect(server, f"127.0.0.{n % 50 + 1}")) for n in range(2500)]
        assert answers(server)
        assert not any(is_closed(one) for one in idle[-900:])
        assert sum(is_closed(one) for one in idle) in range(1500, 1503), "and no more than there must be"


@both
def test_an_idle_connection_is_closed(make: Make) -> None:
    with running(make(limits=Limits(idle=1.0))) as server, connect(server) as idle:
        idle.sendall(b"GET / HTTP/1.1\r\nHost:")  # half a request is idle too
        assert idle.recv(100) == b""


@both
def test_who_goes_without_a_word_costs_no_more_than_a_socket(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[object] = []

    class Counted(Connection):
        def __init__(self, *args: Any, **settings: Any) -> None:
            made.append(self)
            super().__init__(*args, **settings)

    monkeypatch.setattr(serving, "Connection", Counted)
    with running(make(limits=Limits(connections=3))) as server:
        for number in range(20):
            gone = connect(server)
            if number % 2:  # with a reset, and not politely
                gone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            gone.close()
        with connect(server) as one:
            one.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert b"pong 0" in one.recv(1000)
    assert len(made) == 1


def test_the_garbage_collector_leaves_alone_what_was_imported() -> None:
    with running(aio_server()):
        assert gc.get_freeze_count() > 10_000
        assert gc.get_threshold()[0] >= 10_000


@both
def test_half_a_request_that_drips_is_idle(make: Make) -> None:
    with running(make(limits=Limits(idle=1.0))) as server, connect(server) as slow:
        slow.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n")
        deadline = time.monotonic() + 20
        with contextlib.suppress(ConnectionError):
            while not is_closed(slow, 0.05) and time.monotonic() < deadline:
                slow.sendall(b"a: b\r\n")
        assert time.monotonic() < deadline


@both
def test_a_connection_of_one_address_makes_room_for_its_own_next_one(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits_module, "is_loopback", lambda address: address == "127.0.0.1")
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(running(make(limits=Limits(of_one_address=20))))
        other = stack.enter_context(connect(server, "127.0.0.3"))
        greedy = [stack.enter_context(connect(server, "127.0.0.2")) for _ in range(100)]
        assert answers(server)
        assert is_closed(greedy[79], 20)
        assert [is_closed(one) for one in greedy] == [True] * 80 + [False] * 20
        assert not is_closed(other)


@both
@pytest.mark.parametrize("part", [b"a" * 60_000, b"h: v\r\n" * 9000, b"k: " + b"v" * 4000 + b"\r\n"])
def test_an_enormous_head_is_refused_before_it_fills_the_memory(make: Make, part: bytes) -> None:
    with running(make()) as server, connect(server) as greedy:
        greedy.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n")
        answer = b""
        with contextlib.suppress(ConnectionError):
            for _ in range(4 * MAX_HEAD // len(part) + 2):
                greedy.sendall(part)
            answer = b"".join(iter(lambda: greedy.recv(4096), b""))
        if answer:
            head, _, body = answer.partition(b"\r\n\r\n")
            assert head.split()[1] in (b"400", b"431")
            assert list(json.loads(body)) == ["error"]
        assert answers(server)


@both
def test_a_long_body_many_requests_and_one_after_another_pass(make: Make) -> None:
    with running(make()) as server:
        pool = urllib3.HTTPConnectionPool(server.address.removeprefix("http://"), maxsize=1, retries=False, timeout=20)
        for size in (1_000_000, 0, 40_000, 1_000_000, 70_000):
            answer = pool.request("POST", "/", body=b"x" * size)
            assert (answer.status, answer.data) == (200, b"pong %d" % size)
        chunked = pool.request("POST", "/", body=iter([b"x" * 50_000] * 10))
        assert chunked.data == b"pong 500000"
        assert pool.num_connections == 1
    with running(make()) as server, connect(server) as pipelining:
        pipelining.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 50)
        answer = b""
        while answer.count(b"pong 0") < 50 and (more := pipelining.recv(65536)):
            answer += more
        assert answer.count(b"HTTP/1.1 200 OK") == 50


@both
def test_one_address_has_a_bounded_number_of_requests_at_a_time_also_behind_a_proxy(make: Make) -> None:
    limits = Limits(requests_of_one_address=3)
    with running(make(limits=limits, behind_proxy=True)) as server, contextlib.ExitStack() as stack:
        head = b"POST / HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 203.0.113.9, %s\r\nContent-Length: 5\r\n\r\n"
        slow = [stack.enter_context(connect(server)) for _ in range(3)]
        for one in slow:
            one.sendall(head % b"192.0.2.1")
        deadline = time.monotonic() + 20
        asked = {"X-Forwarded-For": "203.0.113.9, 192.0.2.1"}
        while (answer := urllib3.request("GET", server.address, headers=asked, retries=False)).status == 200:
            assert time.monotonic() < deadline, "a fourth request is let in"
        assert (answer.status, list(answer.json()), answer.headers["Retry-After"]) == (429, ["error"], "1")
        other = urllib3.request("GET", server.address, headers={"X-Forwarded-For": "192.0.2.2"}, retries=False)
        assert other.status == 200
        for one in slow:
            one.sendall(b"12345")
            assert one.recv(12) == b"HTTP/1.1 200"
        assert urllib3.request("GET", server.address, headers=asked, retries=False).status == 200


@both
def test_who_says_for_whom_he_asks_is_not_believed_without_a_proxy(make: Make) -> None:
    with running(make(limits=Limits(requests_of_one_address=0))) as server:
        asked = {"X-Forwarded-For": "192.0.2.1"}
        assert urllib3.request("GET", server.address, headers=asked, retries=False).status == 200


@both
def test_no_descriptors_left_is_said_and_passes(
    make: Make, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    real = socket.socket.accept
    left = [3]

    def accept(listener: socket.socket) -> Any:
        if left[0]:
            left[0] -= 1
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        return real(listener)

    monkeypatch.setattr(socket.socket, "accept", accept)
    with running(make()) as server:
        assert answers(server)
    assert "no connection can be taken at present: Too many open files" in caplog.text


@both
def test_a_request_under_way_is_finished_before_the_server_ends(make: Make) -> None:
    begun.clear()
    go_on.clear()
    with running(make()) as server, connect(server) as slow:
        slow.sendall(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
        assert begun.wait(20)
        stopping = threading.Thread(target=server.stop)
        stopping.start()
        with pytest.raises(ConnectionError):
            while True:  # until nobody else is let in
                connect(server).close()
        go_on.set()
        assert slow.recv(12) == b"HTTP/1.1 200"
        stopping.join()
        assert not server.alive
