"""What an installation really does with the people it counts, read from its database and its launch file."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from metrica.dashboard.database.errors import DatabaseError
from metrica.dashboard.kpis.business_day import Calendar
from metrica.dashboard.kpis.store import Store
from metrica.dashboard.store import audit, sessions
from metrica.dashboard.store.database import Database
from metrica.dashboard.upkeep.retention import Retention

_LAUNCH_SECONDS = 60.0
_DAY = 24 * 3600 * 10**9
_LOCAL = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, slots=True)
class BoxFacts:
    """What the box under the counter keeps and sends, from its launch file."""

    cameras: tuple[str, ...]
    """The names of the cameras."""
    sent_days: int
    """For how many days the box keeps an event that the server has."""
    server: str
    """Host name of the server that gets the events; empty if it is the box itself."""
    preview: bool
    """Whether a live picture can be looked at on the box."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is kept of a store, where, and how long."""

    store: Store
    day: date
    """The business day on which the facts were read."""
    cameras: tuple[str, ...]
    """The names of the cameras, from the launch file or from the coverage that they sent."""
    kept_days: int
    """For how many days the server keeps crossings."""
    sums_days: int | None
    """For how many days the server keeps their sums; None: until the store is deleted."""
    audit_days: int
    """For how many days the audit log is kept."""
    session_days: int
    """For how many days at most a user stays logged in."""
    users: int
    """How many people can log in to the pages."""
    box: BoxFacts | None
    """None if no launch file was given."""


def read_facts(database: Database, store: Store, launch_file: Path | None) -> Facts:
    """Read the facts of a store. Raises DatabaseError if the launch file cannot be read."""
    box = read_box(launch_file) if launch_file is not None else None
    rows = database.rows("SELECT DISTINCT camera FROM watched WHERE store = ? ORDER BY camera", store.id)
    return Facts(
        store=store,
        day=Calendar(store.timezone, store.cutoff_hour).day_of(database.clock()),
        cameras=box.cameras if box is not None else tuple(row[0] for row in rows),
        kept_days=Retention(database).days(store.id),
        sums_days=Retention(database).sums_days(store.id),
        audit_days=audit.KEEP // _DAY,
        session_days=sessions.LONGEST // _DAY,
        users=len(database.users.all()),
        box=box,
    )


def read_box(launch_file: Path) -> BoxFacts:
    """Read the facts of a box from its launch file, by `metrica-launch --graph json`. Raises DatabaseError."""
    try:
        done = subprocess.run(
            [sys.executable, "-m", "metrica.launch.cli", "--graph", "json", os.fspath(launch_file)],
            capture_output=True,
            text=True,
            timeout=_LAUNCH_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise DatabaseError(f"{launch_file} could not be read within {_LAUNCH_SECONDS:.0f} s") from None
    if done.returncode:
        raise DatabaseError(done.stderr.strip() or f"{launch_file} cannot be read")
    return box_facts(json.loads(done.stdout))


def box_facts(graph: dict[str, Any]) -> BoxFacts:
    """Read the facts of a box from a graph as `metrica-launch --graph json` prints it."""
    nodes: list[dict[str, Any]] = graph["nodes"]
    uploads = [node["params"] for node in nodes if "keep_days" in node["params"] and "url" in node["params"]]
    hosts = [urlsplit(str(params["url"])).hostname or "" for params in uploads]
    return BoxFacts(
        cameras=tuple(graph["cameras"]),
        sent_days=max((int(params["keep_days"]) for params in uploads), default=0),
        server=", ".join(sorted({host for host in hosts if host not in _LOCAL})),
        preview=any("preview" in str(node["type"]) for node in nodes),
    )
