"""Sends the years of shops to an ingest: in the order in which their boxes would, over several connections."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import aiohttp
import numpy as np

from benchmarks.years.posting import Poster, PostError, Sent, What
from benchmarks.years.shop import Shop
from benchmarks.years.shop_years import ShopYears, make_years

BATCH = 500
"""Events in a request."""
_SPANS = 200
"""Spans of coverage in a request."""
_OPEN = 8
"""Shops that one connection sends for in turn: a box does not send its years in one go."""

Message = tuple[int, What, list[dict[str, Any]]]
"""When a box sends it (ns UTC), what it is, and its items."""


def messages(years: ShopYears, batch: int = BATCH) -> Iterator[Message]:
    """Yield everything that a shop's box sends, in the order in which it does: what was late comes late."""
    made = years.crossings
    order = np.argsort(made.delivered, kind="stable")
    coverage = sorted(years.coverage_messages(), key=lambda message: message[0])
    parts = [coverage[at : at + _SPANS] for at in range(0, len(coverage), _SPANS)]
    watched = iter([(part[-1][0], [span for _, span in part]) for part in parts])
    waiting = next(watched, None)
    for at in range(0, len(order), batch):
        some = order[at : at + batch]
        sent = int(made.delivered[some[-1]])
        while waiting is not None and waiting[0] <= sent:
            yield waiting[0], "watched", waiting[1]
            waiting = next(watched, None)
        yield sent, "events", years.bodies(some)
    while waiting is not None:
        yield waiting[0], "watched", waiting[1]
        waiting = next(watched, None)


def send_years(
    shops: Sequence[Shop],
    tokens: Mapping[str, str],
    url: str,
    *,
    until: int,
    days: int,
    connections: int = 4,
    batch: int = BATCH,
    progress: Callable[[Sent], object] = lambda sent: None,
) -> Sent:
    """Send the years of all shops, and return what the server said. Raises PostError if it does not take a batch.

    tokens: by the id of the store. until, days: see `make_years`. progress: is called after each shop.
    """
    try:
        return asyncio.run(_send(shops, tokens, url, until, days, connections, batch, progress))
    except* PostError as group:
        failed = group.exceptions[0]  # the others are of the same server
    raise failed


async def _send(
    shops: Sequence[Shop],
    tokens: Mapping[str, str],
    url: str,
    until: int,
    days: int,
    connections: int,
    batch: int,
    progress: Callable[[Sent], object],
) -> Sent:
    total = Sent()
    connector = aiohttp.TCPConnector(limit=connections)
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=60)) as session:
        posters = [Poster(session, url) for _ in range(min(connections, len(shops)))]

        def finished() -> None:
            so_far = Sent()
            for poster in posters:
                so_far.add(poster.sent)
            progress(so_far)

        async with asyncio.TaskGroup() as tasks:
            for number, poster in enumerate(posters):
                mine = shops[number :: len(posters)]
                tasks.create_task(_send_some(poster, mine, tokens, until, days, batch, finished))
        for poster in posters:
            total.add(poster.sent)
    return total


async def _send_some(
    poster: Poster,
    shops: Iterable[Shop],
    tokens: Mapping[str, str],
    until: int,
    days: int,
    batch: int,
    finished: Callable[[], object],
) -> None:
    """Send for some shops in turn, a message of each at a time."""
    todo = iter(shops)
    active: list[tuple[Shop, Iterator[Message]]] = []
    while True:
        while len(active) < _OPEN and (shop := next(todo, None)) is not None:
            active.append((shop, messages(await asyncio.to_thread(make_years, shop, until, days), batch)))
        if not active:
            return
        for entry in list(active):
            shop, left = entry
            message = next(left, None)
            if message is None:
                active.remove(entry)
                finished()
                continue
            await poster.post(shop.id, tokens[shop.id], message[1], message[2])
