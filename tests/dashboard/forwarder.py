"""A plain reverse proxy: it passes bytes on, and adds no header that would betray it."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Generator


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while chunk := source.recv(65536):
            sink.sendall(chunk)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


def _serve(listener: socket.socket, host: str, port: int) -> None:
    with contextlib.suppress(OSError):
        while True:
            outside, _ = listener.accept()
            inside = socket.create_connection((host, port))
            for pair in ((outside, inside), (inside, outside)):
                threading.Thread(target=_pump, args=pair, daemon=True).start()


@contextlib.contextmanager
def plain_proxy(address: str) -> Generator[str]:
    """A proxy in front of the server at this address; gives its own address."""
    host, port = address.rpartition("/")[2].split(":")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        serving = threading.Thread(target=_serve, args=(listener, host, int(port)), daemon=True)
        serving.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
        serving.join()
