"""The endpoints about boxes: what they say of themselves, and how they are."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime

from aiohttp import web

from metrica.box import troubles
from metrica.box.hello import BOX_PATTERN, Hello
from metrica.dashboard.boxes.table import HOUR, KEPT_DAYS, Box, BoxHour, BoxTable, TooManyBoxesError
from metrica.dashboard.boxes.uploads import PERIOD, Uploads
from metrica.dashboard.database.errors import DatabaseError
from metrica.dashboard.ingest.api import DATABASE, Route, answer, log
from metrica.dashboard.ingest.asking import STORE, require_sender, stores_of
from metrica.dashboard.ingest.bodies import MEDIA, parsed
from metrica.dashboard.ingest.body import RequestError, parse_hello
from metrica.dashboard.ingest.parameters import Query
from metrica.dashboard.ingest.schemas import boxes as out
from metrica.dashboard.people.rights import HEALTH, SEND

UPLOADS = web.AppKey("uploads", Uploads)
"""The application's notes of who sent something."""
_BOXES = web.AppKey("boxes", BoxTable)


_DAYS = Query("days", 7, 1, KEPT_DAYS, "How many days of 24 hours, up to now.")


def prepare(app: web.Application) -> None:
    """Give the application what the endpoints need. Its database must be there already."""
    app[_BOXES] = BoxTable(app[DATABASE])
    app[UPLOADS] = Uploads(app[DATABASE])
    app.cleanup_ctx.append(_write_uploads)


async def post_hello(request: web.Request) -> web.Response:
    """Take what a box says of itself. The answer is sent after it is on the disk."""
    name = request.match_info["box"]
    if not re.fullmatch(BOX_PATTERN, name):
        raise RequestError(400, "a box has a name of 4 to 40 letters a-z, digits and dashes")
    hello = await parsed(request, parse_hello)
    await require_sender(request, hello.store)
    try:
        heard = await asyncio.wrap_future(request.app[_BOXES].hear(hello.store, name, hello))
    except TooManyBoxesError as error:
        raise RequestError(409, str(error)) from None
    return answer(out.HelloReceipt(heard=heard))


async def get_boxes(request: web.Request) -> web.Response:
    """Answer with the boxes of all stores of whoever asks."""
    return await _answer_boxes(request, [store.id for store in await stores_of(request, HEALTH)])


async def get_store_boxes(request: web.Request) -> web.Response:
    """Answer with the boxes of one store."""
    return await _answer_boxes(request, [request[STORE].id])


async def get_box_hours(request: web.Request) -> web.Response:
    """Answer with how a box was, hour by hour."""
    days = _DAYS.read(request)
    store, box = request[STORE].id, request.match_info["box"]
    since = request.app[DATABASE].clock() - days * 24 * HOUR
    rows: list[BoxHour] = []
    if re.fullmatch(BOX_PATTERN, box):  # no box is called otherwise, and not every database can look for it
        rows = await asyncio.to_thread(request.app[_BOXES].hours, store, box, since)
    hours = [out.HourOfBox.model_validate({**asdict(row), "hour": _moment(row.hour)}) for row in rows]
    return _fresh(out.BoxHistory(store=store, box=box, hours=hours))


ROUTES: tuple[Route, ...] = (
    Route(
        "POST",
        "/v1/boxes/{box}/hello",
        post_hello,
        "Say how a box is",
        out.HelloReceipt,
        SEND,
        media=MEDIA,
        takes=Hello,
        errors=(400, 408, 409, 413, 415),
    ),
    Route("GET", "/v1/boxes", get_boxes, "How the boxes of all your stores are", out.Boxes, HEALTH),
    Route("GET", "/v1/stores/{store}/boxes", get_store_boxes, "How the boxes of a store are", out.Boxes, HEALTH),
    Route(
        "GET",
        "/v1/stores/{store}/boxes/{box}/hours",
        get_box_hours,
        "How a box was, hour by hour",
        out.BoxHistory,
        HEALTH,
        query=(_DAYS,),
        errors=(400,),
    ),
)


async def _answer_boxes(request: web.Request, stores: Sequence[str]) -> web.Response:
    now = request.app[DATABASE].clock()
    boxes = await asyncio.to_thread(request.app[_BOXES].of_stores, stores)
    return _fresh(out.Boxes(boxes=[_state(box, now) for box in boxes]))


def _fresh(model: out.Boxes | out.BoxHistory) -> web.Response:
    response = answer(model)
    response.headers["Cache-Control"] = "no-store"
    return response


def _state(box: Box, now: int) -> out.BoxState:
    silent = box.silent_s(now)
    return out.BoxState(
        store=box.store,
        box=box.box,
        first_heard=_moment(box.first_heard),
        heard=_moment(box.heard),
        silent_s=round(silent, 1),
        looked={camera: None if at is None else _moment(at) for camera, at in box.looked.items()},
        wrong=[out.Wrong(**asdict(trouble)) for trouble in troubles(box.hello, silent)],
        hello=box.hello,
    )


def _moment(time: int) -> datetime:
    return datetime.fromtimestamp(time / 1e9, UTC)


async def _write_uploads(app: web.Application) -> AsyncIterator[None]:
    """Write once a minute, and at the end, who sent something."""

    async def write() -> None:
        try:
            if (written := app[UPLOADS].write()) is not None:
                await asyncio.wrap_future(written)
        except DatabaseError as error:  # the alert about uploads waits for an hour, and the next ones are noted
            log.warning("who sent something is not noted: %s", error)
        except Exception:  # noqa: BLE001 (without these notes, all stores would seem silent an hour later)
            log.exception("who sent something is not noted; the next ones are")

    async def keep_writing() -> None:
        while True:
            await asyncio.sleep(PERIOD)
            await write()

    task = asyncio.create_task(keep_writing())
    yield
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    await write()
