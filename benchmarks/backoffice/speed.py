"""Events per second over HTTP, with all sums kept, beside what the database itself takes in the same run.

Both get the same events, 500 in a transaction that is on the disk before the next one: SQLite through `executemany`,
PostgreSQL through COPY and through unnest on four connections, of which the quicker counts. They write into the tables
of the events as Metrica makes them, with all their keys (in PostgreSQL the ids stand in a table of their own), and all
grow from turn to turn. The requests were packed before, so that a sender on the same processors takes little of them.
"""

from __future__ import annotations

import asyncio
import sqlite3
import statistics
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp

from benchmarks.backoffice.figures import Findings, rounded
from benchmarks.backoffice.places import Places
from benchmarks.backoffice.process import Served
from benchmarks.years.posting import Poster, packed
from benchmarks.years.shop import make_shop
from benchmarks.years.shop_years import make_years
from benchmarks.years.stores import TOKENS, add_stores
from metrica.dashboard.database.interface import Connection
from metrica.dashboard.kpis.store import Store
from metrica.dashboard.store.database import Database
from metrica.dashboard.store.records import Event

BATCH = 500
_STORES = 4
_ROUNDS = 5

Row = tuple[str, str, str, str, int, int, int, int]
"""A row of `events`: store, id, camera, line, direction, track, time, received."""
_COLUMNS = "store, id, camera, line, direction, track, time, received"


def speed(places: Places, events: int, found: Findings) -> None:
    """Measure both, in turns. events: how many in each turn. Adds to `found`."""
    stores = [f"speed-{number}" for number in range(_STORES)]
    batches = _batches(stores, events)
    ours, raw = places.new("speed"), places.new("speed-raw")
    tokens = add_stores(ours, [Store(name, "UTC") for name in stores], places.folder / f"speed-{places.kind}-{TOKENS}")
    _prepare(raw, stores, batches)
    ways = {"executemany": _executemany} if places.kind == "sqlite" else {"copy": _copy, "unnest": _unnest}
    rates: dict[str, list[float]] = {name: [] for name in ("http", *ways)}
    used = dict.fromkeys(rates, 0.0)
    with Served(ours, places.log) as server:
        for turn in range(_ROUNDS):
            for name, way in ways.items():
                rows = [[_renamed(batch, f"{name}/{turn}") for batch in mine] for mine in batches]
                before = time.process_time()
                rates[name].append(_timed(events, partial(way, raw, rows)))
                used[name] += time.process_time() - before
            named = [[_renamed(batch, f"{turn}") for batch in mine] for mine in batches]
            bodies = [
                [(mine[0][0][0], packed(mine[0][0][0], "events", [_fields(row) for row in batch])) for batch in mine]
                for mine in named
            ]
            before = server.cpu_seconds
            rates["http"].append(_timed(events, partial(_send, server.ingest, bodies, tokens)))
            used["http"] += server.cpu_seconds - before
    medians = {name: statistics.median(values) for name, values in rates.items()}
    figure = f"ingest_over_raw_{places.kind}"
    found.worst(figure, medians["http"] / max(medians[name] for name in ways))
    found.detail[figure] = rounded(
        {f"{name}_events_per_second": value for name, value in medians.items()}, 0
    ) | rounded(
        {f"{name}_cpu_us_per_event": value / events / _ROUNDS * 1e6 for name, value in used.items()}, 1
    )  # of the process that serves or writes, without the database's own


