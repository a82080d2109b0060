"""The ingest: takes the events of the boxes and answers what the pages show. An aiohttp application."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import TypeVar

from aiohttp import web

from metrica.dashboard.ingest import kpi_routes
from metrica.dashboard.ingest.api import (
    DATABASE,
    METRICS,
    Route,
    answer,
    authenticate,
    errors_as_json,
    is_direct_and_local,
    require_own,
)
from metrica.dashboard.ingest.body import MAX_BODY, WireError, parse_batch, parse_watch
from metrica.dashboard.ingest.metrics import Metrics
from metrica.dashboard.ingest.openapi import openapi
from metrica.dashboard.ingest.schema import Batch, Health, Kept, Receipt, Watch
from metrica.dashboard.store.coverage import add_coverage
from metrica.dashboard.store.database import Database
from metrica.dashboard.store.reports import Reports
from metrica.version import __version__

T = TypeVar("T")

_READ_TIMEOUT = 30.0  # s: a sender that trickles its body must not hold a connection for ever


async def post_events(request: web.Request) -> web.Response:
    """Take a batch. It is answered only after the accepted events are on the disk."""
    own = await authenticate(request)
    database = request.app[DATABASE]
    batch = await _parsed(request, parse_batch)
    require_own(own, batch.store)
    added = await asyncio.wrap_future(database.add_events(own, batch.events))
    request.app[METRICS].events(accepted=added.accepted, duplicates=added.duplicates, refused=len(batch.refused))
    return answer(Receipt(accepted=added.accepted, duplicates=added.duplicates, refused=batch.refused))


async def post_watched(request: web.Request) -> web.Response:
    """Take the times at which cameras looked. It is answered only after they are on the disk."""
    own = await authenticate(request)
    watch = await _parsed(request, parse_watch)
    require_own(own, watch.store)
    await asyncio.wrap_future(add_coverage(request.app[DATABASE], own, watch.watched))
    return answer(Kept(kept=len(watch.watched)))


async def _parsed(request: web.Request, parse: Callable[[bytes, str, str, int], T]) -> T:
    """What the body says. Raises WireError."""
    try:
        async with asyncio.timeout(_READ_TIMEOUT):
            body = await request.read()
    except TimeoutError:
        raise WireError(408, f"the body did not come within {_READ_TIMEOUT:.0f} seconds") from None
    encoding = request.headers.get("Content-Encoding", "").strip().lower()
    return await asyncio.to_thread(parse, body, request.content_type, encoding, request.app[DATABASE].clock())


async def healthz(request: web.Request) -> web.Response:
    """Whether the server is up and its database answers."""
    await asyncio.to_thread(request.app[DATABASE].stores)
    return answer(Health(status="ok", version=__version__))


async def metrics(request: web.Request) -> web.Response:
    """Open to this machine; anybody else needs a token."""
    if not is_direct_and_local(request):
        await authenticate(request)
    return web.Response(body=request.app[METRICS].text(), headers={"Content-Type": "text/plain; version=0.0.4"})


async def openapi_json(_request: web.Request) -> web.Response:
    """This interface, described."""
    return web.json_response(openapi(ROUTES), dumps=lambda document: json.dumps(document, indent=1))


ROUTES: tuple[Route, ...] = (
    Route(
        "POST",
        "/v1/events",
        post_events,
        "Send a batch of crossings",
        Receipt,
        takes=Batch,
        errors=(400, 408, 413, 415),
    ),
    Route(
        "POST",
        "/v1/watched",
        post_watched,
        "Say when cameras looked",
        Kept,
        takes=Watch,
        errors=(400, 408, 413, 415),
    ),
    *kpi_routes.ROUTES,
    Route("GET", "/healthz", healthz, "Whether the server is up and its database answers", Health, token=False),
    Route(
        "GET", "/metrics", metrics, "Counters for Prometheus; open to this machine, others need a token", "text/plain"
    ),
    Route("GET", "/openapi.json", openapi_json, "This document", "application/json", token=False),
)
"""Every endpoint: the application and the OpenAPI document are both made from it."""


def create_app(database: Database) -> web.Application:
    """The ingest over a database; `metrica.dashboard.service.serving.AioServer` hosts it, or whatever runs aiohttp."""
    app = web.Application(middlewares=[errors_as_json], client_max_size=MAX_BODY)
    app[DATABASE] = database
    app[METRICS] = Metrics(database)
    app[kpi_routes.REPORTS] = Reports(database)
    for route in ROUTES:
        app.router.add_route(route.method, route.path, route.handler)
    return app
