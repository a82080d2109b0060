"""A proxy before a real server that does seven things to one request in ten each."""

from __future__ import annotations

import http.client
import random
import socket
import struct
import threading
from collections import Counter
from contextlib import suppress

FAULTS = ("reset", "500", "429", "half", "garbage", "lost", "trickle")
"""Cut before the server has it; 500; 429; half an answer; 200 with garbage; the answer lost; a byte now and then."""
_RESET = struct.pack("ii", 1, 0)


class BadLine:
    """Takes HTTP requests on `port` and hands them to a server, unless a fault comes in between.

    share: how often each fault comes. trickle: seconds between two bytes of an answer that trickles.
    """

    def __init__(self, to: int, *, share: float = 0.1, trickle: float = 10.0, seed: int = 1, port: int = 0) -> None:
        self.done: Counter[str] = Counter()
        self._to, self._share, self._trickle = to, share, trickle
        self._rng = random.Random(seed)
        self._server = socket.create_server(("127.0.0.1", port))
        self.port = int(self._server.getsockname()[1])
        self._closing = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._closing.set()
        with suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near = self._server.accept()[0]
                threading.Thread(target=self._serve, args=(near,), daemon=True).start()

    def _serve(self, near: socket.socket) -> None:
        with near, suppress(OSError, http.client.HTTPException, ValueError):
            near.settimeout(60)
            with near.makefile("rb") as reader:
                while self._one(near, reader):  # type: ignore[arg-type]
                    pass

    def _one(self, near: socket.socket, reader: socket.SocketIO) -> bool:
        """One request and its answer. Returns whether the connection is kept."""
        first = reader.readline().decode("latin-1").split()
        if len(first) < 2:
            return False
        headers: dict[str, str] = {}
        while line := reader.readline().strip().decode("latin-1"):
            name, _, value = line.partition(":")
            headers[name.strip()] = value.strip()
        body = reader.read(int(headers.get("Content-Length", "0"))) or b""
        fault = self._draw()
        self.done[fault] += 1
        if fault == "reset":
            near.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            return False
        if fault in ("500", "429"):
            after = "Retry-After: 2\r\n" if fault == "429" else ""
            near.sendall(f"HTTP/1.1 {fault} No\r\n{after}Content-Length: 0\r\n\r\n".encode())
            return True
        if fault == "garbage" and self._rng.random() < 0.5:
            near.sendall(_answer(bytes(self._rng.randrange(256) for _ in range(200))))
            return True
        answer = self._ask(first[0], first[1], headers, body)
        if fault == "lost":
            near.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            return False
        if fault == "half":
            near.sendall(answer[: len(answer) // 2])
            return False
        if fault == "garbage":
            near.sendall(_answer(b'{"accepted":0,"duplicates":0,"refused":[]}'))
            return True
        if fault == "trickle":
            for byte in answer:
                near.sendall(bytes([byte]))
                if self._closing.wait(self._trickle):
                    return False
            return False
        near.sendall(answer)
        return True

    def _draw(self) -> str:
        drawn = self._rng.random()
        number = int(drawn / self._share) if self._share else len(FAULTS)
        return FAULTS[number] if number < len(FAULTS) else "none"

    def _ask(self, method: str, path: str, headers: dict[str, str], body: bytes) -> bytes:
        """The server's whole answer, as bytes."""
        connection = http.client.HTTPConnection("127.0.0.1", self._to, timeout=60)
        try:
            connection.request(method, path, body=body, headers=headers)
            response = connection.getresponse()
            found = response.read()
            head = f"HTTP/1.1 {response.status} {response.reason}\r\nContent-Type: application/json\r\n"
            after = response.getheader("Retry-After")
            head += f"Retry-After: {after}\r\n" if after else ""
            return f"{head}Content-Length: {len(found)}\r\n\r\n".encode() + found
        finally:
            connection.close()


def _answer(body: bytes) -> bytes:
    return f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
