"""One request over a socket of its own, as raw as the attack wants it, from any address of this machine."""

from __future__ import annotations

import http.client
import json
import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field

home = "127.0.0.2"
"""Where requests come from unless they say otherwise; each attacker sets its own, or one would be limited for all."""
_LONGEST = 15.0
"""Seconds that an attacker waits for an answer."""


@dataclass
class Answer:
    """What came back. status 0: the connection ended, or nothing came in time."""

    status: int
    headers: dict[str, str] = field(default_factory=dict[str, str])
    body: bytes = b""
    seconds: float = 0.0

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")

    @property
    def is_json(self) -> bool:
        try:
            json.loads(self.body)
        except ValueError:
            return False
        return True


def connect(port: int, source: str, timeout: float = _LONGEST) -> socket.socket:
    """A connection from one of the addresses 127.0.0.0/8. Raises OSError."""
    return socket.create_connection(("127.0.0.1", port), timeout=timeout, source_address=(source, 0))


def raw(port: int, data: bytes, *, source: str = "", method: str = "GET", wait: float = _LONGEST) -> Answer:
    """Send these bytes and read one answer. method: only says whether the answer has a body."""
    began = time.monotonic()
    try:
        with connect(port, source or home, wait) as sock:
            with suppress(BrokenPipeError, ConnectionResetError):  # it may have answered before it has read all
                sock.sendall(data)
            response = http.client.HTTPResponse(sock, method=method)
            response.begin()
            body = response.read()
            headers = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, headers, body, time.monotonic() - began)
    except (OSError, http.client.HTTPException, ValueError):
        return Answer(0, seconds=time.monotonic() - began)


def ask(
    port: int,
    method: str,
    path: str,
    *,
    headers: Mapping[str, str] | None = None,
    body: bytes = b"",
    source: str = "",
    wait: float = _LONGEST,
) -> Answer:
    """A well-formed request."""
    given = {"Host": "127.0.0.1", "Connection": "close", **(headers or {})}
    if body or method in ("POST", "PUT"):
        given["Content-Length"] = str(len(body))
    lines = "".join(f"{name}: {value}\r\n" for name, value in given.items())
    data = f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode("utf-8", "surrogateescape") + body
    return raw(port, data, source=source, method=method, wait=wait)
