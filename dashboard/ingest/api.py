"""What the endpoints of the ingest share: routes, errors as JSON, and metrics. Who asks is in `asking.py`."""

from __future__ import annotations

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
from metrica.dashboard.ingest.schemas.events import Problem
from metrica.dashboard.people.errors import ForbiddenError, UnknownError
from metrica.dashboard.people.rights import Right
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


Needs = Right | Literal["any", "nobody", "own"]
"""What whoever asks must be allowed: a right, for the store in the path if there is one; `any` if a valid token is
enough (and, with a store in the path, that the store is theirs); `nobody` if no token is needed; `own` if the handler
has a token of its own, that of no store and no user."""

_JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Route:
    """One endpoint, for the application and for the OpenAPI document."""

    method: Literal["GET", "POST", "PUT", "DELETE"]
    """The HTTP method."""
    path: str
    """The path, with a variable part in braces. {store} is a store of whoever asks: see `asking.guarded`."""
    handler: Handler
    """The function that answers a request; called only when `needs` is met."""
    summary: str
    """What the endpoint does, in one line for the OpenAPI document."""
    answer: type[BaseModel] | str
    """The model of the answer, or its media type."""
    needs: Needs
    """Who may call it. It has no default, so that no new endpoint forgets it."""
    also: tuple[str, ...] = ()
    """Other media types that a request may ask for."""
    takes: type[BaseModel] | None = None
    """The model of the request's body."""
    media: tuple[str, ...] = (_JSON,)
    """The media types of the body that it takes."""
    query: tuple[Parameter, ...] = ()
    """The parameters that it reads from the query string."""
    errors: tuple[int, ...] = ()
    """HTTP statuses of its errors, besides those of the token, of a path with braces, and 503."""


def answer(model: BaseModel, status: int = 200, *, without_defaults: bool = False) -> web.Response:
    """Make an answer: the model as JSON. without_defaults: leave out the fields that have their default value."""
    text = model.model_dump_json(exclude_defaults=without_defaults)
    return web.Response(status=status, body=text.encode(), content_type="application/json")


@web.middleware
async def errors_as_json(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn every error into {"error": one sentence}, and count and time every request."""
    began = time.perf_counter()
    try:
        response = await handler(request)
    except RequestError as error:
        response = problem(error.status, str(error))
    except UnknownError as error:
        response = problem(404, str(error))
    except ForbiddenError as error:
        response = problem(403, str(error))
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
