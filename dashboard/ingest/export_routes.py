"""`GET /v1/stores/{store}/export`: the events or figures of any time, as JSON or CSV, sent while they are read.

The rows are read in pieces, each in a query of its own, and the next piece is read when the one before it has been
sent: a slow download holds neither memory nor a transaction.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Iterator
from typing import cast

from aiohttp import web

from metrica.dashboard.database.errors import DatabaseError
from metrica.dashboard.ingest.api import DATABASE, Route, log
from metrica.dashboard.ingest.asking import STORE
from metrica.dashboard.ingest.body import RequestError
from metrica.dashboard.ingest.export_schema import Exported
from metrica.dashboard.ingest.parameters import Choice, Query, Time
from metrica.dashboard.kpis.events import END_OF_TIME
from metrica.dashboard.people.rights import FIGURES
from metrica.dashboard.service.connection import Connection
from metrica.dashboard.upkeep.export import KINDS
from metrica.dashboard.upkeep.export_formats import FORMATS, Format, in_chunks, written

EXPORTS: web.AppKey[Counter[str]] = web.AppKey("exports", Counter)
"""How many exports of each store are being sent."""
EXPORTS_OF_A_STORE = 2
"""Most exports of one store at a time."""
MOST_EXPORTS = 16
"""Most exports at a time, of all stores together."""

_CHUNK = 64 << 10  # characters
_PATIENCE = 60.0  # s in which a chunk has to be taken

_WHAT = Choice("what", ("days", "hours", "quarters", "events", "coverage"), "What to export.")
_FORMAT = Choice("format", tuple(FORMATS), "JSON array, CSV, or JSON lines.")
_FROM = Time("from", "Only from this time on, by the store's clock; without it, from the beginning.")
_TO = Time("to", "Only before this time; without it, up to now.")
_BOM = Query("bom", 0, 0, 1, "1 begins CSV with a byte order mark, for Excel.")


async def get_export(request: web.Request) -> web.StreamResponse:
    """Send rows of the store in the path. Raises RequestError before the first of them."""
    database, sending, store = request.app[DATABASE], request.app[EXPORTS], request[STORE]
    name = store.id
    what, form = _WHAT.read(request), cast("Format", _FORMAT.read(request))
    since, until = _FROM.read(request, store.timezone, 0), _TO.read(request, store.timezone, END_OF_TIME)
    mark = bool(_BOM.read(request))
    if since >= until:
        raise RequestError(400, "'to' is not after 'from'")
    if sending[name] >= EXPORTS_OF_A_STORE or sending.total() >= MOST_EXPORTS:
        raise RequestError(429, "too many exports at a time: ask again when one of them is through")
    give, columns = KINDS[what]
    chunks = in_chunks(written(give(database, store, since, until), columns, form, mark=mark), _CHUNK)
    file = f"{re.sub('[^A-Za-z0-9._-]', '-', name)}-{what}.{form}"
    headers = {
        "Content-Type": FORMATS[form],
        "Content-Disposition": f'attachment; filename="{file}"',
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }
    sending[name] += 1
    try:
        return await _send(request, chunks, headers)
    finally:
        sending[name] -= 1
        if not sending[name]:
            del sending[name]


async def _send(request: web.Request, chunks: Iterator[bytes], headers: dict[str, str]) -> web.StreamResponse:
    """Send the chunks. If they break off, so does the connection: nobody takes a part for the whole."""
    # The first one before the answer begins, so that a database that is away is an error with a sentence.
    chunk = await asyncio.to_thread(next, chunks, None)
    response = web.StreamResponse(headers=headers)
    await response.prepare(request)
    try:
        while chunk is not None:
            async with asyncio.timeout(_PATIENCE):
                await response.write(chunk)
            if isinstance(request.protocol, Connection):
                request.protocol.go_on()
            chunk = await asyncio.to_thread(next, chunks, None)
        await response.write_eof()
    except (TimeoutError, ConnectionError):
        _break_off(request)
    except DatabaseError as error:
        log.error("an export of %s broke off: %s", request.path, error)
        _break_off(request)
    return response


def _break_off(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()


ROUTES: tuple[Route, ...] = (
    Route(
        "GET",
        "/v1/stores/{store}/export",
        get_export,
        "Events, coverage or figures of any time, streamed",
        Exported,
        FIGURES,
        also=("text/csv", "application/x-ndjson"),
        query=(_WHAT, _FORMAT, _FROM, _TO, _BOM),
        errors=(400,),
    ),
)
