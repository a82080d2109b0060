"""One HTTP exchange: connect, send, wait and read, with one time limit for all of it and a bounded answer."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection

EXCHANGE_SECONDS = 30.0
"""The time limit of one exchange, from the connection to the last byte of the answer."""
LARGEST_ANSWER = 4 << 20
"""The largest body of an answer, bytes. A receipt that refuses each of 5,000 events is smaller."""
_CONNECT_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer of a server."""

    status: int
    reason: str
    """The words after the status, such as `Not Found`."""
    retry_after: str
    """The header `Retry-After`; empty if there is none."""
    date: str
    """The header `Date`; empty if there is none."""
    body: bytes


class Exchange:
    """A connection that is kept open between exchanges. Only one thread at a time may use it.

    Args:
        headers: Sent with each request.
        ca_file: Certificates of whom to trust over HTTPS; None for those of the system.
        largest: The largest body of an answer, bytes.
    """

    def __init__(
        self, headers: Mapping[str, str], ca_file: Path | None = None, *, largest: int = LARGEST_ANSWER
    ) -> None:
        self._headers, self._largest = headers, largest
        self._connection: HTTPConnection | None = None
        self._socket: socket.socket | None = None
        self._end = 0.0
        keep = self._keep

        class Plain(HTTPConnection):
            def _new_conn(self) -> socket.socket:
                return keep(self, super()._new_conn())

        class Secure(HTTPSConnection):
            def _new_conn(self) -> socket.socket:
                return keep(self, super()._new_conn())

        self._pool = urllib3.PoolManager(
            num_pools=1, maxsize=1, retries=False, ca_certs=str(ca_file) if ca_file else None
        )
        kinds = dict(self._pool.pool_classes_by_scheme)
        kinds["http"] = type("Pool", (urllib3.HTTPConnectionPool,), {"ConnectionCls": Plain})
        kinds["https"] = type("SecurePool", (urllib3.HTTPSConnectionPool,), {"ConnectionCls": Secure})
        self._pool.pool_classes_by_scheme = kinds

    def get(self, address: str, *, seconds: float = EXCHANGE_SECONDS) -> Answer:
        """Ask for something, and read the whole answer. Raises what `post` raises."""
        return self._exchange("GET", address, None, seconds)

    def post(self, address: str, body: bytes, *, seconds: float = EXCHANGE_SECONDS) -> Answer:
        """Send a request and read the whole answer.

        Raises TimeoutError when the time is over, also while bytes still come, ValueError if the answer is too large,
        and urllib3's HTTPError or OSError for everything else that goes wrong on the way.
        """
        return self._exchange("POST", address, body, seconds)

    def _exchange(self, method: str, address: str, body: bytes | None, seconds: float) -> Answer:
        self._end = time.monotonic() + seconds
        # A time limit of the socket starts again with each byte, so another thread cuts the connection.
        cut = threading.Timer(seconds, self._cut)
        cut.daemon = True
        cut.start()
        try:
            return self._ask(
                method, address, body, urllib3.Timeout(connect=min(_CONNECT_SECONDS, seconds), read=seconds)
            )
        except (urllib3.exceptions.HTTPError, OSError) as error:
            self._check_time(error)
            raise
        finally:
            cut.cancel()
            if self._connection is not None and self._connection.sock is None:
                self._let_go()

    def close(self) -> None:
        self._pool.clear()
        self._let_go()

    def _ask(self, method: str, address: str, body: bytes | None, timeout: urllib3.Timeout) -> Answer:
        response = self._pool.request(
            method, address, body=body, headers=self._headers, timeout=timeout, preload_content=False
        )
        whole = False
        try:
            data = response.read(self._largest + 1, decode_content=False)
            self._check_time()  # a body that ends with the connection looks whole when it was cut
            if len(data) > self._largest:
                raise ValueError(f"the answer is larger than {self._largest >> 20} MiB")
            whole = True
        finally:
            if not whole:
                response.close()
            response.release_conn()
        retry_after, date = (response.headers.get(name, "") for name in ("Retry-After", "Date"))
        return Answer(response.status, response.reason or "", retry_after, date, data)

    def _keep(self, connection: HTTPConnection, made: socket.socket) -> socket.socket:
        """Remember a new connection by a second handle, which stays valid when TLS takes over the first."""
        self._let_go()
        self._connection, self._socket = connection, made.dup()
        left = self._end - time.monotonic()
        made.settimeout(max(0.001, left))  # so far it is the limit for connecting, too short to send on a slow line
        if left <= 0:
            self._cut()
        return made

    def _let_go(self) -> None:
        if self._socket is not None:
            self._socket.close()
        self._connection = self._socket = None

    def _cut(self) -> None:
        made = self._socket  # the timer's thread comes here while the other one may let go of it
        try:
            if made is not None:
                made.shutdown(socket.SHUT_RDWR)
        except OSError:
            return  # it has been closed, here or at the other end

    def _check_time(self, error: Exception | None = None) -> None:
        if time.monotonic() >= self._end:
            raise TimeoutError("there was no whole answer in time") from error
