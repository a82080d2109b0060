"""A WSGI application as one of aiohttp, so that pages and ingest are served, limited and stopped in the same way.

The bodies that the pages take and give are small, so both are held whole (PEP 3333 allows it).
"""

from __future__ import annotations

import asyncio
import io
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit

from aiohttp import web

from metrica.dashboard.service.addresses import is_loopback, visitor
from metrica.dashboard.service.connection import expect, json_error

WsgiApp = Callable[[dict[str, Any], Any], Iterable[bytes]]
"""A WSGI application."""

URGENT = "/healthz"
"""The address that has a thread of its own, so that it answers while all others are busy."""

_MAX_BODY = 1 << 20  # bytes
_READ_TIMEOUT = 30.0  # s
_MOST_WAITING = 256  # requests
_HOP_BY_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "upgrade", "trailer", "te"})


def from_wsgi(app: WsgiApp, *, threads: int, behind_proxy: bool) -> web.Application:
    """Make an aiohttp application of a WSGI application. Each request runs in one of some threads.

    behind_proxy: take the browser's address, scheme and host from the X-Forwarded headers of a reverse proxy on this
    machine. Nobody else's reach the application.
    """
    bridge = _Bridge(app, threads, behind_proxy)
    application = web.Application(client_max_size=_MAX_BODY)
    application.router.add_route("*", "/{path:.*}", bridge.answer, expect_handler=expect)
    application.on_cleanup.append(bridge.close)
    return application


class _Bridge:
    def __init__(self, app: WsgiApp, threads: int, behind_proxy: bool) -> None:
        self._app, self._behind_proxy = app, behind_proxy
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="metrica-pages")
        self._urgent = ThreadPoolExecutor(1, thread_name_prefix="metrica-pages-urgent")
        self._waiting = 0

    async def close(self, _application: web.Application) -> None:
        for pool in (self._pool, self._urgent):
            pool.shutdown(wait=True, cancel_futures=True)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        try:
            async with asyncio.timeout(_READ_TIMEOUT):
                body = await request.read()
        except TimeoutError:
            return json_error(408, f"the body did not come within {_READ_TIMEOUT:.0f} seconds")
        except (ConnectionError, web.RequestPayloadError):  # gone, or not HTTP, in the middle of its body
            return json_error(400, "the body did not come whole")
        except web.HTTPRequestEntityTooLarge:
            return json_error(413, f"the body is larger than {_MAX_BODY >> 20} MiB")
        if self._waiting >= _MOST_WAITING:
            return json_error(503, "too many requests at a time: try again in a few seconds")
        environ = _environ(request, body, behind_proxy=self._behind_proxy)
        pool = self._urgent if environ["PATH_INFO"] == URGENT else self._pool
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(pool, _call, self._app, environ)
        finally:
            self._waiting -= 1


def _environ(request: web.Request, body: bytes, *, behind_proxy: bool) -> dict[str, Any]:
    """Return the environment of PEP 3333 for a request."""
    target = request.raw_path
    if not target.startswith("/"):  # a proxy's http://host/path, or *
        parts = urlsplit(target)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    path, _, query = target.partition("?")
    trusted = behind_proxy and is_loopback(request.remote or "")
    server = request.transport.get_extra_info("sockname") if request.transport else None
    environ: dict[str, Any] = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "QUERY_STRING": query,
        "REQUEST_URI": request.raw_path,
        "SERVER_NAME": str(server[0]) if server else "localhost",
        "SERVER_PORT": str(server[1]) if server else "80",
        "SERVER_PROTOCOL": f"HTTP/{request.version.major}.{request.version.minor}",
        "REMOTE_ADDR": visitor(request, behind_proxy=behind_proxy),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": request.scheme,
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        "wsgi.input_terminated": True,
    }
    for raw_name, raw_value in request.raw_headers:
        name, value = raw_name.decode("latin-1").upper(), raw_value.decode("latin-1")
        # X_Forwarded_For would look like X-Forwarded-For.
        if "_" in name or (not trusted and (name == "FORWARDED" or name.startswith("X-FORWARDED-"))):
            continue
        key = f"HTTP_{name.replace('-', '_')}"
        environ[key] = f"{environ[key]}{'; ' if name == 'COOKIE' else ','}{value}" if key in environ else value
    environ["CONTENT_TYPE"] = environ.pop("HTTP_CONTENT_TYPE", "")
    environ.pop("HTTP_TRANSFER_ENCODING", None)
    environ.pop("HTTP_CONTENT_LENGTH", None)
    environ["CONTENT_LENGTH"] = str(len(body))
    if trusted:
        scheme = _last(environ.get("HTTP_X_FORWARDED_PROTO", ""))
        if scheme in ("http", "https"):
            environ["wsgi.url_scheme"] = scheme
        if host := _last(environ.get("HTTP_X_FORWARDED_HOST", "")):
            environ["HTTP_HOST"] = host
    return environ


def _last(text: str) -> str:
    return text.rpartition(",")[2].strip()


def _call(app: WsgiApp, environ: dict[str, Any]) -> web.Response:
    """Run the application, in a thread, and return its whole answer."""
    started: list[tuple[str, list[tuple[str, str]]]] = []
    written: list[bytes] = []

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], None]:
        if exc_info is None and started:
            raise AssertionError("start_response was called twice")
        started[:] = [(status, headers)]
        return written.append

    given = app(environ, start_response)
    try:
        written.extend(given)
    finally:
        close = getattr(given, "close", None)
        if close is not None:
            close()
    status, listed = started[0]
    code, _, reason = status.partition(" ")
    # aiohttp says the length itself; only of what HEAD leaves out it cannot know it.
    left_out = _HOP_BY_HOP if environ["REQUEST_METHOD"] == "HEAD" else _HOP_BY_HOP | {"content-length"}
    headers = [(name, value) for name, value in listed if name.lower() not in left_out]
    body = b"".join(written)
    if not body and not any(name.lower() == "content-type" for name, _ in headers):
        return web.Response(status=int(code), reason=reason, headers=headers)
    return web.Response(status=int(code), reason=reason, headers=headers, body=body)
