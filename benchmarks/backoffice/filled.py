"""Databases that have years of made-up shops in them, sent through a real ingest."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import numpy as np

from benchmarks.backoffice.places import Places
from benchmarks.backoffice.process import Served
from benchmarks.years.posting import Poster, Sent
from benchmarks.years.sending import send_years
from benchmarks.years.shop import Shop
from benchmarks.years.shop_years import make_years
from benchmarks.years.stores import TOKENS, add_stores
from metrica.dashboard.kpis.events import HOUR
from metrica.dashboard.store.database import Database
from metrica.dashboard.web.passwords import ensure_owner

PASSWORD = "made-up years of the benchmark"
"""Of the owner of these databases."""


@dataclass(frozen=True, slots=True)
class Filled:
    """A database with the years of some shops."""

    place: Path | str
    """Where it is."""
    tokens: dict[str, str]
    """By the id of the store."""
    sent: Sent
    """What was sent."""
    seconds: float
    """How long that took."""


def fill(places: Places, name: str, shops: Sequence[Shop], *, until: int, days: int) -> Filled:
    """Make a database, and send the last `days` days of all shops up to `until` (ns UTC) to an ingest over it.

    A SQLite file of an earlier run, in a folder that is kept, is used as it is if it was filled with the same.
    """
    place = places.new(name)
    tokens = add_stores(place, [shop.store for shop in shops], places.folder / f"{name}-{places.kind}-{TOKENS}")
    with Database(place) as database:
        ensure_owner(database, PASSWORD, "")
    note = places.folder / f"{name}-{places.kind}.json"
    what = {"until": until, "days": days, "shops": {shop.id: shop.visitors for shop in shops}}
    before = json.loads(note.read_text("utf-8")) if note.exists() else {}
    if before.get("what") == what and places.kind == "sqlite":
        return Filled(place, tokens, Sent(accepted=before["events"]), before["seconds"])
    began = time.monotonic()
    _begin(places, place, tokens, shops, until=until, days=days)
    sent = extend(places, place, tokens, shops, until=until, days=days)
    seconds = time.monotonic() - began
    note.write_text(json.dumps({"what": what, "events": sent.accepted + sent.duplicates, "seconds": seconds}), "utf-8")
    return Filled(place, tokens, sent, seconds)


def _begin(
    places: Places, place: Path | str, tokens: dict[str, str], shops: Sequence[Shop], *, until: int, days: int
) -> None:
    """Send what each shop has counted first, by the clock of those days: its history begins when it is first heard."""
    first = until - days * 24 * HOUR + 30 * 24 * HOUR
    with Served(place, places.log, now=min(first, until)) as server:
        asyncio.run(_send_first(server.ingest, tokens, shops, until, days))


async def _send_first(url: str, tokens: dict[str, str], shops: Sequence[Shop], until: int, days: int) -> None:
    async with aiohttp.ClientSession() as session:
        for shop in shops:
            made = make_years(shop, until, days)
            if len(made.crossings):
                await Poster(session, url).post(shop.id, tokens[shop.id], "events", made.bodies(np.arange(1)))


def extend(
    places: Places, place: Path | str, tokens: dict[str, str], shops: Sequence[Shop], *, until: int, days: int
) -> Sent:
    """Send the same days up to `until`; what was sent before are duplicates, which change nothing."""
    with Served(place, places.log, now=until) as server:
        return send_years(shops, tokens, server.ingest, until=until, days=days, progress=_progress)


def _progress(sent: Sent) -> None:
    print(f"\r  {sent.accepted + sent.duplicates} events sent ", end="", file=sys.stderr, flush=True)
