"""Attacks by how slowly or how often somebody connects."""

from __future__ import annotations

import resource
import socket
from collections.abc import Iterator
from contextlib import suppress

from benchmarks.hostile.notes import Notes
from benchmarks.hostile.target import Target, Until, bearer
from benchmarks.hostile.wire import connect

_IDLE = 10_000


def idle_connections(target: Target, notes: Notes, until: Until) -> Iterator[None]:
    """Ten thousand connections that say nothing, from a hundred addresses, half to each server."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    most = min(_IDLE, hard - 500)
    held: list[socket.socket] = []
    number = 0
    while until:
        if len(held) < most:
            for _ in range(50):
                number += 1
                port = target.ingest if number % 2 else target.dashboard
                with suppress(OSError):
                    held.append(connect(port, f"127.0.2.{number % 100 + 1}", 2.0))
                    held[-1].setblocking(False)
        else:
            for old in held[:100]:
                old.close()
            del held[:100]
        notes.requests = number
        notes.remarks["held at most"] = max(notes.remarks.get("held at most", 0), len(held))
        yield
    for each in held:
        each.close()


def slowloris(target: Target, notes: Notes, until: Until) -> Iterator[None]:
    """Two hundred requests whose heads come a byte at a time and never end."""
    yield from _drip(target, notes, until, b"GET / HTTP/1.1\r\nHost: x\r\nX-A: ", b"b", 200)


def dripping_bodies(target: Target, notes: Notes, until: Until) -> Iterator[None]:
    """Two hundred uploads with a valid token whose bodies come a byte at a time."""
    token = "".join(f"{name}: {value}\r\n" for name, value in bearer(target.slow).items())
    more = "Content-Type: application/json\r\nContent-Length: 900000\r\n"
    head = f"POST /v1/events HTTP/1.1\r\nHost: x\r\n{token}{more}\r\n"
    yield from _drip(target, notes, until, head.encode(), b" ", 200)


def resets(target: Target, notes: Notes, until: Until) -> Iterator[None]:
    """Connections that are cut in the middle of a request, or while the answer comes."""
    heads = [b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n", b"POST /v1/events HTTP/1.1\r\nContent-Length: 9", b"\0"]
    while until:
        for port in (target.ingest, target.dashboard):
            for head in heads:
                with suppress(OSError):
                    sock = connect(port, "127.0.0.15", 2.0)
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                    sock.sendall(head)
                    sock.close()
                notes.requests += 1
        yield


def _drip(target: Target, notes: Notes, until: Until, head: bytes, drop: bytes, most: int) -> Iterator[None]:
    held: list[socket.socket] = []
    number = 0
    while until:
        while len(held) < most:
            number += 1
            try:
                sock = connect(target.ingest if number % 2 else target.dashboard, f"127.0.3.{number % 50 + 1}", 2.0)
                sock.setblocking(False)
                sock.send(head)
                held.append(sock)
            except OSError:
                break
        for sock in list(held):
            try:
                sock.send(drop)
            except OSError:
                held.remove(sock)
                sock.close()
        notes.requests = number
        notes.remarks["held at most"] = max(notes.remarks.get("held at most", 0), len(held))
        yield
    for each in held:
        each.close()
