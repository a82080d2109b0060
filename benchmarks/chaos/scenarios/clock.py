"""The box's clock jumps by hours, forwards and back, and is not set at all at the start; the server's is right."""

from __future__ import annotations

import time
from pathlib import Path

from benchmarks.chaos import graphs
from benchmarks.chaos.result import Result
from benchmarks.chaos.server import IngestServer
from benchmarks.chaos.shop import Shop
from benchmarks.chaos.stores import corrupt, unsent
from benchmarks.chaos.truth import compare, read_events, read_walks
from benchmarks.harness import ROOT

CLOCK = Path(__file__).parents[1] / "clock"
_HOUR = 3600.0
_WRONG = 2_000_000_000
"""An event is at the right time if it is no further off, ns."""


def run(
    folder: Path, *, jumps: tuple[float, ...] = (3, -3, -5, 0, 7, 0), unset_seconds: float = 12.0, each: float = 8.0
) -> Result:
    """jumps: hours that the clock is off, one after the other, `each` seconds long.

    unset_seconds: how long the clock says 1970 at first. Times are right if they are those of the server's clock; of
    the stretches with a wrong clock only the unset one can be repaired, by the monotonic clock.
    """
    result = Result()
    offset = folder / "offset"
    offset.write_text(str(-time.time() + 1000 if unset_seconds else 0))
    environment = {"METRICA_CHAOS_CLOCK": str(offset), "PYTHONPATH": f"{CLOCK}:{ROOT}"}
    with IngestServer(folder / "server") as server:
        graph = graphs.small(folder / "shop" / "truth", 0, url=server.address, token=server.tokens["shop"], pause=0.3)
        with Shop(folder / "shop", graph, environment=environment) as shop:
            shop.wait_active(3)
            time.sleep(unset_seconds)
            _move(offset, 0.0)
            set_at = time.monotonic()
            time.sleep(each)
            for hours in jumps:
                _move(offset, hours * _HOUR)
                result.faults += 1
                time.sleep(each)
            _move(offset, 0.0)
            time.sleep(each)
            shop.wait_until(lambda: unsent(shop.journal) == 0, 60)
            shop.stop()
        walks = read_walks(shop.truth)
        events = read_events(server.database)
    result.faults += bool(unset_seconds)
    # A walk in which the clock jumps back is not counted twice, but need not be counted.
    result.add(compare(walks, events, by_track=True))
    real = {walk.track: walk for walk in walks if walk.end is not None}
    base = time.time_ns() - time.monotonic_ns()
    off = [abs(event.time - base - int(real[event.track].begin * 1e9)) for event in events if event.track in real]
    early = [walk for walk in real.values() if walk.end is not None and walk.end < set_at]
    tracks = {event.track: event for event in events}
    wrong = [
        walk
        for walk in early
        if walk.track in tracks and abs(tracks[walk.track].time - base - int(walk.begin * 1e9)) > _WRONG
    ]
    result.detail |= {
        "before_the_clock_was_set": len(early),
        "of_these_at_the_server": sum(walk.track in tracks for walk in early),
        "of_these_at_the_wrong_time": len(wrong),
        "most_hours_off": round(max(off, default=0) / 3600e9, 2),
        "log": sorted({line[13:160] for line in shop.text().splitlines() if "refuses" in line or "clock" in line})[:5],
    }
    if wrong:
        result.problems.append(f"{len(wrong)} events from before the clock was set are at the wrong time")
    result.corrupt = corrupt(shop.data) + corrupt(server.data)
    return result


def _move(file: Path, seconds: float) -> None:
    draft = file.with_name("offset.new")
    draft.write_text(str(seconds))
    draft.replace(file)
