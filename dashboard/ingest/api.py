"""What every endpoint of the ingest shares: the route table, tokens, errors as JSON, and metrics."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from aiohttp import web
from pydantic import BaseModel

from metrica.dashboard.ingest.body import WireError
from metrica.dashboard.ingest.metrics import Metrics
from metrica.dashboard.ingest.schema import Problem
from metrica.dashboard.store.database import Database
from metrica.dashboard.store.errors import DatabaseError

log = logging.getLogger(__name__)

DATABASE = web.AppKey("database", Database)
METRICS = web.AppKey("metrics", Metrics)

RETRY_AFTER = 5
"""Seconds that a sender is asked to wait when the database cannot take anything."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Query:
    """A whole number in the query string."""

    name: str
    default: int
    least: int
    most: int
    help: str

    def read(self, request: web.Request) -> int:
        """Its value in this request. Raises WireError 400."""
        text = request.query.get(self.name)
        if text is None:
            return self.default
        if not (text.isascii() and text.isdigit() and len(text) < 10 and self.least <= int(text) <= self.most):
            raise WireError(400, f"'{self.name}' must be a whole number from {self.least} to {self.most}")
        return int(text)


@dataclass(frozen=True, slots=True)
class Route:
    """One endpoint: what serves it, and what the OpenAPI document says of it."""

    method: Literal["GET", "POST"]
    path: str
    handler: Handler
    summary: str
    answer: type[BaseModel] | str
    """The model of the answer, or its media type."""
    takes: type[BaseModel] | None = None
    query: tuple[Query, ...] = ()
    token: bool = True
    """Whether a token is needed."""
    errors: tuple[int, ...] = ()


def answer(model: BaseModel, status: int = 200) -> web.Response:
    """A model as JSON."""
    return web.Response(status=status, body=model.model_dump_json().encode(), content_type="application/json")


async def authenticate(request: web.Request) -> str:
    """The store that the request's token speaks for. Raises WireError 401."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token:
        raise WireError(401, "no token: send the header 'Authorization: Bearer TOKEN'")
    # surrogateescape: aiohttp gives bytes that are not UTF-8 as lone surrogates, which have no hash.
    text = token.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    store = await asyncio.to_thread(request.app[DATABASE].store_of_token, text)
    if store is None:
        raise WireError(401, "the token is unknown or revoked: make one with 'metrica-ingest token add STORE'")
    return store


async def allowed_store(request: web.Request) -> str:
    """The store in the request's path, if its token speaks for it. Raises WireError 401 or 403."""
    own = await authenticate(request)
    require_own(own, request.match_info["store"])
    return own


def require_own(own: str, asked: str) -> None:
    """Raises WireError 403 unless the token's store is the one asked for."""
    if own != asked:
        raise WireError(403, f"the token speaks for the store {own!r}, not for the one asked for")


def is_direct_and_local(request: web.Request) -> bool:
    """Whether the request comes from this very machine, and not through a proxy on it."""
    if "Forwarded" in request.headers or "X-Forwarded-For" in request.headers:
        return False
    try:
        return ipaddress.ip_address(request.remote or "").is_loopback
    except ValueError:
        return False


@web.middleware
async def errors_as_json(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Every error is {"error": one sentence}, every request is counted and timed."""
    began = time.perf_counter()
    try:
        response = await handler(request)
    except WireError as error:
        response = problem(error.status, str(error))
    except DatabaseError as error:
        response = problem(503, str(error))
    except web.HTTPRequestEntityTooLarge as error:
        response = problem(413, f"{error.text or 'the body is too large'}: send fewer events in one batch")
    except web.HTTPException as error:
        response = problem(error.status, _sentence(error, request))
        if "Allow" in error.headers:
            response.headers["Allow"] = error.headers["Allow"]
    except Exception:  # logged, counted as a 500, and the server goes on
        log.exception("%s %s failed", request.method, request.path)
        response = problem(500, "the server failed; its log says why")
    resource = request.match_info.route.resource
    route = resource.canonical if resource is not None else "unknown"
    request.app[METRICS].observe(request.method, route, response.status, time.perf_counter() - began)
    return response


def problem(status: int, sentence: str) -> web.Response:
    """An error answer."""
    response = answer(Problem(error=sentence), status)
    if status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    if status == 503:
        response.headers["Retry-After"] = str(RETRY_AFTER)
    return response


def _sentence(error: web.HTTPException, request: web.Request) -> str:
    if error.status == 404:
        return "there is nothing at this address: /openapi.json lists what there is"
    if isinstance(error, web.HTTPMethodNotAllowed):
        return f"{request.method} does not work here: use {' or '.join(sorted(error.allowed_methods))}"
    return error.reason
