"""The ingest, an aiohttp application: it takes the events and coverage of the boxes, and answers with figures."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Sequence

from aiohttp import web

from metrica.dashboard.ingest import box_routes, export_routes, kpi_routes, people_routes, store_routes, webhook_routes
from metrica.dashboard.ingest.access import MetricsAccess
from metrica.dashboard.ingest.api import (
    DATABASE,
    METRICS,
    Route,
    answer,
    errors_as_json,
)
from metrica.dashboard.ingest.asking import guarded, require_sender
from metrica.dashboard.ingest.bodies import parsed, prepare
from metrica.dashboard.ingest.body import MAX_BODY, RequestError, parse_coverage, parse_events
from metrica.dashboard.ingest.metrics import Metrics
from metrica.dashboard.ingest.misdirected import ANY_ADDRESS, wrong_address, wrong_method
from metrica.dashboard.ingest.openapi import openapi
from metrica.dashboard.ingest.pulse import Pulse
from metrica.dashboard.ingest.schemas.events import (
    CoverageBatch,
    CoverageReceipt,
    EventBatch,
    EventReceipt,
    Later,
    ServerStatus,
)
from metrica.dashboard.people.rights import SEND
from metrica.dashboard.reports.answers import PATIENCE, Answers
from metrica.dashboard.reports.reports import Reports
from metrica.dashboard.service.connection import expect
from metrica.dashboard.store.database import Database
from metrica.dashboard.webhooks.worker import WebhookWorker
from metrica.version import __version__

_METRICS_ACCESS = web.AppKey("metrics_access", MetricsAccess)
_PULSE = web.AppKey("pulse", Pulse)
_WORKER = web.AppKey("webhooks", WebhookWorker)


async def post_events(request: web.Request) -> web.Response:
    """Take a batch of events. The answer is sent after the accepted events are on the disk."""
    batch = await parsed(request, parse_events)
    await require_sender(request, batch.store)
    added = await asyncio.wrap_future(request.app[DATABASE].events.add(batch.store, batch.events))
    request.app[_WORKER].nudge(batch.store)
    request.app[METRICS].events(
        accepted=added.accepted, duplicates=added.duplicates, refused=len(batch.refused), later=len(batch.later)
    )
    if batch.events:
        request.app[box_routes.UPLOADS].note(batch.store)
    _require_understood(batch.later, batch.takes_later)
    receipt = EventReceipt(
        accepted=added.accepted, duplicates=added.duplicates, refused=batch.refused, later=batch.later
    )
    return answer(receipt, without_defaults=True)


async def post_coverage(request: web.Request) -> web.Response:
    """Take a batch of coverage. The answer is sent after it is on the disk."""
    batch = await parsed(request, parse_coverage)
    await require_sender(request, batch.store)
    await asyncio.wrap_future(request.app[DATABASE].coverage.add(batch.store, batch.spans))
    if batch.spans:
        request.app[box_routes.UPLOADS].note(batch.store)
    _require_understood(batch.later, batch.takes_later)
    return answer(CoverageReceipt(kept=len(batch.spans), later=batch.later), without_defaults=True)


def _require_understood(later: Sequence[Later], takes_later: bool) -> None:
    """Raise RequestError 503 if something waits, and its sender does not understand `later`.

    It would take what waits for delivered. So it sends the whole batch again; what was written meanwhile counts once.
    """
    if later and not takes_later:
        raise RequestError(503, f"{len(later)} of the batch cannot be taken yet: {later[0].reason}")


async def healthz(request: web.Request) -> web.Response:
    """Answer that the server is up; 503 if its database does not answer, or cannot be written to any more."""
    request.app[_PULSE].require()
    return answer(ServerStatus(status="ok", version=__version__))


async def metrics(request: web.Request) -> web.Response:
    """Answer with the counters, to whoever has their token."""
    request.app[_METRICS_ACCESS].check(request)
    text = await asyncio.to_thread(request.app[METRICS].text)  # it asks the database
    return web.Response(body=text, headers={"Content-Type": "text/plain; version=0.0.4"})


async def openapi_json(_request: web.Request) -> web.Response:
    """Answer with the OpenAPI document."""
    return web.json_response(openapi(ROUTES), dumps=lambda document: json.dumps(document, indent=1))


_MEDIA = ("application/msgpack", "application/json")

ROUTES: tuple[Route, ...] = (
    Route(
        "POST",
        "/v1/events",
        post_events,
        "Send a batch of crossings",
        EventReceipt,
        SEND,
        takes=EventBatch,
        media=_MEDIA,
        errors=(400, 408, 413, 415),
    ),
    Route(
        "POST",
        "/v1/watched",
        post_coverage,
        "Say when cameras looked",
        CoverageReceipt,
        SEND,
        takes=CoverageBatch,
        media=_MEDIA,
        errors=(400, 408, 413, 415),
    ),
    *kpi_routes.ROUTES,
    *box_routes.ROUTES,
    *export_routes.ROUTES,
    *webhook_routes.ROUTES,
    *store_routes.ROUTES,
    *people_routes.ROUTES,
    Route("GET", "/healthz", healthz, "Whether the server is up and its database answers", ServerStatus, "nobody"),
    Route(
        "GET",
        "/metrics",
        metrics,
        "Counters of all stores for Prometheus; with a token of their own",
        "text/plain",
        "own",
    ),
    Route("GET", "/openapi.json", openapi_json, "This document", "application/json", "nobody"),
)
"""Every endpoint. The application and the OpenAPI document are both made from this list."""


async def _start_worker(app: web.Application) -> None:
    app[_WORKER].start()


async def _end_worker(app: web.Application) -> None:
    await asyncio.to_thread(app[_WORKER].stop)


def create_app(
    database: Database, metrics_access: MetricsAccess | None = None, *, patience: float | None = PATIENCE
) -> web.Application:
    """Make the ingest over a database, to be run by `metrica.dashboard.service.serving.AioServer`.

    metrics_access: who may read the metrics; None: nobody.
    patience: seconds until the last figures are given instead of fresh ones; None waits for fresh ones.
    """
    app = web.Application(middlewares=[errors_as_json], client_max_size=MAX_BODY)
    app[DATABASE] = database
    prepare(app)
    app[export_routes.EXPORTS] = Counter()
    app[_PULSE] = Pulse(database)
    app[METRICS] = Metrics(database)
    box_routes.prepare(app)
    app[_METRICS_ACCESS] = metrics_access or MetricsAccess()
    app[kpi_routes.ANSWERS] = answers = Answers(Reports(database), patience=patience)
    database.before_close(answers.close)
    app[_WORKER] = WebhookWorker(database, observe=app[METRICS].webhook)
    app.on_startup.append(_start_worker)
    app.on_cleanup.append(_end_worker)
    methods: dict[str, list[str]] = {}
    for route in ROUTES:
        app.router.add_route(route.method, route.path, guarded(route), expect_handler=expect)
        methods.setdefault(route.path, []).append(route.method)
    for path, right in methods.items():
        app.router.add_route("*", path, wrong_method(right), expect_handler=expect)
    app.router.add_route("*", ANY_ADDRESS, wrong_address, expect_handler=expect)
    return app