def _batches(stores: Sequence[str], events: int) -> list[list[list[Row]]]:
    """Rows of each store in batches, in order of time, from now on backwards."""
    now = time.time_ns()
    made: list[list[list[Row]]] = []
    each = events // len(stores)
    for number, store in enumerate(stores):
        crossings = make_years(make_shop(number, visitors=3000), now, max(3, each // 4000)).events()[-each:]
        rows = [_row(store, event, now) for event in crossings]
        made.append([rows[at : at + BATCH] for at in range(0, len(rows), BATCH)])
    return made


def _row(store: str, event: Event, now: int) -> Row:
    sign = 1 if event.direction == "in" else -1
    return store, event.id, event.camera, event.line, sign, event.track, event.time, now


def _renamed(batch: Sequence[Row], turn: str) -> list[Row]:
    """The same events as others: with ids of their own for each turn."""
    return [(row[0], f"{row[1]}/{turn}", *row[2:]) for row in batch]


def _fields(row: Row) -> dict[str, str | int]:
    way = "in" if row[4] == 1 else "out"
    return {"id": row[1], "camera": row[2], "line": row[3], "direction": way, "track": row[5], "time": row[6]}


def _timed(events: int, work: Callable[[], object]) -> float:
    """How many events a second some work has written."""
    began = time.perf_counter()
    work()
    return events / (time.perf_counter() - began)


def _send(url: str, bodies: Sequence[Sequence[tuple[str, bytes]]], tokens: dict[str, str]) -> None:
    asyncio.run(_post(url, bodies, tokens))


async def _post(url: str, bodies: Sequence[Sequence[tuple[str, bytes]]], tokens: dict[str, str]) -> None:
    async with aiohttp.ClientSession() as session:

        async def send(mine: Sequence[tuple[str, bytes]]) -> None:
            poster = Poster(session, url)
            for store, body in mine:
                await poster.post_packed(store, tokens[store], "events", body)

        await asyncio.gather(*(send(mine) for mine in bodies))


def _prepare(raw: Path | str, stores: Sequence[str], batches: Sequence[Sequence[Sequence[Row]]]) -> None:
    """Make Metrica's tables, and whatever a table for these months needs."""
    with Database(raw) as database:
        for name in stores:
            database.stores.put(Store(name, "UTC"))
        for mine in batches:
            ends = [Event.model_validate(_fields(row)) for batch in mine for row in (batch[0], batch[-1])]
            database.events.add(mine[0][0][0], ends).result()
    _empty(raw)


def _empty(raw: Path | str) -> None:
    with Database(raw) as database:

        def delete(db: Connection) -> None:
            db.execute("DELETE FROM events" if database.kind == "sqlite" else "TRUNCATE events, event_ids")

        database.write(delete).result()


def _executemany(raw: Path | str, batches: Sequence[Sequence[Sequence[Row]]]) -> None:
    connection = sqlite3.connect(raw, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    for some in zip(*batches, strict=True):  # in turn, as four stores send
        for batch in some:
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(f"INSERT INTO events ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", batch)
            connection.execute("COMMIT")
    connection.close()


def _copy(raw: Path | str, batches: Sequence[Sequence[Sequence[Row]]]) -> None:
    def write(connection: Any, batch: Sequence[Row]) -> None:
        with connection.cursor().copy(f"COPY events ({_COLUMNS}) FROM STDIN") as copy:
            for row in batch:
                copy.write_row(row)
        with connection.cursor().copy("COPY event_ids (store, id) FROM STDIN") as copy:
            for row in batch:
                copy.write_row(row[:2])

    _on_connections(raw, batches, write)


def _unnest(raw: Path | str, batches: Sequence[Sequence[Sequence[Row]]]) -> None:
    kinds = ("text", "text", "text", "text", "bigint", "bigint", "bigint", "bigint")
    arrays = ", ".join(f"%s::{kind}[]" for kind in kinds)

    def write(connection: Any, batch: Sequence[Row]) -> None:
        columns = [list(column) for column in zip(*batch, strict=True)]
        connection.execute(f"INSERT INTO events ({_COLUMNS}) SELECT * FROM unnest({arrays})", columns)
        ids = "INSERT INTO event_ids (store, id) SELECT * FROM unnest(%s::text[], %s::text[])"
        connection.execute(ids, columns[:2])

    _on_connections(raw, batches, write)


def _on_connections(
    raw: Path | str, batches: Sequence[Sequence[Sequence[Row]]], write: Callable[[Any, Sequence[Row]], None]
) -> None:
    import psycopg  # of the extra `postgresql`

    def run(mine: Sequence[Sequence[Row]]) -> None:
        with psycopg.connect(str(raw)) as connection:
            for batch in mine:
                write(connection, batch)
                connection.commit()

    threads = [threading.Thread(target=run, args=(mine,)) for mine in batches]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
