"""Takes the connections of a listening socket, within its limits, with TLS or without."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from asyncio import sslproto
from collections.abc import Callable
from functools import partial

from metrica.dashboard.service.calm import CALM, calm_logger
from metrica.dashboard.service.fair import FairQueue
from metrica.dashboard.service.limits import Connections, Held, held
from metrica.dashboard.service.tls import Certificate

log = calm_logger(__name__)

_NO_ROOM = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
_HANDSHAKE = 10.0  # s
_AT_ONCE = 16  # connections that are taken, or begun, before other work of the loop has its turn
_REFRESH = 10.0  # s, between two looks at the files of the certificate

# asyncio sets 256 KiB aside for each connection with TLS. A record of TLS has 16 KiB (RFC 8446, 5.1).
sslproto.SSLProtocol.max_size = 32 << 10


class Acceptor:
    """Takes connections until it is cancelled. The book says which, and closes those that are idle for too long."""

    def __init__(
        self,
        listener: socket.socket,
        book: Connections,
        make: Callable[[Held], asyncio.Protocol],
        *,
        certificate: Certificate | None,
    ) -> None:
        """make: returns the protocol of a new connection."""
        self._listener, self._book, self._make, self._certificate = listener, book, make, certificate
        self._loop = asyncio.get_running_loop()
        self._silent: dict[Held, socket.socket] = {}
        self._spoken = FairQueue[Held]()
        self._starting: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Take connections. Ends only when it is cancelled."""
        self._listener.setblocking(False)
        sweeping = self._loop.create_task(self._sweep())
        try:
            while True:
                for _ in range(_AT_ONCE):
                    await self._take_one()
                await asyncio.sleep(0)  # `sock_accept` does not wait if somebody waits already
        finally:
            sweeping.cancel()
            for record in list(self._silent):
                self._hang_up_silent(record)
            for task in self._starting:
                task.cancel()

    async def _take_one(self) -> None:
        try:
            connection, address = await self._loop.sock_accept(self._listener)
        except OSError as error:
            if error.errno not in _NO_ROOM:  # the sender has gone again
                return
            log.error("no connection can be taken at present: %s", error.strerror)
            self._book.close_oldest()
            await asyncio.sleep(0.1)
            return
        record = held(str(address[0]), connection.close)
        if not self._book.take(record, self._loop.time()):
            connection.close()
            return
        # A connection that says nothing costs no more than its socket: the rest is made when its first bytes come.
        connection.setblocking(False)
        self._silent[record] = connection
        record.hang_up = partial(self._hang_up_silent, record)
        # By its number: of a socket that it does not know yet, the selector makes a text for an error, with two calls
        # of the kernel.
        self._loop.add_reader(connection.fileno(), self._first_bytes, record)

    def _hang_up_silent(self, record: Held) -> None:
        connection = self._silent.pop(record)
        self._loop.remove_reader(connection)
        connection.close()

    def _first_bytes(self, record: Held) -> None:
        try:
            said = self._silent[record].recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return
        except OSError:
            said = b""
        if not said:  # gone without a word, which costs no more than its socket either
            self._book.lost(record)
            self._hang_up_silent(record)
            return
        self._loop.remove_reader(self._silent[record])
        if not self._spoken:
            self._loop.call_soon(self._start_some)
        self._spoken.put(record.address, record)

    def _start_some(self) -> None:
        started = 0
        while self._spoken and started < _AT_ONCE:
            record = self._spoken.get()
            connection = self._silent.pop(record, None)
            if connection is None:  # hung up meanwhile
                continue
            task = self._loop.create_task(self._start(connection, record))
            self._starting.add(task)
            task.add_done_callback(self._starting.discard)
            record.hang_up = task.cancel
            started += 1
        if self._spoken:
            self._loop.call_soon(self._start_some)

    async def _start(self, connection: socket.socket, record: Held) -> None:
        secure = self._certificate is not None
        try:
            await self._loop.connect_accepted_socket(
                lambda: self._make(record),
                connection,
                ssl=self._certificate.context if self._certificate is not None else None,
                ssl_handshake_timeout=_HANDSHAKE if secure else None,
                ssl_shutdown_timeout=2.0 if secure else None,
            )
        except (OSError, asyncio.CancelledError):  # no TLS, or gone: nothing that the owner of the server can mend
            self._book.lost(record)
            connection.close()

    async def _sweep(self) -> None:
        looked = self._loop.time()
        more = False
        while True:
            await asyncio.sleep(0.02 if more else 0.5)
            more = self._book.sweep(self._loop.time())
            CALM.flush()
            if self._certificate is not None and self._loop.time() - looked >= _REFRESH:
                looked = self._loop.time()
                with contextlib.suppress(OSError):
                    await asyncio.to_thread(self._certificate.refresh)
