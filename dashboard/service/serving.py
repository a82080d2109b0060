"""Servers that run in a thread, with aiohttp: one for an application of its kind, one for the pages (WSGI).

Both listen as soon as they are constructed, or raise AddressError.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import resource
import socket
import sys
import threading
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, Protocol

from aiohttp import hdrs, web

from metrica.dashboard.service.accepting import Acceptor
from metrica.dashboard.service.addresses import is_loopback, network_of, visitor
from metrica.dashboard.service.calm import calm_logger
from metrica.dashboard.service.connection import Connection, json_error
from metrica.dashboard.service.errors import AddressError
from metrica.dashboard.service.garbage import leave_alone_what_stays
from metrica.dashboard.service.limits import Connections, Held, Limits
from metrica.dashboard.service.tls import Certificate
from metrica.dashboard.service.wsgi import WsgiApp, from_wsgi

log = calm_logger(__name__)
for _library in ("aiohttp.server", "aiohttp.web", "asyncio"):
    calm_logger(_library)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
"""Answers a request, as aiohttp calls it."""

_HSTS = f"max-age={180 * 86400}"
_RETRY_AFTER = "1"  # s
_LAST_CALL = 0.1  # s
_SWITCH = 0.0002  # s
_BACKLOG = 4096  # connections that the kernel keeps until they are taken; its own limit is net.core.somaxconn


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
        return socket.create_server((str(address[0]), int(address[1])), family=family, backlog=_BACKLOG)
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
    """Where it listens: http://host:port, or https://host:port."""

    @property
    def alive(self) -> bool:
        """Whether its thread is running."""
        ...

    def stop(self) -> None:
        """Refuse new connections, finish the present requests, end the threads. May be called twice."""
        ...


class AioServer:
    """An aiohttp application in a thread, from construction to `stop`."""

    def __init__(
        self,
        app: web.Application,
        host: str,
        port: int,
        *,
        drain: float = 5.0,
        limits: Limits | None = None,
        certificate: Certificate | None = None,
        behind_proxy: bool = False,
        name: str = "metrica-ingest",
    ) -> None:
        """Listen and serve. drain: seconds that the present requests may still take when the server stops.

        certificate: serve HTTPS with it. behind_proxy: a reverse proxy on this machine says for whom it asks.
        name: of the thread. Raises AddressError if the port cannot be listened on.
        """
        limits = limits or Limits()
        # Bodies are decoded, and figures computed, in other threads. The loop asks for Python's lock after each of its
        # steps that waits for the kernel, which are a dozen for a request. It gets it after this time, not after the
        # usual 5 ms.
        sys.setswitchinterval(_SWITCH)
        leave_alone_what_stays()
        # Some descriptors are left for files and the connections of the database.
        descriptors = _raise_descriptor_limit()
        room = max(descriptors - 1000, descriptors // 2)
        most = limits.connections if certificate is None else limits.connections_with_tls
        self._limits = replace(limits, connections=min(most, room))
        self._socket = listen(host, port)
        self._drain = drain
        self._certificate = certificate
        self._loop = asyncio.new_event_loop()
        self._stopping = asyncio.Event()
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        app.middlewares.insert(0, _Gate(self._limits, behind_proxy).middleware)
        app.on_response_prepare.append(self._finish_headers)
        self._thread = threading.Thread(target=self._run, args=(app,), name=name, daemon=True)
        self.address = _url(self._socket, "http" if certificate is None else "https")
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
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=self._drain)
        await runner.setup()
        server = runner.server
        assert server is not None, "it is made by setup()"
        book = Connections(self._limits)

        def make(record: Held) -> Connection:
            # The book closes what is idle, so aiohttp's own time limit has nothing to do.
            return Connection(
                server,
                book,
                record,
                loop=self._loop,
                auto_decompress=False,
                access_log=None,
                keepalive_timeout=2 * self._limits.idle,
                read_bufsize=16 << 10,
            )

        accepting = self._loop.create_task(
            Acceptor(self._socket, book, make, certificate=self._certificate).run(), name="accepting"
        )
        stopping = self._loop.create_task(self._stopping.wait())
        try:
            self._ready.set()
            await asyncio.wait((accepting, stopping), return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()
            ended = accepting.done()
            if not ended:
                await asyncio.sleep(_LAST_CALL)  # what was sent before the stop is taken
            accepting.cancel()
            await asyncio.wait((accepting,))
            self._socket.close()
            await runner.cleanup()
        if ended:
            accepting.result()  # raises what ended it

    async def _finish_headers(self, _request: web.Request, response: web.StreamResponse) -> None:
        response.headers.popall(hdrs.SERVER, None)  # whoever looks for a weak version shall not be told it
        if self._certificate is not None:
            response.headers["Strict-Transport-Security"] = _HSTS


class WsgiServer(AioServer):
    """A WSGI application in a thread, from construction to `stop`."""

    def __init__(
        self,
        app: WsgiApp,
        host: str,
        port: int,
        *,
        threads: int = 6,
        drain: float = 5.0,
        limits: Limits | None = None,
        certificate: Certificate | None = None,
        behind_proxy: bool = False,
    ) -> None:
        """Listen and serve, as AioServer does. threads: how many requests are answered at a time.

        behind_proxy: take the browser's address and scheme from the headers of a reverse proxy on this machine.
        """
        super().__init__(
            from_wsgi(app, threads=threads, behind_proxy=behind_proxy),
            host,
            port,
            drain=drain,
            limits=limits,
            certificate=certificate,
            behind_proxy=behind_proxy,
            name="metrica-dashboard",
        )


class _Gate:
    """Tells the connection when its request begins and ends, and bounds how many one visitor has at a time."""

    def __init__(self, limits: Limits, behind_proxy: bool) -> None:
        self._limits, self._behind_proxy = limits, behind_proxy
        self._count: dict[str, int] = {}

    async def _pass(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        address = visitor(request, behind_proxy=self._behind_proxy)
        if is_loopback(address):
            return await handler(request)
        network = network_of(address)
        present = self._count.get(network, 0)
        if present >= self._limits.requests_of_one_address:
            refusal = json_error(429, "too many requests of your address at a time: send them one after another")
            refusal.headers[hdrs.RETRY_AFTER] = _RETRY_AFTER
            return refusal
        self._count[network] = present + 1
        try:
            return await handler(request)
        finally:
            self._count[network] -= 1
            if not self._count[network]:
                del self._count[network]

    @property
    def middleware(self) -> Any:
        """For aiohttp's list of middlewares."""

        @web.middleware
        async def gate(request: web.Request, handler: Handler) -> web.StreamResponse:
            connection = request.protocol
            if not isinstance(connection, Connection):
                return await self._pass(request, handler)
            connection.begin(request)
            try:
                return await self._pass(request, handler)
            finally:
                connection.end(request)

        return gate


def _url(sock: socket.socket, scheme: str) -> str:
    host, port = sock.getsockname()[:2]
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def say(text: str) -> None:
    """Write one line to standard output and flush it."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
