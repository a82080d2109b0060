"""A line that can be cut or frozen: a TCP proxy in a thread."""

from __future__ import annotations

import selectors
import socket
import struct
import threading
import time
from contextlib import suppress

_RESET = struct.pack("ii", 1, 0)
"""SO_LINGER: closing sends a reset."""


class Line:
    """Carries bytes between whoever connects to `port` and another port of this machine."""

    def __init__(self, to: int) -> None:
        self.to = to
        self._server = self._listen(0)
        self.port = int(self._server.getsockname()[1])
        self.frozen = False
        """Whether connections are taken and kept, and carry nothing."""
        self._up = True
        self._closing = False
        self._selector = selectors.DefaultSelector()
        self._other: dict[socket.socket, socket.socket] = {}
        self._lock = threading.Lock()
        self._selector.register(self._server, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def cut(self) -> None:
        """Reset every connection and refuse new ones."""
        with self._lock:
            self._up = False
            self._selector.unregister(self._server)
            self._server.close()
            self._drop_all()

    def restore(self) -> None:
        """Take connections again."""
        with self._lock:
            self._server = self._listen(self.port)
            self._selector.register(self._server, selectors.EVENT_READ)
            self._up, self.frozen = True, False

    def drop(self) -> None:
        """Reset every connection; new ones are taken."""
        with self._lock:
            self._drop_all()

    def close(self) -> None:
        self._closing = True
        self._thread.join()
        with self._lock:
            self._drop_all()
            self._server.close()

    def _run(self) -> None:
        while not self._closing:
            if self.frozen:
                time.sleep(0.05)
                with self._lock:
                    self._accept_if_any()
                continue
            with self._lock:
                ready = [key.fileobj for key, _ in self._selector.select(0.0)]
                for found in ready:
                    assert isinstance(found, socket.socket)
                    if found is self._server:
                        self._accept_if_any()
                    elif found in self._other:
                        self._carry(found)
            if not ready:
                time.sleep(0.005)

    def _accept_if_any(self) -> None:
        if not self._up:
            return
        try:
            near = self._server.accept()[0]
        except (BlockingIOError, OSError):
            return
        try:
            far = socket.create_connection(("127.0.0.1", self.to), timeout=2)
        except OSError:
            self._reset(near)
            return
        near.setblocking(True)
        for one, other in ((near, far), (far, near)):
            one.settimeout(2.0)
            self._other[one] = other
            self._selector.register(one, selectors.EVENT_READ)

    def _carry(self, source: socket.socket) -> None:
        other = self._other[source]
        try:
            data = source.recv(1 << 16)
            if data:
                other.sendall(data)
                return
        except OSError:
            self._drop(source)
            return
        self._drop(source)

    def _drop(self, one: socket.socket) -> None:
        other = self._other.pop(one, None)
        if other is None:
            return
        self._other.pop(other, None)
        for each in (one, other):
            with suppress(KeyError, ValueError):
                self._selector.unregister(each)
            self._reset(each)

    def _drop_all(self) -> None:
        for one in list(self._other):
            self._drop(one)

    def _reset(self, one: socket.socket) -> None:
        with suppress(OSError):
            one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        one.close()

    def _listen(self, port: int) -> socket.socket:
        server = socket.create_server(("127.0.0.1", port))
        server.setblocking(False)
        return server
