"""The events or figures of any time, of one store or of many, as JSON or CSV, sent while they are read.

The rows are read in pieces, each in a query of its own, and the next piece is read when the one before it has been
sent: a slow download holds neither memory nor a transaction.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections import Counter
from collections.abc import Iterator
from typing import cast

from aiohttp import web

from metrica.dashboard.database.errors import DatabaseError
from metrica.dashboard.ingest.api import DATABASE, METRICS, Route, log
from metrica.dashboard.ingest.asking import ASKER, STORE, still_has, stores_of
from metrica.dashboard.ingest.body import RequestError
from metrica.dashboard.ingest.parameters import Choice, Query, Text, Time
from metrica.dashboard.ingest.schemas.exports import Exported
from metrica.dashboard.kpis.events import END_OF_TIME
from metrica.dashboard.kpis.store import Store
from metrica.dashboard.people.rights import FIGURES
from metrica.dashboard.service.connection import Connection
from metrica.dashboard.upkeep.export import KINDS, of_stores
from metrica.dashboard.upkeep.export_formats import FORMATS, Format, in_chunks, written

EXPORTS: web.AppKey[Counter[str]] = web.AppKey("exports", Counter)
"""How many exports of each store, or for each user, are being sent."""
EXPORTS_OF_A_STORE = 2
"""Most exports of one store, or of many for one user, at a time."""
MOST_EXPORTS = 16
"""Most exports at a time, of all stores together."""

_CHUNK = 64 << 10  # characters
_ASK_AGAIN = 10.0  # s, until it is asked again whether whoever asks may have the rows
_PATIENCE = 60.0  # s in which a chunk has to be taken

_WHAT = Choice("what", ("days", "hours", "quarters", "events", "coverage", "heatmap"), "What to export.")
_FORMAT = Choice("format", tuple(FORMATS), "JSON array, CSV, or JSON lines.")
_FROM = Time("from", "Only from this time on, by the store's clock; without it, from the beginning.")
_TO = Time("to", "Only before this time; without it, up to now.")
_GROUP = Text("group", "Only stores of this group.")
_TAG = Text("tag", "Only stores with this tag.")
_BOM = Query("bom", 0, 0, 1, "1 begins CSV with a byte order mark, for Excel.")


async def get_export(request: web.Request) -> web.StreamResponse:
    """Send rows of the store in the path. Raises RequestError before the first of them."""
    store = request[STORE]
    return await _export(request, [store], store.id, store.id)


async def get_exports(request: web.Request) -> web.StreamResponse:
    """Send rows of all stores of whoever asks that have the group and the tag, one store after the other."""
    group, tag = _GROUP.read(request), _TAG.read(request)
    stores = await stores_of(request, FIGURES, group=group, tag=tag)
    return await _export(request, stores, request[ASKER].key, group or tag or "stores")


async def _export(request: web.Request, stores: list[Store], asker: str, title: str) -> web.StreamResponse:
    """Send rows of some stores. asker: who has a few exports at a time. title: what the file is called."""
    database, sending = request.app[DATABASE], request.app[EXPORTS]
    what, form = _WHAT.read(request), cast("Format", _FORMAT.read(request))
    mark = bool(_BOM.read(request))
    wanted: list[tuple[Store, int, int]] = []
    for store in stores:
        since, until = _FROM.read(request, store.timezone, 0), _TO.read(request, store.timezone, END_OF_TIME)
        if since >= until:
            raise RequestError(400, "'to' is not after 'from'")
        wanted.append((store, since, until))
    if sending[asker] >= EXPORTS_OF_A_STORE or sending.total() >= MOST_EXPORTS:
        raise RequestError(429, "too many exports at a time: ask again when one of them is through")
    _, columns = KINDS[what]
    rows = of_stores(database, what, wanted)
    chunks = in_chunks(written(rows, ("store", *columns), form, mark=mark), _CHUNK)
    file = f"{re.sub('[^A-Za-z0-9._-]', '-', title)}-{what}.{form}"
    headers = {
        "Content-Type": FORMATS[form],
        "Content-Disposition": f'attachment; filename="{file}"',
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }
    sending[asker] += 1
    try:
        with request.app[METRICS].exports.track_inprogress():
            return await _send(request, chunks, headers, [store.id for store in stores])
    finally:
        sending[asker] -= 1
        if not sending[asker]:
            del sending[asker]


async def _send(
    request: web.Request, chunks: Iterator[bytes], headers: dict[str, str], stores: list[str]
) -> web.StreamResponse:
    """Send the chunks. If they break off, so does the connection: nobody takes a part for the whole.

    So it does when whoever asks does not have one of the stores any more: a slow download may take hours.
    """
    # The first one before the answer begins, so that a database that is away is an error with a sentence.
    chunk = await asyncio.to_thread(next, chunks, None)
    response = web.StreamResponse(headers=headers)
    await response.prepare(request)
    asked = time.monotonic()
    try:
        while chunk is not None:
            if time.monotonic() - asked > _ASK_AGAIN:
                if not await still_has(request, stores, FIGURES):
                    _break_off(request)
                    return response
                asked = time.monotonic()
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
    Route(
        "GET",
        "/v1/export",
        get_exports,
        "The same of many stores",
        Exported,
        FIGURES,
        also=("text/csv", "application/x-ndjson"),
        query=(_WHAT, _FORMAT, _FROM, _TO, _GROUP, _TAG, _BOM),
        errors=(400,),
    ),
)
