"""Kills processes with -9 in the middle of writes, and looks whether the sums equal the rows afterwards.

Two ingest processes write to one database; four stores send to them without a pause, events and coverage, and send
again what was not answered. Every few tenths of a second one of the processes is killed, and started again. With
PostgreSQL one kill in five is of a process of the server, which then throws out all others and recovers.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp

from benchmarks.backoffice.figures import Findings
from benchmarks.backoffice.places import Places
from benchmarks.backoffice.process import Served
from benchmarks.backoffice.sums import counts, mismatches
from benchmarks.years.posting import Poster
from benchmarks.years.sending import messages
from benchmarks.years.shop import Shop, make_shop
from benchmarks.years.shop_years import make_years
from benchmarks.years.stores import TOKENS, add_stores
from metrica.dashboard.kpis.events import SECOND
from tests.dashboard.database.server import Server

_STORES = 4
_BATCH = 100
_INGESTS = 2
_LONGEST = 0.8
"""Seconds at most from the moment when a process writes until it is killed."""
_OF_SERVER = 5
"""One kill in so many is of a process of the database's server, if it has one."""


def kills(places: Places, count: int, found: Findings) -> None:
    """Kill `count` times, then compare. Adds to `found`."""
    place = places.new("kills")
    shops = [make_shop(number, visitors=400) for number in range(_STORES)]
    tokens = add_stores(place, [shop.store for shop in shops], places.folder / f"kills-{places.kind}-{TOKENS}")
    began = time.monotonic()
    sent, of_server = asyncio.run(_run(places, place, shops, tokens, count))
    kept = counts(place)
    wrong = mismatches(place)
    lost = sum(abs(kept.get(name, 0) - sent[name]) for name in {*kept, *sent})
    found.worst("rollup_mismatches", wrong)
    if lost:
        found.problems.append(f"kills on {places.kind}: {lost} events lost or doubled")
    found.detail[f"kills {places.kind}"] = {
        "kills": count,
        "of_the_server": of_server,
        "events": sum(sent.values()),
        "lost_or_doubled": lost,
        "mismatches": wrong,
        "seconds": round(time.monotonic() - began),
    }


async def _run(
    places: Places, place: Path | str, shops: list[Shop], tokens: dict[str, str], count: int
) -> tuple[dict[str, int], int]:
    rng = random.Random(1)
    running: list[Served | None] = [await asyncio.to_thread(Served, place, places.log) for _ in range(_INGESTS)]
    sent: dict[str, int] = {}
    stop = asyncio.Event()
    of_server = 0

    def address() -> str:
        alive = [one.ingest for one in running if one is not None]
        return rng.choice(alive) if alive else "http://127.0.0.1:9"  # nobody listens there

    try:
        async with _session() as session, asyncio.TaskGroup() as tasks:
            for shop in shops:
                poster = Poster(session, address, pause=0.05)
                tasks.create_task(_send(poster, shop, tokens[shop.id], sent, stop))
            for number in range(count):
                await asyncio.sleep(rng.uniform(0.05, _LONGEST))
                if places.server is not None and number % _OF_SERVER == _OF_SERVER - 1:
                    _kill_one_of(places.server, rng)
                    of_server += 1
                    continue
                which = number % _INGESTS
                victim = running[which]
                assert victim is not None
                running[which] = None
                await asyncio.to_thread(victim.kill)
                running[which] = await _started(place, places.log)
            stop.set()
    finally:
        for one in running:
            if one is not None:
                one.__exit__()
    return sent, of_server


def _kill_one_of(server: Server, rng: random.Random) -> None:
    """Kill one of the processes that the database's server has started: a connection's, or one that writes."""
    main = int((server.folder / "data" / "postmaster.pid").read_text("utf-8").splitlines()[0])
    children = [int(pid) for pid in Path(f"/proc/{main}/task/{main}/children").read_text("utf-8").split()]
    if children:
        with suppress(ProcessLookupError):
            os.kill(rng.choice(children), signal.SIGKILL)


async def _started(place: Path | str, log: Path) -> Served:
    """Start an ingest; the server of the database may be recovering."""
    until = time.monotonic() + 60
    while True:
        try:
            return await asyncio.to_thread(Served, place, log)
        except RuntimeError:
            if time.monotonic() > until:
                raise
            await asyncio.sleep(0.2)


async def _send(poster: Poster, shop: Shop, token: str, sent: dict[str, int], stop: asyncio.Event) -> None:
    """Send one made-up fortnight of a shop after the other, each with ids of its own, until it is enough."""
    until, turn = time.time_ns() - SECOND, 0
    while True:
        turn += 1
        years = await asyncio.to_thread(make_years, replace(shop, seed=shop.seed + turn), until, 14)
        for _, what, items in messages(years, _BATCH):
            if stop.is_set():
                return
            if what == "watched":
                await poster.post(shop.id, token, what, items)
                continue
            sent[shop.id] = sent.get(shop.id, 0) + len(items)
            await poster.post(shop.id, token, what, [{**item, "id": f"{item['id']}/{turn}"} for item in items])


@asynccontextmanager
async def _session() -> AsyncIterator[Any]:
    timeout = aiohttp.ClientTimeout(total=20)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        yield session
