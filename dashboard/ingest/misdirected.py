"""Requests that no endpoint takes: a wrong address, or a wrong method.

The ingest has routes of its own for them, so that they pass its middleware: every error is then JSON.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import NoReturn

from aiohttp import web

ANY_ADDRESS = "/{unknown:.*}"
"""The pattern of every address; the route for it comes last."""
UNKNOWN = "/{unknown}"
"""How aiohttp names that route."""


async def wrong_address(_request: web.Request) -> NoReturn:
    """Say that there is nothing at this address."""
    raise web.HTTPNotFound


def wrong_method(right: Sequence[str]) -> Callable[[web.Request], Awaitable[NoReturn]]:
    """Make the handler for every method of an address but those in `right`."""

    async def refuse(request: web.Request) -> NoReturn:
        raise web.HTTPMethodNotAllowed(request.method, right)

    return refuse
