"""Connections that send nothing stop neither of the servers."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import os
import socket
from collections.abc import Callable, Iterable
from typing import Any

import pytest
import urllib3
from aiohttp import web

from metrica.dashboard.service import serving
from metrica.dashboard.service.serving import AioServer, LoopErrors, Server, WsgiServer


async def _pong(_request: web.Request) -> web.Response:
    return web.Response(text="pong")


def _wsgi(_environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"pong"]


def aio_server() -> Server:
    app = web.Application()
    app.router.add_get("/", _pong)
    return AioServer(app, "127.0.0.1", 0)


def wsgi_server() -> Server:
    return WsgiServer(_wsgi, "127.0.0.1", 0)


def idle_connection(server: Server) -> socket.socket:
    host, port = server.address.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=20)


@pytest.mark.parametrize("make", [aio_server, wsgi_server])
def test_1200_idle_connections_stop_nobody(make: Callable[[], Server]) -> None:
    server = make()
    with contextlib.ExitStack() as stack:
        stack.callback(server.stop)
        for _ in range(1200):
            stack.enter_context(idle_connection(server))
        answer = urllib3.request("GET", server.address, timeout=20, retries=False)
        assert (answer.status, answer.data) == (200, b"pong")


@pytest.mark.parametrize("make", [aio_server, wsgi_server])
def test_an_idle_connection_is_closed(make: Callable[[], Server], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "_IDLE", 1.0)
    server = make()
    try:
        with idle_connection(server) as idle:
            idle.sendall(b"GET / HTTP/1.1\r\nHost:")  # half a request is idle too
            assert idle.recv(100)[:12] in (b"", b"HTTP/1.1 408")
    finally:
        server.stop()


def test_connections_that_cannot_be_taken_are_one_line_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    now = [0.0]
    errors = LoopErrors(clock=lambda: now[0])
    loop = asyncio.new_event_loop()
    no_room = OSError(errno.EMFILE, os.strerror(errno.EMFILE))
    with contextlib.closing(loop), caplog.at_level(logging.INFO):
        for _ in range(1000):
            errors(loop, {"message": "socket.accept() out of system resource", "exception": no_room})
        assert [record.getMessage() for record in caplog.records] == [
            "no connection can be taken at present: Too many open files"
        ]
        now[0] = 61
        errors(loop, {"message": "socket.accept() out of system resource", "exception": no_room})
        errors(loop, {"message": "another error"})
    assert len(caplog.records) == 3
