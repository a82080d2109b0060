"""What is posted: a crossing, or the counts of a quarter of an hour; and up to where a webhook has it then.

A quarter is posted some minutes after its end. When a crossing arrives late, its quarter is posted once more, with
another id.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from metrica.dashboard.kpis.events import HOUR, IN, QUARTER, SECOND
from metrica.dashboard.kpis.gaps import gaps_in_coverage, time_in_gaps
from metrica.dashboard.kpis.store import Store
from metrica.dashboard.store.database import Database
from metrica.dashboard.upkeep.export import local_time
from metrica.dashboard.webhooks.table import Webhook

AT_ONCE = 100
"""Most messages that are read at a time."""
_GRACE = 180 * SECOND
"""How long after its end a quarter is posted: boxes send their coverage every minute."""
_OLDEST = 35 * 24 * HOUR
"""Quarters that began longer ago are not posted again when something late arrives."""
_COVERAGE = 4 * 24 * HOUR
"""How far back coverage is read: a camera that was silent for three days was taken away."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message, and what is noted when it was taken."""

    id: str
    """The same each time the same thing is posted."""
    body: bytes
    position: int
    """The webhook has all events up to this number then …"""
    quarter: int
    """… and all quarters that begin before this, ns UTC."""


def due(database: Database, hook: Webhook, now: int) -> tuple[list[Outgoing], int]:
    """Return what is to be posted at `now` (ns UTC), in order, at most `AT_ONCE`; and the position after that."""
    store = database.stores.get(hook.store)
    if store is None:
        return [], hook.position
    return _events(database, hook, store) if hook.kind == "event" else _quarters(database, hook, store, now)


def test_message(hook: Webhook, now: int) -> Outgoing:
    """Return a message of the type `test`."""
    return Outgoing(f"test/{now}", _body("test", f"test/{now}", hook.store, {}), hook.position, hook.quarter)


def is_quarter_due(hook: Webhook, now: int) -> bool:
    """Whether a quarter has ended that was not posted."""
    return hook.kind == "quarter" and hook.quarter + QUARTER + _GRACE <= now


def _events(database: Database, hook: Webhook, store: Store) -> tuple[list[Outgoing], int]:
    rows, last = _rows_after(database, hook, AT_ONCE)
    found: list[Outgoing] = []
    for n, name, camera, line, direction, time, received in rows:
        data = {
            "camera": camera,
            "line": line,
            "direction": "in" if direction == IN else "out",
            "time": local_time(time, store.timezone),
            "received": local_time(received, store.timezone),
        }
        found.append(Outgoing(name, _body("crossing", name, hook.store, data), n, hook.quarter))
    return found, last


def _rows_after(database: Database, hook: Webhook, limit: int) -> tuple[list[Any], int]:
    """Return the store's events behind the webhook's position, and up to which number there are none left out."""
    in_one_row = database.kind == "sqlite"
    # In SQLite the new events are the last ones of the table; the plus sign keeps it from the index by time.
    column = "+store" if in_one_row else "store"
    with database.snapshot() as db:
        last = db.execute("SELECT coalesce(max(n), 0) FROM events").fetchone()[0] if in_one_row else 0
        rows = db.execute(
            "SELECT n, id, camera, line, direction, time, received FROM events"
            f" WHERE {column} = ? AND n > ? ORDER BY n LIMIT ?",
            (hook.store, hook.position, limit),
        ).fetchall()
    if len(rows) == limit:
        return rows, rows[-1][0]
    # Elsewhere the numbers are in the order of the commits within a store only: see `EventTable.add`.
    return rows, max(last, rows[-1][0] if rows else hook.position)


def _quarters(database: Database, hook: Webhook, store: Store, now: int) -> tuple[list[Outgoing], int]:
    rows, position = _rows_after(database, hook, 50 * AT_ONCE)
    late = sorted({time - time % QUARTER for *_, time, _ in rows if now - _OLDEST <= time < hook.quarter})
    ended = now - _GRACE - (now - _GRACE) % QUARTER
    found: list[Outgoing] = []
    for n, start in enumerate(late):
        # Only with the last of them are all of these events done with.
        body = _quarter(database, store, start, now)
        done = position if n == len(late) - 1 else hook.position
        found.append(Outgoing(_id_of(body), body, done, hook.quarter))
    reached = found[-1].position if found else position
    for start in range(hook.quarter, min(ended, hook.quarter + AT_ONCE * QUARTER), QUARTER):
        body = _quarter(database, store, start, now)
        found.append(Outgoing(_id_of(body), body, reached, start + QUARTER))
    return found, position


def _quarter(database: Database, store: Store, start: int, now: int) -> bytes:
    """The body of a quarter of an hour: its id is a fingerprint of what it says."""
    counted = database.rows(
        "SELECT camera, line, entered, left_ FROM quarters WHERE store = ? AND quarter = ? ORDER BY camera, line",
        *(store.id, start),
    )
    lines = [
        {"camera": camera, "line": line, "entered": entered, "left": left} for camera, line, entered, left in counted
    ]
    looked = database.coverage.since(store.id, start - _COVERAGE)
    missing = time_in_gaps(gaps_in_coverage(looked, now), start, start + QUARTER) if looked else None
    unseen = not lines and missing != 0
    data = {
        "quarter": local_time(start, store.timezone),
        "entered": None if unseen else sum(entered for _, _, entered, _ in counted),
        "left": None if unseen else sum(left for _, _, _, left in counted),
        "missing_seconds": None if missing is None else round(missing / SECOND),
        "lines": lines,
    }
    said = json.dumps([store.id, start, data["entered"], data["left"], lines], ensure_ascii=False)
    return _body("quarter", f"q_{hashlib.sha256(said.encode()).hexdigest()[:32]}", store.id, data)


def _id_of(body: bytes) -> str:
    return str(json.loads(body)["id"])


def _body(kind: str, name: str, store: str, data: dict[str, Any]) -> bytes:
    document = {"v": 1, "id": name, "type": kind, "store": store, "data": data}
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
