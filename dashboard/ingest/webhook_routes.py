"""The endpoints of the webhooks of a store: register, list, test and remove."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

from aiohttp import web
from pydantic import ValidationError

from metrica.dashboard.ingest.api import DATABASE, Route, answer
from metrica.dashboard.ingest.asking import ASKER, STORE
from metrica.dashboard.ingest.body import RequestError
from metrica.dashboard.ingest.schemas.webhooks import (
    MadeWebhook,
    NewWebhook,
    RemovedWebhook,
    WebhookInfo,
    WebhookList,
    WebhookTest,
)
from metrica.dashboard.people.rights import FIGURES, SETTINGS
from metrica.dashboard.webhooks.guard import TargetError, shown
from metrica.dashboard.webhooks.messages import test_message
from metrica.dashboard.webhooks.sender import post, session
from metrica.dashboard.webhooks.table import MOST, Webhook, Webhooks

_LARGEST = 8 << 10  # bytes of a body
_READ_TIMEOUT = 10.0  # s


async def get_webhooks(request: web.Request) -> web.Response:
    """Answer with the webhooks of the store."""
    store = _store(request)
    hooks = await asyncio.to_thread(_table(request).of_store, store)
    return _private(answer(WebhookList(store=store, webhooks=[WebhookInfo(**_fields(hook)) for hook in hooks])))


async def post_webhook(request: web.Request) -> web.Response:
    """Register a webhook, and answer with its secret, this once."""
    store = _store(request)
    wanted = await _body(request)
    table = _table(request)
    if len(await asyncio.to_thread(table.of_store, store)) >= MOST:
        raise RequestError(400, f"the store has {MOST} webhooks, which is the most: remove one first")
    try:
        made = await asyncio.to_thread(table.add, store, wanted.url, wanted.kind, actor=request[ASKER].name)
    except TargetError as error:
        raise RequestError(400, str(error)) from None
    return _private(answer(MadeWebhook(**_fields(made), secret=made.secret)))


async def delete_webhook(request: web.Request) -> web.Response:
    """Remove a webhook."""
    hook = await _find(request)
    await asyncio.to_thread(_table(request).remove, hook.store, hook.n, actor=request[ASKER].name)
    return answer(RemovedWebhook(removed=hook.n))


async def post_webhook_test(request: web.Request) -> web.Response:
    """Post a message of the type `test` now, and answer with what became of it."""
    hook = await _find(request)
    async with session(bool(hook.allow_private)) as client:
        outcome = await post(client, hook, test_message(hook, request.app[DATABASE].clock()))
    return _private(answer(WebhookTest(delivered=not outcome.trouble, status=outcome.status, trouble=outcome.trouble)))


async def _find(request: web.Request) -> Webhook:
    """Return the webhook in the path. Raises RequestError 401, 403 or 404."""
    store = _store(request)
    number = request.match_info["webhook"]
    known = number.isascii() and number.isdigit() and len(number) < 16
    found = await asyncio.to_thread(_table(request).get, store, int(number)) if known else None
    if found is None:
        raise RequestError(404, f"the store has no webhook {number[:20]!r}: GET …/webhooks lists them")
    return found


async def _body(request: web.Request) -> NewWebhook:
    if request.content_type != "application/json":
        raise RequestError(415, "send the webhook as application/json")
    if request.content_length is None or request.content_length > _LARGEST:
        raise RequestError(413, f"the body is too large: a webhook has at most {_LARGEST} bytes")
    try:
        async with asyncio.timeout(_READ_TIMEOUT):
            body = await request.read()
    except TimeoutError:
        raise RequestError(408, f"the body did not come within {_READ_TIMEOUT:.0f} seconds") from None
    try:
        return NewWebhook.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "the body"
        raise RequestError(400, f"the webhook cannot be registered: {where}: {first['msg']}") from None


def _store(request: web.Request) -> str:
    """Return the store in the path, for whoever may change it and see its figures. Raises ForbiddenError."""
    request[ASKER].require(FIGURES)  # an installer, who may not see them, does not have them posted either
    return request[STORE].id


def _table(request: web.Request) -> Webhooks:
    return Webhooks(request.app[DATABASE])


def _private(response: web.Response) -> web.Response:
    response.headers["Cache-Control"] = "no-store"
    return response


def _fields(hook: Webhook) -> dict[str, Any]:
    last = hook.last_success
    return {
        "n": hook.n,
        "to": shown(hook.url),
        "kind": hook.kind,
        "state": hook.state,
        "delivered": hook.delivered,
        "last_success": None if last is None else datetime.fromtimestamp(last // 10**9, UTC),
        "trouble": hook.trouble,
    }


_PATH = "/v1/stores/{store}/webhooks"

ROUTES: tuple[Route, ...] = (
    Route("GET", _PATH, get_webhooks, "To whom is posted, and how it goes", WebhookList, SETTINGS),
    Route(
        "POST",
        _PATH,
        post_webhook,
        "Register a webhook",
        MadeWebhook,
        SETTINGS,
        takes=NewWebhook,
        errors=(400, 408, 413, 415),
    ),
    Route("DELETE", f"{_PATH}/{{webhook}}", delete_webhook, "Remove a webhook", RemovedWebhook, SETTINGS),
    Route("POST", f"{_PATH}/{{webhook}}/test", post_webhook_test, "Post a test message", WebhookTest, SETTINGS),
)
