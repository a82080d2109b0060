"""A server that answers each request with bytes of the test's choice, at the test's pace."""

from __future__ import annotations

import contextlib
import gzip
import socket
import threading
import time
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager

import msgpack

Say = Callable[[list[str]], Iterable[bytes]]
"""From the ids of the events in a request to the pieces of the answer, 50 ms apart."""


class BadServer:
    """Reads each request whole, then sends what `say` makes of it, and closes the connection."""

    def __init__(self, say: Say, *, reads: bool = True) -> None:
        self.say, self.reads = say, reads
        self.requests: list[list[str]] = []
        self._server = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self._server.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=self._talk, args=(self._server.accept()[0],), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            if not self.reads:
                time.sleep(10)
                return
            for piece in self.say(self._ids(connection)):
                connection.sendall(piece)
                time.sleep(0.05)

    def _ids(self, connection: socket.socket) -> list[str]:
        with connection.makefile("rb") as file:
            length = 0
            while (line := file.readline().strip()) != b"":
                if line.lower().startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
            body = msgpack.unpackb(gzip.decompress(file.read(length)))
        self.requests.append([event["id"] for event in body.get("events", [])])
        return self.requests[-1]


def answer(body: bytes, *, status: str = "200 OK", headers: str = "") -> bytes:
    """A whole answer over HTTP."""
    return (
        f"HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {len(body)}\r\n{headers}\r\n".encode("latin-1")
        + body
    )


@contextmanager
def bad_server(say: Say, *, reads: bool = True) -> Generator[BadServer]:
    server = BadServer(say, reads=reads)
    try:
        yield server
    finally:
        server.close()
