"""The demonstration that comes with Metrica: which file it is, and ports that are free for it."""

from __future__ import annotations

import socket
from pathlib import Path

FILE = str(Path(__file__).with_name("demo.yaml"))
"""The launch file of the demo."""

_HOST = "127.0.0.1"
_PAGE, _INGEST = 8051, 8081
"""The ports in demo.yaml; a real store has others, so that both may run on one machine."""


def free_ports() -> list[str]:
    """The `--set` arguments that move the demonstration to free ports; none if its own ports are free."""
    found: list[str] = []
    if not _is_free(_PAGE):
        found.append("dashboard.port=0")
    if not _is_free(_INGEST):
        with socket.create_server((_HOST, 0)) as server:
            port = server.getsockname()[1]
        found += [f"ingest.port={port}", *(f"{node}.url=http://{_HOST}:{port}" for node in ("uploader", "reporter"))]
    return found


def _is_free(port: int) -> bool:
    try:
        socket.create_server((_HOST, port)).close()
    except OSError:
        return False
    return True
