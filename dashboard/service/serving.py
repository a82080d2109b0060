"""Servers that run in a thread: aiohttp for the ingest, waitress for the pages.

Both listen as soon as they are constructed, or raise AddressError.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import resource
import socket
import sys
import threading
import time
from collections.abc import Callable
from typing import Any, Protocol

from aiohttp import web
from waitress import wasyncore
from waitress.server import create_server

from metrica.dashboard.service.errors import AddressError

log = logging.getLogger(__name__)

# waitress warns when requests wait for a thread. That is normal: a browser asks for twenty scripts at once.
logging.getLogger("waitress.queue").setLevel(logging.ERROR)


_IDLE = 30.0  # s: a connection without a request is closed after this
_CONNECTIONS = 20_000  # most connections of the pages at a time
_NO_ROOM = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


class LoopErrors:
    """Logs the errors of an event loop; one line a minute when no connection can be taken, and not one for each."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """clock: seconds, monotonic."""
        self._clock = clock
        self._next = float("-inf")

    def __call__(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Handle an error, as `loop.set_exception_handler` asks for it."""
        error = context.get("exception")
        if not isinstance(error, OSError) or error.errno not in _NO_ROOM:
            loop.default_exception_handler(context)
        elif self._clock() >= self._next:
            self._next = self._clock() + 60
            log.error("no connection can be taken at present: %s", error.strerror)


def _raise_descriptor_limit() -> int:
    """Raise the limit of open files, which limits connections too, up to what root allows. Returns the new limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 65_536 if hard == resource.RLIM_INFINITY else min(65_536, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        return wanted
    return wanted if soft == resource.RLIM_INFINITY else soft


def listen(host: str, port: int) -> socket.socket:
    """Listen on host and port (0: any free one). Raises AddressError, which says what to do."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    except (socket.gaierror, OverflowError, UnicodeError) as error:
        raise AddressError(f"the host {host!r} is not known here ({error}): give an address of this machine") from None
    try:
        return socket.create_server((str(address[0]), int(address[1])), family=family, backlog=128)
    except OSError as error:
        raise AddressError(_listen_problem(error, host, port)) from None
    except OverflowError:
        raise AddressError(f"{port} is not a port: choose one from 1024 to 65535") from None


def _listen_problem(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} is taken by another program: choose another port, or stop it"
    if error.errno == errno.EADDRNOTAVAIL:
        return f"the address {host} is not one of this machine: use 127.0.0.1, or 0.0.0.0 for all"
    if error.errno == errno.EACCES:
        return f"port {port} needs root: choose one above 1023"
    return f"cannot listen on {host} port {port}: {error.strerror}"


class Server(Protocol):
    """A server that runs in a thread of its own."""

    address: str
    """Where it listens: http://host:port."""

    @property
    def alive(self) -> bool:
        """Whether its thread is running."""
        ...

    def stop(self) -> None:
        """Refuse new connections, finish the present requests, end the threads. May be called twice."""
        ...


class AioServer:
    """An aiohttp application in a thread, from construction to `stop`."""

    def __init__(self, app: web.Application, host: str, port: int, *, drain: float = 5.0) -> None:
        """Listen and serve. drain: seconds that the present requests may still take when the server stops.

        Raises AddressError if the port cannot be listened on.
        """
        _raise_descriptor_limit()
        self._socket = listen(host, port)
        self._drain = drain
        self._loop = asyncio.new_event_loop()
        self._loop.set_exception_handler(LoopErrors())
        self._stopping = asyncio.Event()
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, args=(app,), name="metrica-ingest", daemon=True)
        self.address = _url(self._socket)
        self._thread.start()
        self._ready.wait()
        if self._failure is not None:
            raise self._failure

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def stop(self) -> None:
        """Refuse new connections, finish the present requests, end the thread. May be called twice."""
        with contextlib.suppress(RuntimeError):  # the loop is closed already
            self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join()

    def _run(self, app: web.Application) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve(app))
        except Exception as error:
            self._failure = error
            if self._ready.is_set():
                log.exception("the server on %s ended", self.address)
        finally:
            self._loop.run_until_complete(self._loop.shutdown_default_executor())
            self._loop.close()
            self._socket.close()
            self._ready.set()

    async def _serve(self, app: web.Application) -> None:
        # metrica.dashboard.ingest.body decompresses, because aiohttp would do it without a limit of the size.
        runner = web.AppRunner(
            app, auto_decompress=False, access_log=None, shutdown_timeout=self._drain, keepalive_timeout=_IDLE
        )
        await runner.setup()
        try:
            await web.SockSite(runner, self._socket).start()
            self._ready.set()
            await self._stopping.wait()
        finally:
            await runner.cleanup()


class WsgiServer:
    """A WSGI application under waitress in a thread, from construction to `stop`."""

    def __init__(
        self, app: Any, host: str, port: int, *, threads: int = 6, drain: float = 5.0, behind_proxy: bool = False
    ) -> None:
        """Listen and serve. drain: seconds that the present requests may still take when the server stops.

        behind_proxy: take the browser's address and scheme from the headers of a reverse proxy on this machine.
        Raises AddressError if the port cannot be listened on.
        """
        trust: dict[str, Any] = {}
        if behind_proxy:
            headers = {"x-forwarded-for", "x-forwarded-proto", "x-forwarded-host"}
            trust = {"trusted_proxy": "127.0.0.1", "trusted_proxy_headers": headers}
        connections = min(_CONNECTIONS, _raise_descriptor_limit() // 2)
        self._socket = listen(host, port)
        self.address = _url(self._socket)
        self._drain = drain
        self._map: dict[int, Any] = {}
        # The signature allows other types too; with one socket it returns a TcpWSGIServer.
        self._server: Any = create_server(
            app,
            map=self._map,
            sockets=[self._socket],
            threads=threads,
            ident=None,
            clear_untrusted_proxy_headers=True,
            connection_limit=connections,
            channel_timeout=int(_IDLE),
            cleanup_interval=5,
            **trust,
        )
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="metrica-dashboard", daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def stop(self) -> None:
        """Refuse new connections, finish the present requests, end the threads. May be called twice."""
        if not self._stopping.is_set():
            self._stopping.set()
            self._server.pull_trigger()
        self._thread.join()

    def _run(self) -> None:
        # This replaces waitress's own run(), which can be ended only by an exception in its thread.
        while not self._stopping.is_set():
            self._poll_once(1.0)
        for _ in range(3):  # accept the last connections, read their requests, begin to answer
            self._poll_once(0.02)
        deadline = time.monotonic() + self._drain
        while any(c.requests or c.total_outbufs_len for c in self._server.active_channels.values()):
            if time.monotonic() > deadline:
                break
            self._poll_once(0.05)
        self._server.task_dispatcher.shutdown(timeout=1)
        wasyncore.close_all(self._map)

    def _poll_once(self, timeout: float) -> None:
        wasyncore.loop(timeout=timeout, map=self._map, count=1, use_poll=True)


def _url(sock: socket.socket) -> str:
    host, port = sock.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def say(text: str) -> None:
    """Write one line to standard output and flush it."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
