"""Reads the bodies of requests, each within bounds of time, size and number, and parses them in a thread."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import TypeVar

from aiohttp import web
from pydantic import BaseModel, ValidationError

from metrica.dashboard.ingest.api import DATABASE
from metrica.dashboard.ingest.asking import ASKER
from metrica.dashboard.ingest.body import RequestError

T = TypeVar("T")
M = TypeVar("M", bound=BaseModel)

BODIES_OF_A_STORE = 8
"""Most bodies of one store, or user, that are read and parsed at a time, so that it cannot fill the memory."""
MEDIA = ("application/msgpack", "application/json")
"""The media types of the bodies that boxes send."""
MOST_JSON = 128 << 10
"""Most bytes of the JSON of a user, a token or a store's settings."""
_READ_TIMEOUT = 30.0  # s: a sender that is too slow must not hold a connection for ever

_PARSING = web.AppKey("parsing", asyncio.Semaphore)
"""Limits how many bodies are decoded at a time, and so the memory that they take."""
_BODIES: web.AppKey[Counter[str]] = web.AppKey("bodies", Counter)
"""How many bodies each store, or user, is sending."""


def prepare(app: web.Application) -> None:
    """Make what this file needs of the application."""
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


async def json_body(request: web.Request, model: type[M]) -> M:
    """Read a body that is small JSON. Raises RequestError 400, 408, 413, 415 and 429."""

    def parse(body: bytes, content_type: str, encoding: str, _now: int) -> M:
        if content_type != "application/json":
            raise RequestError(415, f"the content type {content_type[:40]!r} is not taken: send application/json")
        if encoding not in ("", "identity"):
            raise RequestError(415, f"the content encoding {encoding[:40]!r} is not taken: send it as it is")
        if len(body) > MOST_JSON:
            raise RequestError(413, f"the body is larger than {MOST_JSON >> 10} KiB")
        try:
            return model.model_validate_json(body)
        except ValidationError as error:
            raise RequestError(400, _sentence(error)) from None

    return await parsed(request, parse)


async def _read_and_parsed(request: web.Request, parse: Callable[[bytes, str, str, int], T]) -> T:
    try:
        async with asyncio.timeout(_READ_TIMEOUT):
            body = await request.read()
    except TimeoutError:
        raise RequestError(408, f"the body did not come within {_READ_TIMEOUT:.0f} seconds") from None
    encoding = request.headers.get("Content-Encoding", "").strip().lower()
    async with request.app[_PARSING]:
        return await asyncio.to_thread(parse, body, request.content_type, encoding, request.app[DATABASE].clock())


def _sentence(error: ValidationError) -> str:
    """Say the first thing that is wrong, without what was sent: it may be a password."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    field, kind = ".".join(str(part) for part in first["loc"])[:100], first["type"]
    if kind == "json_invalid":
        return "the body is not JSON"
    if kind == "missing":
        return f"the body has no '{field}'"
    if kind == "extra_forbidden":
        return f"the body has '{field}', which is not known here"
    return f"'{field}' is wrong: {first['msg'][:1].lower()}{first['msg'][1:]}" if field else "the body is not a map"
