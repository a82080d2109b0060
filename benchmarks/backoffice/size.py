"""How large a database stays once raw events that are too old were removed, and that no figure changed by it."""

from __future__ import annotations

import http.client
import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from benchmarks.backoffice.figures import Findings
from benchmarks.backoffice.filled import Filled
from benchmarks.backoffice.places import Places
from benchmarks.backoffice.process import Served
from benchmarks.years.shop import Shop
from metrica.dashboard.store.database import Database
from metrica.dashboard.upkeep.retention import Retention

KEPT = 400
"""Days for which raw events are kept."""
_FIGURES = ("daily", "daily?days=400", "heatmap", "hourly")
"""What is compared: figures that do not change from one second to the next."""


def size(places: Places, filled: Filled, shops: Sequence[Shop], *, now: int, days: int, found: Findings) -> None:
    """Remove raw events that are older than `KEPT` days, and measure what is left. Adds to `found`.

    now: the present time, ns UTC. days: how many the history has. `bytes_per_event_year` is the size of the whole
    database, over how many events came in a year on average.
    """
    before = _figures(places, filled, shops, now)
    full = _bytes(places, filled.place)
    removed = 0
    with Database(filled.place, clock=lambda: now) as database:
        for shop in shops:
            retention = Retention(database)
            retention.choose(shop.id, KEPT)
            removed += retention.remove(retention.expired(shop.store, KEPT))
        events = sum(database.events.count(shop.id) for shop in shops)
    left = _bytes(places, filled.place)
    changed = [name for name, said in _figures(places, filled, shops, now).items() if said != before[name]]
    found.problems += [f"size on {places.kind}: {name} is another one after the retention" for name in changed]
    total = filled.sent.accepted + filled.sent.duplicates
    found.worst("bytes_per_event_year", left / max(total * 365.25 / days, 1))
    found.detail[f"size {places.kind}"] = {
        "events": total,
        "mb": round(full / 1e6, 1),
        "removed_rows": removed,
        "events_left": events,
        "mb_left": round(left / 1e6, 1),
        "figures_changed": len(changed),
    }


def _figures(places: Places, filled: Filled, shops: Sequence[Shop], now: int) -> dict[str, Any]:
    """What the API says of every store."""
    made: dict[str, Any] = {}
    with Served(filled.place, places.log, now=now) as server:
        connection = http.client.HTTPConnection(server.ingest.removeprefix("http://"), timeout=120)
        for shop in shops:
            for name in _FIGURES:
                headers = {"Authorization": f"Bearer {filled.tokens[shop.id]}"}
                connection.request("GET", f"/v1/stores/{shop.id}/{name}", headers=headers)
                answer = connection.getresponse()
                made[f"{shop.id}/{name}"] = (answer.status, json.loads(answer.read()))
        connection.close()
    return made


def _bytes(places: Places, place: Path | str) -> int:
    if places.kind == "sqlite":
        with closing(sqlite3.connect(place, timeout=60)) as connection:
            connection.execute("VACUUM")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return places.size(place)
