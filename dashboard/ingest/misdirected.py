"""Requests that no endpoint takes: a wrong address, a wrong method, a header `Expect` that is not known.

The ingest has routes of its own for them, so that they pass its middleware: every error is then JSON.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import NoReturn

from aiohttp import HttpVersion11, web

ANY_ADDRESS = "/{unknown:.*}"
"""The pattern of every address; the route for it comes last."""
UNKNOWN = "/{unknown}"
"""How aiohttp names that route."""


async def expect(request: web.Request) -> None:
    """Answer `Expect: 100-continue`, and ignore anything else, as RFC 9110 (10.1.1) allows."""
    if request.version >= HttpVersion11 and request.headers.get("Expect", "").lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0  # otherwise aiohttp takes this for a part of the answer


async def wrong_address(_request: web.Request) -> NoReturn:
    """Say that there is nothing at this address."""
    raise web.HTTPNotFound


def wrong_method(right: str) -> Callable[[web.Request], Awaitable[NoReturn]]:
    """Make the handler for every method of an address but `right`."""

    async def refuse(request: web.Request) -> NoReturn:
        raise web.HTTPMethodNotAllowed(request.method, [right])

    return refuse
