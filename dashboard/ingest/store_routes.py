"""The endpoints of the stores' settings."""

from __future__ import annotations

import asyncio
from dataclasses import asdict

from aiohttp import web

from metrica.dashboard.ingest.api import DATABASE, Route, answer
from metrica.dashboard.ingest.asking import ASKER, STORE, stores_of
from metrica.dashboard.ingest.bodies import json_body
from metrica.dashboard.ingest.body import RequestError
from metrica.dashboard.ingest.schemas.stores import StoreEntry, Stores, StoreSettings, StoreSettingsChange
from metrica.dashboard.kpis.store import Store
from metrica.dashboard.people.details import StoreDetails
from metrica.dashboard.people.details_table import DetailsTable, as_document
from metrica.dashboard.people.rights import SETTINGS
from metrica.dashboard.people.settings import change_settings

_NOT_NULL = ("timezone", "cutoff_hour")


async def get_stores(request: web.Request) -> web.Response:
    """Answer with the stores of whoever asks."""
    stores = await stores_of(request)
    names = await asyncio.to_thread(DetailsTable(request.app[DATABASE]).names, [store.id for store in stores])
    listed = [StoreEntry(store=s.id, name=names.get(s.id, ""), timezone=s.timezone) for s in stores]
    return answer(Stores(stores=listed))


async def get_settings(request: web.Request) -> web.Response:
    """Answer with the settings of a store."""
    store = request[STORE]
    details = await asyncio.to_thread(DetailsTable(request.app[DATABASE]).get, store.id)
    return answer(_settings(store, details))


async def put_settings(request: web.Request) -> web.Response:
    """Change some settings of a store, as an administrator does: they stand against a launch file."""
    change = await json_body(request, StoreSettingsChange)
    given = change.model_dump(include=change.model_fields_set, exclude_defaults=False)
    if not given:
        raise RequestError(400, "nothing to change: give some of the settings")
    for name in _NOT_NULL:
        if name in given and given[name] is None:
            raise RequestError(400, f"'{name}' cannot be null")
    try:
        changed = await asyncio.to_thread(
            change_settings,
            request.app[DATABASE],
            request[STORE].id,
            given,
            actor=request[ASKER].name,
            address=request.remote or "",
        )
    except ValueError as error:
        raise RequestError(400, str(error)) from None
    return answer(_settings(*changed))


def _settings(store: Store, details: StoreDetails) -> StoreSettings:
    values = {name: value for name, value in asdict(store).items() if name != "id"}
    return StoreSettings.model_validate({"store": store.id} | values | as_document(details))


_PATH = "/v1/stores/{store}/settings"

ROUTES: tuple[Route, ...] = (
    Route("GET", "/v1/stores", get_stores, "The stores of whoever asks", Stores, "any"),
    Route("GET", _PATH, get_settings, "The settings of a store: name, place, hours, size", StoreSettings, "any"),
    Route(
        "PUT",
        _PATH,
        put_settings,
        "Change settings of a store; what is left out stays",
        StoreSettings,
        SETTINGS,
        takes=StoreSettingsChange,
        errors=(400, 408, 413, 415),
    ),
)
