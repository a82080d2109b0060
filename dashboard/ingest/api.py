"""What the endpoints of the ingest share: routes, tokens, errors as JSON, and metrics."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from aiohttp import web
from pydantic import BaseModel

from metrica.dashboard.database.errors import DatabaseError
from metrica.dashboard.ingest.body import RequestError
from metrica.dashboard.ingest.metrics import Metrics
from metrica.dashboard.ingest.misdirected import UNKNOWN
from metrica.dashboard.ingest.parameters import Parameter
from metrica.dashboard.ingest.schema import Problem
from metrica.dashboard.service.calm import calm_logger
from metrica.dashboard.store.database import Database

log = calm_logger(__name__)

DATABASE = web.AppKey("database", Database)
"""The application's database."""
METRICS = web.AppKey("metrics", Metrics)
"""The application's counters."""

RETRY_AFTER = 5
"""Seconds that a sender is asked to wait after a 503."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
"""Answers a request, as aiohttp calls it."""


@dataclass(frozen=True, slots=True)
class Route:
    """One endpoint, for the application and for the OpenAPI document."""

    method: Literal["GET", "POST", "DELETE"]
    """The HTTP method."""
    path: str
    """The path, with a variable part in braces, such as {store}."""
    handler: Handler
    """The function that answers a request."""
    summary: str
    """What the endpoint does, in one line for the OpenAPI document."""
    answer: type[BaseModel] | str
    """The model of the answer, or its media type."""
    also: tuple[str, ...] = ()
    """Other media types that a request may ask for."""
    takes: type[BaseModel] | None = None
    """The model of the request's body."""
    media: tuple[str, ...] = ("application/msgpack", "application/json")
    """The media types that the body may have."""
    query: tuple[Parameter, ...] = ()
    """The parameters that it reads from the query string."""
    token: bool = True
    """Whether a token is needed."""
    errors: tuple[int, ...] = ()
    """HTTP statuses of its errors, besides those of the token and 503."""


def answer(model: BaseModel, status: int = 200, *, without_defaults: bool = False) -> web.Response:
    """Make an answer: the model as JSON. without_defaults: leave out the fields that have their default value."""
    text = model.model_dump_json(exclude_defaults=without_defaults)
    return web.Response(status=status, body=text.encode(), content_type="application/json")


async def authenticate(request: web.Request) -> str:
    """Return the id of the store that the request's token speaks for. Raises RequestError 401."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token:
        raise RequestError(401, "no token: send the header 'Authorization: Bearer TOKEN'")
    # aiohttp decodes bytes that are not UTF-8 as lone surrogates, which cannot be hashed: replace them.
    text = token.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    store = await asyncio.to_thread(request.app[DATABASE].tokens.store_of, text)
    if store is None:
        raise RequestError(401, "the token is unknown or revoked: make one with 'metrica-admin token add STORE'")
    return store


async def allowed_store(request: web.Request) -> str:
    """Return the id of the store in the request's path. Raises RequestError 401, or 403 for another store's token."""
    own = await authenticate(request)
    require_own(own, request.match_info["store"])
    return own


def require_own(own: str, asked: str) -> None:
    """Raise RequestError 403 unless the token's store (`own`) is the one asked for."""
    if own != asked:
        raise RequestError(403, f"the token speaks for the store {own!r}, not for the one asked for")


@web.middleware
async def errors_as_json(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn every error into {"error": one sentence}, and count and time every request."""
    began = time.perf_counter()
    try:
        response = await handler(request)
    except RequestError as error:
        response = problem(error.status, str(error))
    except DatabaseError as error:
        response = problem(503, str(error))
    except web.HTTPRequestEntityTooLarge as error:
        response = problem(413, f"{error.text or 'the body is too large'}: send fewer events in one batch")
    except web.HTTPException as error:
        response = problem(error.status, _sentence(error, request))
        if "Allow" in error.headers:
            response.headers["Allow"] = error.headers["Allow"]
    except (ConnectionError, web.RequestPayloadError):  # gone, or not HTTP, in the middle of its body: not our failure
        response = problem(400, "the body did not come whole")
    except Exception:  # one broken request must not end the server
        log.exception("%s %s failed", request.method, request.path)
        response = problem(500, "the server failed; its log says why")
    resource = request.match_info.route.resource
    route = resource.canonical if resource is not None and resource.canonical != UNKNOWN else "unknown"
    request.app[METRICS].observe(request.method, route, response.status, time.perf_counter() - began)
    return response


def problem(status: int, sentence: str) -> web.Response:
    """Make an answer for an error."""
    response = answer(Problem(error=sentence), status)
    if status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    if status in (429, 503):
        response.headers["Retry-After"] = str(RETRY_AFTER if status == 503 else 1)
    return response


def _sentence(error: web.HTTPException, request: web.Request) -> str:
    if error.status == 404:
        return "there is nothing at this address: /openapi.json lists what there is"
    if isinstance(error, web.HTTPMethodNotAllowed):
        return f"{request.method} does not work here: use {' or '.join(sorted(error.allowed_methods))}"
    return error.reason
