"""Reads and parses the bodies of requests: with a time limit, and so that no store takes the memory of the others."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import TypeVar

from aiohttp import web

from metrica.dashboard.ingest.api import DATABASE
from metrica.dashboard.ingest.asking import ASKER
from metrica.dashboard.ingest.body import RequestError

T = TypeVar("T")

_PARSING = web.AppKey("parsing", asyncio.Semaphore)
"""Limits how many bodies are decoded at a time, and so the memory that they take."""
_BODIES: web.AppKey[Counter[str]] = web.AppKey("bodies", Counter)
"""How many bodies each store, or user, is sending."""
BODIES_OF_A_STORE = 8
"""Most bodies of one store that are read and parsed at a time, so that it cannot fill the memory, nor the queue."""
MEDIA = ("application/msgpack", "application/json")
"""The media types of the bodies that boxes send."""
_READ_TIMEOUT = 30.0  # s: a sender that is too slow must not hold a connection for ever


def prepare_reading(app: web.Application) -> None:
    """Give the application what `parsed` needs."""
    # One, because two would only wait for each other: Python runs one at a time.
    app[_PARSING] = asyncio.Semaphore(1)
    app[_BODIES] = Counter()


async def parsed(request: web.Request, parse: Callable[[bytes, str, str, int], T]) -> T:
    """Read the body and parse it in a thread. Raises RequestError."""
    bodies, asker = request.app[_BODIES], request[ASKER]
    own = asker.key
    if bodies[own] >= BODIES_OF_A_STORE:
        who = "this store" if asker.is_box else "this user"
        raise RequestError(429, f"{who} sends {BODIES_OF_A_STORE} bodies at a time: send again in a second")
    bodies[own] += 1
    try:
        return await _read_and_parsed(request, parse)
    finally:
        bodies[own] -= 1
        if not bodies[own]:
            del bodies[own]


async def _read_and_parsed(request: web.Request, parse: Callable[[bytes, str, str, int], T]) -> T:
    try:
        async with asyncio.timeout(_READ_TIMEOUT):
            body = await request.read()
    except TimeoutError:
        raise RequestError(408, f"the body did not come within {_READ_TIMEOUT:.0f} seconds") from None
    encoding = request.headers.get("Content-Encoding", "").strip().lower()
    async with request.app[_PARSING]:
        return await asyncio.to_thread(parse, body, request.content_type, encoding, request.app[DATABASE].clock())
