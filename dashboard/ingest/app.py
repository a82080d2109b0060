"""The ingest, an aiohttp application: it takes the events and coverage of the boxes, and answers with figures."""

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
from metrica.dashboard.ingest.body import MAX_BODY, RequestError, parse_coverage, parse_events
from metrica.dashboard.ingest.metrics import Metrics
from metrica.dashboard.ingest.misdirected import ANY_ADDRESS, expect, wrong_address, wrong_method
from metrica.dashboard.ingest.openapi import openapi
from metrica.dashboard.ingest.schema import CoverageBatch, CoverageReceipt, EventBatch, EventReceipt, ServerStatus
from metrica.dashboard.reports.answers import PATIENCE, Answers
from metrica.dashboard.reports.reports import Reports
from metrica.dashboard.store.database import Database
from metrica.version import __version__

T = TypeVar("T")

_PARSING = web.AppKey("parsing", asyncio.Semaphore)
"""Limits how many bodies are decoded at a time, and so the memory that they take."""
_READ_TIMEOUT = 30.0  # s: a sender that is too slow must not hold a connection for ever


async def post_events(request: web.Request) -> web.Response:
    """Take a batch of events. The answer is sent after the accepted events are on the disk."""
    own = await authenticate(request)
    database = request.app[DATABASE]
    batch = await _parsed(request, parse_events)
    require_own(own, batch.store)
    added = await asyncio.wrap_future(database.events.add(own, batch.events))
    request.app[METRICS].events(accepted=added.accepted, duplicates=added.duplicates, refused=len(batch.refused))
    return answer(EventReceipt(accepted=added.accepted, duplicates=added.duplicates, refused=batch.refused))


async def post_coverage(request: web.Request) -> web.Response:
    """Take a batch of coverage. The answer is sent after it is on the disk."""
    own = await authenticate(request)
    batch = await _parsed(request, parse_coverage)
    require_own(own, batch.store)
    await asyncio.wrap_future(request.app[DATABASE].coverage.add(own, batch.spans))
    return answer(CoverageReceipt(kept=len(batch.spans)))


async def _parsed(request: web.Request, parse: Callable[[bytes, str, str, int], T]) -> T:
    """Read the body and parse it in a thread. Raises RequestError."""
    try:
        async with asyncio.timeout(_READ_TIMEOUT):
            body = await request.read()
    except TimeoutError:
        raise RequestError(408, f"the body did not come within {_READ_TIMEOUT:.0f} seconds") from None
    encoding = request.headers.get("Content-Encoding", "").strip().lower()
    async with request.app[_PARSING]:
        return await asyncio.to_thread(parse, body, request.content_type, encoding, request.app[DATABASE].clock())


async def healthz(request: web.Request) -> web.Response:
    """Answer that the server is up; 503 if its database does not answer, or cannot be written to any more."""
    await asyncio.to_thread(request.app[DATABASE].require_writing)
    return answer(ServerStatus(status="ok", version=__version__))


async def metrics(request: web.Request) -> web.Response:
    """Answer with the counters. Programs on this machine need no token, others do."""
    if not is_direct_and_local(request):
        await authenticate(request)
    return web.Response(body=request.app[METRICS].text(), headers={"Content-Type": "text/plain; version=0.0.4"})


async def openapi_json(_request: web.Request) -> web.Response:
    """Answer with the OpenAPI document."""
    return web.json_response(openapi(ROUTES), dumps=lambda document: json.dumps(document, indent=1))


ROUTES: tuple[Route, ...] = (
    Route(
        "POST",
        "/v1/events",
        post_events,
        "Send a batch of crossings",
        EventReceipt,
        takes=EventBatch,
        errors=(400, 408, 413, 415),
    ),
    Route(
        "POST",
        "/v1/watched",
        post_coverage,
        "Say when cameras looked",
        CoverageReceipt,
        takes=CoverageBatch,
        errors=(400, 408, 413, 415),
    ),
    *kpi_routes.ROUTES,
    Route("GET", "/healthz", healthz, "Whether the server is up and its database answers", ServerStatus, token=False),
    Route(
        "GET", "/metrics", metrics, "Counters for Prometheus; open to this machine, others need a token", "text/plain"
    ),
    Route("GET", "/openapi.json", openapi_json, "This document", "application/json", token=False),
)
"""Every endpoint. The application and the OpenAPI document are both made from this list."""


def create_app(database: Database, *, patience: float | None = PATIENCE) -> web.Application:
    """Make the ingest over a database, to be run by `metrica.dashboard.service.serving.AioServer`.

    patience: seconds until the last figures are given instead of fresh ones; None waits for fresh ones.
    """
    app = web.Application(middlewares=[errors_as_json], client_max_size=MAX_BODY)
    app[DATABASE] = database
    app[_PARSING] = asyncio.Semaphore(2)
    app[METRICS] = Metrics(database)
    app[kpi_routes.ANSWERS] = answers = Answers(Reports(database), patience=patience)
    database.before_close(answers.close)
    for route in ROUTES:
        app.router.add_route(route.method, route.path, route.handler, expect_handler=expect)
        app.router.add_route("*", route.path, wrong_method(route.method), expect_handler=expect)
    app.router.add_route("*", ANY_ADDRESS, wrong_address, expect_handler=expect)
    return app
