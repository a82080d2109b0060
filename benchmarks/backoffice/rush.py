"""Ten thousand stores on PostgreSQL: an ordinary time, then twenty times as many events, with pages asked meanwhile.

Boxes send as `uploader` does: people come in groups, and what has come within two seconds is one request. Each box also
says once a minute that its camera looked. In the rush the boxes have a backlog: as many requests, each with twenty
times the events. Requests go out when they are due, whether the answers before them have come or not, and the time of
an answer counts from when it was due. Two ingest processes share the stores; a third one serves pages and figures.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from benchmarks.backoffice.figures import Findings, percentile
from benchmarks.backoffice.filled import PASSWORD
from benchmarks.backoffice.growth import Asker
from benchmarks.backoffice.places import Places
from benchmarks.backoffice.process import Served
from benchmarks.backoffice.sums import counts, mismatches
from benchmarks.years.posting import Poster
from metrica.dashboard.kpis.events import MINUTE, SECOND
from metrica.dashboard.kpis.store import Store
from metrica.dashboard.reports.answers import PATIENCE
from metrica.dashboard.store.database import Database
from metrica.dashboard.web.passwords import ensure_owner

EVENTS_A_SECOND = 230.0
PAGES_A_SECOND = 5.0
TIMES = 20
_GROUP = (1, 1, 1, 1, 1, 2, 2, 2, 3, 4)
"""How many people come together."""
_AT_ONCE = 600
"""Most requests under way; later ones wait, and their wait counts."""


@dataclass
class Load:
    """What was sent, and how long the answers took."""

    sent: Counter[str] = field(default_factory=Counter[str])
    """Events by store."""
    seconds: dict[str, list[float]] = field(default_factory=dict[str, list[float]])
    """From when each was due until its answer had come, by what it was."""
    failed: list[str] = field(default_factory=list[str])
    """Requests that got no good answer."""


def rush(places: Places, stores: int, minutes: float, found: Findings) -> None:
    """Run both phases for so many minutes each, and compare what is kept with what was sent. Adds to `found`."""
    place = places.new("rush")
    names = [f"rush-{number:05d}" for number in range(stores)]
    tokens = _add(place, names)
    detail: dict[str, Any] = {}
    total = Counter[str]()
    with ExitStack() as stack:
        ingests = [stack.enter_context(Served(place, places.log, patience=PATIENCE)) for _ in range(2)]
        pages = stack.enter_context(Served(place, places.log, web=True, patience=PATIENCE))
        for phase, times in (("ordinary", 1), ("rush", TIMES)):
            load = Load()
            asyncio.run(_phase(load, [one.ingest for one in ingests], pages, names, tokens, times, minutes * 60))
            total += load.sent
            detail[phase] = _described(load, minutes * 60)
            every = [value for values in load.seconds.values() for value in values]
            found.worst("rush_p99_ms", percentile(every, 99) * 1e3)
            found.problems += [f"{phase}: {said}" for said in load.failed[:5]]
        for name, server in (("ingest 1", ingests[0]), ("ingest 2", ingests[1]), ("pages", pages)):
            detail.setdefault("rss_mb", {})[name] = round(server.peak_mb)
            found.worst("rss_mb_per_process", server.peak_mb)
    kept = counts(place)
    found.worst("rush_lost_or_doubled", sum(abs(kept.get(name, 0) - total[name]) for name in {*kept, *total}))
    found.worst("rollup_mismatches", mismatches(place))
    detail["events"] = sum(total.values())
    found.detail["rush"] = detail


def _described(load: Load, seconds: float) -> dict[str, Any]:
    made: dict[str, Any] = {"events_per_second": round(sum(load.sent.values()) / seconds)}
    for what, values in load.seconds.items():
        made[what] = {
            "requests_per_second": round(len(values) / seconds, 1),
            **{f"p{percent}_ms": round(percentile(values, percent) * 1e3, 1) for percent in (50, 95, 99)},
            "max_ms": round(max(values) * 1e3),
        }
    made["failed"] = len(load.failed)
    return made


def _add(place: Path | str, names: Sequence[str]) -> dict[str, str]:
    """Add the stores, many at a time, because each write waits for the disk."""
    with Database(place) as database, ThreadPoolExecutor(40) as threads:
        ensure_owner(database, PASSWORD, "")

        def add(name: str) -> str:
            database.stores.put(Store(name, "Africa/Tunis"))
            return database.tokens.create(name, "rush")

        return dict(zip(names, threads.map(add, names), strict=True))


async def _phase(
    load: Load, ingests: Sequence[str], pages: Served, names: Sequence[str], tokens: dict[str, str], times: int,
    seconds: float,
) -> None:  # fmt: skip
    rng = random.Random(times)
    groups = EVENTS_A_SECOND / (sum(_GROUP) / len(_GROUP))
    connector = aiohttp.TCPConnector(limit=_AT_ONCE)
    asker = await asyncio.to_thread(Asker, pages, tokens)
    lock = asyncio.Lock()  # one page at a time: a browser waits for its answer too
    numbers = Counter[str]()
    epoch = time.time_ns()
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=60)) as session:
        posters = [Poster(session, url) for url in ingests]

        async def events() -> None:
            name = rng.choice(names)
            items: list[dict[str, Any]] = []
            for _ in range(rng.choice(_GROUP) * times):
                numbers[name] += 1
                back = rng.randrange(2 * SECOND) if times == 1 else rng.randrange(30 * MINUTE)
                items.append(
                    {
                        "id": f"door/main/{epoch:x}/{numbers[name]}",
                        "camera": "door",
                        "line": "main",
                        "direction": rng.choice(("in", "out")),
                        "track": numbers[name],
                        "time": time.time_ns() - back,
                    }
                )
            load.sent[name] += len(items)
            await posters[hash(name) % 2].post(name, tokens[name], "events", items)

        async def watched() -> None:
            name = rng.choice(names)
            now = time.time_ns()
            span = {"camera": "door", "start": now - MINUTE, "end": now}
            await posters[hash(name) % 2].post(name, tokens[name], "watched", [span])

        async def page() -> None:
            name, question = rng.choice(names), rng.choice(asker.questions)
            async with lock:
                await asyncio.to_thread(asker.ask, question, name)

        await asyncio.gather(
            _at_rate("events", groups, seconds, events, load, rng),
            _at_rate("watched", len(names) / 60, seconds, watched, load, rng),
            _at_rate("pages", PAGES_A_SECOND, seconds, page, load, rng),
        )


async def _at_rate(
    what: str,
    rate: float,
    seconds: float,
    send: Callable[[], Coroutine[Any, Any, None]],
    load: Load,
    rng: random.Random,
) -> None:
    """Send at random times, so many a second on average, whether the answers before have come or not."""
    took = load.seconds.setdefault(what, [])
    loop = asyncio.get_running_loop()
    began = due = loop.time()
    under_way = set[asyncio.Task[None]]()

    async def one(due: float) -> None:
        try:
            await send()
        except Exception as error:  # noqa: BLE001 (counted, and said at the end)
            load.failed.append(f"{what}: {type(error).__name__}: {error}")
        took.append(loop.time() - due)

    while (due := due + rng.expovariate(rate)) < began + seconds:
        await asyncio.sleep(max(0.0, due - loop.time()))
        task = asyncio.create_task(one(due))
        under_way.add(task)
        task.add_done_callback(under_way.discard)
    await asyncio.gather(*under_way)
