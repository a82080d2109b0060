"""Who asks, and for which store: found out here for every endpoint, before its handler is called."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from aiohttp import web

from metrica.dashboard.ingest.api import DATABASE, Handler, Route
from metrica.dashboard.ingest.body import RequestError
from metrica.dashboard.kpis.store import Store
from metrica.dashboard.people.access import Access
from metrica.dashboard.people.asker import Asker
from metrica.dashboard.people.rights import SEND, Right

ASKER = web.RequestKey("asker", Asker)
"""Who asks, in a request to any route that needs a token of a box or a user."""
STORE = web.RequestKey("store", Store)
"""The store in the path, which whoever asks has, with the right that the route needs."""


def guarded(route: Route) -> Handler:
    """Return the handler of a route behind the check of who asks.

    Its request then has `ASKER` and, if the path has {store}, `STORE`. Raises RequestError 401 or 403, UnknownError
    for a store that is another's or not there, and ForbiddenError for one without the right.
    """
    if route.needs in ("nobody", "own"):
        return route.handler
    right = route.needs if isinstance(route.needs, Right) else None

    async def handler(request: web.Request) -> web.StreamResponse:
        token, store = _token(request), request.match_info.get("store")
        asker, found = await asyncio.to_thread(_asked, Access(request.app[DATABASE]), token, store, right)
        request[ASKER] = asker
        if found is not None:
            request[STORE] = found
        return await route.handler(request)

    return handler


async def store_of(request: web.Request, store: str, right: Right) -> Store:
    """Return a store that a body or a query names. Raises RequestError 403, UnknownError and ForbiddenError."""
    asker = request[ASKER]
    _require_own(asker, store)
    return await asyncio.to_thread(Access(request.app[DATABASE]).store, asker, store, right)


async def require_sender(request: web.Request, store: str) -> None:
    """Raise RequestError 403, UnknownError or ForbiddenError unless whoever asks may send for the store in a body."""
    if request[ASKER].is_box:  # whose token was looked up a moment ago together with its store
        _require_own(request[ASKER], store)
    else:
        await store_of(request, store, SEND)


async def stores_of(request: web.Request, right: Right | None = None, *, group: str = "", tag: str = "") -> list[Store]:
    """Return all stores of whoever asks for which they have a right; None: any. group, tag: only those with them."""
    access = Access(request.app[DATABASE])
    return await asyncio.to_thread(access.stores, request[ASKER], right, group=group, tag=tag)


async def still_has(request: web.Request, stores: Iterable[str], right: Right) -> bool:
    """Return whether whoever asks has these stores, with this right, also now: for answers that take long."""
    access, token = Access(request.app[DATABASE]), _token(request)

    def ask() -> bool:
        asker = access.of_token(token)
        return asker is not None and {store.id for store in access.stores(asker, right)}.issuperset(stores)

    return await asyncio.to_thread(ask)


def _token(request: web.Request) -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token:
        raise RequestError(401, "no token: send the header 'Authorization: Bearer TOKEN'")
    # aiohttp decodes bytes that are not UTF-8 as lone surrogates, which cannot be hashed: replace them.
    return token.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _asked(access: Access, token: str, store: str | None, right: Right | None) -> tuple[Asker, Store | None]:
    asker = access.of_token(token)
    if asker is None:
        raise RequestError(
            401, "the token is unknown or revoked, or has ended: make one with 'metrica-admin token add STORE'"
        )
    if store is not None:
        _require_own(asker, store)
        return asker, access.store(asker, store, right)
    if right is not None:
        asker.require(right)
    return asker, None


def _require_own(asker: Asker, store: str) -> None:
    """Raise RequestError 403 if a box asks for another store than its own, whether there is such a store or not."""
    if asker.is_box and asker.stores is not None and store not in asker.stores:
        (own,) = asker.stores
        raise RequestError(403, f"the token speaks for the store {own!r}, not for the one asked for")
