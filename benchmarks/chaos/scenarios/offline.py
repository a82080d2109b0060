"""Days without a network, then a server that does seven wrong things: each event has to arrive, once, unchanged."""

from __future__ import annotations

import random
import time
from pathlib import Path

from benchmarks.chaos.bad_line import BadLine
from benchmarks.chaos.result import Result
from benchmarks.chaos.server import IngestServer
from benchmarks.chaos.shop import Shop, free_ports
from benchmarks.chaos.stores import corrupt, unsent
from benchmarks.chaos.truth import Row, read_events
from metrica.journal import Journal
from metrica.messages import Crossing, Header, encode


def run(
    folder: Path,
    *,
    hours: float = 72.0,
    events: int = 20_000,
    share: float = 0.1,
    dark_seconds: float = 20.0,
    limit_minutes: float = 15.0,
    seed: int = 1,
) -> Result:
    """So many events of so many hours wait in the journal; after `dark_seconds` without a server there is a bad one."""
    result = Result()
    data = folder / "shop" / "data"
    written = _write(data / "journal.db", events, hours, seed)
    port = free_ports(1)[0]
    with IngestServer(folder / "server") as server:
        graph = f"""
nodes:
  uploader: {{type: uploader, params: {{url: "http://127.0.0.1:{port}", token: "{server.tokens["shop"]}"}}}}
"""
        with Shop(folder / "shop", graph) as shop:
            shop.wait_active(1)
            time.sleep(dark_seconds)
            line = BadLine(server.port, share=share, seed=seed, port=port)
            began = time.monotonic()
            shop.wait_until(lambda: _count(server) >= events, 60 * limit_minutes)
            took = time.monotonic() - began
            shop.wait_until(lambda: unsent(shop.journal) == 0, 120)
            line.close()
            left = unsent(shop.journal)
        found = read_events(server.database)
    arrived = {row.id: row for row in found}
    right = sum(arrived.get(row.id) == row for row in written)
    result.faults = sum(n for fault, n in line.done.items() if fault != "none")
    result.lost = events - sum(row.id in arrived for row in written)
    result.doubled = len(found) - len(arrived)
    result.phantoms = len(arrived.keys() - {row.id for row in written})
    result.delivered = right
    result.drain_minutes = round(took / 60, 2)
    result.corrupt = corrupt(data) + corrupt(server.data)
    result.walks = result.certain = events
    result.detail |= {"requests": dict(line.done), "unsent_at_the_end": left, "hours": hours}
    if right != events:
        result.problems.append(f"{events - right} of {events} events are not at the server as they were written")
    return result


def _count(server: IngestServer) -> int:
    return len(read_events(server.database))


def _write(journal: Path, events: int, hours: float, seed: int) -> list[Row]:
    """Write the events of these hours as the counters would have, and return them."""
    rng = random.Random(seed)
    now = time.time_ns()
    times = sorted(now - int(rng.random() * hours * 3600e9) for _ in range(events))
    made = [
        Crossing(
            header=Header(stamp=at + 200_000_000, camera=rng.choice(["door", "back"])),
            id=f"door/main/{now:x}/{number}",
            line="main",
            direction=rng.choice(["in", "out"]),
            track=number,
            time=at,
        )
        for number, at in enumerate(times)
    ]
    journal.parent.mkdir(parents=True, exist_ok=True)
    with Journal(journal) as opened:
        for first in range(0, events, 1000):
            opened.append_many([(c.id, "Crossing", encode(c)) for c in made[first : first + 1000]])
    return [Row(c.id, c.header.camera, c.direction, c.track, c.time) for c in made]
