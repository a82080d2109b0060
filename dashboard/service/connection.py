"""One HTTP connection of a server: aiohttp's, with a bound on the head of a request, and errors as JSON."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from aiohttp import HttpVersion11, hdrs, web

from metrica.dashboard.service.calm import calm_logger
from metrica.dashboard.service.limits import Connections, Held

log = calm_logger(__name__)

MAX_HEAD = 32 << 10
"""Most bytes of a request's first line and headers."""
_READS = 512 << 10  # bytes: a few reads of the socket, which may arrive before a request is begun
_MAX_BODY = 2 << 20  # bytes: a body that is larger than any that is taken; the applications have limits of their own
_HEAD_END = b"\r\n\r\n"


class Connection(web.RequestHandler):
    """A connection that is in the book of its server."""

    def __init__(self, server: web.Server, book: Connections, record: Held, **settings: Any) -> None:
        """record: the connection's own, which `book` has taken. settings: those of aiohttp's RequestHandler."""
        super().__init__(server, **settings)
        self._book, self._record = book, record
        self._in_head, self._room, self._tail = True, MAX_HEAD, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.Transport):
            self._record.hang_up = transport.abort
            self._record.pending = transport.get_write_buffer_size
        super().connection_made(transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        self._book.lost(self._record)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        # aiohttp bounds each header and their number, which is a megabyte together: too much for thousands of idle
        # connections. So everything is counted that may come before a request begins, and with it.
        if self._in_head:
            if _HEAD_END in self._tail + data:
                self._in_head, self._room = False, _READS
            else:
                self._tail = (self._tail + data)[1 - len(_HEAD_END) :]
        self._room -= len(data)
        if self._room >= 0:
            super().data_received(data)
        elif self.transport is not None:
            self.transport.write(_TOO_LARGE)
            self.force_close()

    def begin(self, request: web.BaseRequest) -> None:
        """A request of this connection has begun."""
        body = request.content_length if request.content_length is not None else _MAX_BODY
        self._room = min(body, _MAX_BODY) + MAX_HEAD
        self._book.begin(self._record, self._loop.time())

    def go_on(self) -> None:
        """A part of an answer that is sent in parts was taken by its reader."""
        self._book.go_on(self._record, self._loop.time())

    def end(self, request: web.BaseRequest) -> None:
        """The request is answered."""
        if request.content.is_eof():
            self._in_head, self._room, self._tail = True, MAX_HEAD, b""
        self._book.end(self._record, self._loop.time())

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer what is not HTTP, which is no error of the server's, and errors that the application did not catch."""
        if status >= 500 and not isinstance(exc, ConnectionError):
            log.error("a request failed", exc_info=exc)
        if request.writer.output_size > 0:
            raise ConnectionError("half an answer is sent already")
        sentence = "the server failed; its log says why" if status >= 500 else "the request is not HTTP as it should be"
        answer = json_error(status, sentence)
        answer.force_close()
        return answer


async def expect(request: web.Request) -> None:
    """Answer `Expect: 100-continue`, and ignore anything else, as RFC 9110 (10.1.1) allows."""
    if request.version >= HttpVersion11 and request.headers.get("Expect", "").lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0  # otherwise aiohttp takes this for a part of the answer


def json_error(status: int, sentence: str) -> web.Response:
    """Make an answer {"error": one sentence}."""
    return web.Response(
        status=status, text=json.dumps({"error": sentence}, ensure_ascii=False), content_type="application/json"
    )


def _raw(status: str, sentence: str) -> bytes:
    body = json.dumps({"error": sentence})
    return (
        f"HTTP/1.1 {status}\r\n{hdrs.CONTENT_TYPE}: application/json\r\n{hdrs.CONTENT_LENGTH}: {len(body)}\r\n"
        f"{hdrs.CONNECTION}: close\r\n\r\n{body}"
    ).encode()


_TOO_LARGE = _raw("431 Request Header Fields Too Large", "the headers are too large: send less than 32 KiB")
