"""Deaths of the launcher, alone or with all its children, at random moments: nothing may survive, nothing be lost."""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

from benchmarks.chaos import graphs
from benchmarks.chaos.result import Result
from benchmarks.chaos.shop import Shop, free_ports, marked
from benchmarks.chaos.stores import corrupt, deliver_rest
from benchmarks.chaos.truth import Outage, compare, read_events, read_walks

_GRACE = 14.0
"""Seconds after which a process that is left is an orphan: the guardian kills what hangs after 7."""
_WAYS = ("alone", "alone", "all", "with one stopped", "during a restart")


def run(folder: Path, *, count: int = 50, seed: int = 1, longest: float = 5.0) -> Result:
    """So many deaths, each within `longest` seconds after the start, one after the other on the same data."""
    rng = random.Random(seed)
    result = Result()
    mark = f"METRICA_DEATHS={os.getpid()}-{seed}"
    graph = graphs.small(folder / "shop" / "truth", free_ports(1)[0], pause=0.2)
    shop = Shop(folder / "shop", graph, environment=dict([mark.split("=")]))
    ways: Counter[str] = Counter()
    outages: list[Outage] = []
    gone: list[float] = []
    try:
        for number in range(count):
            way = _WAYS[number % len(_WAYS)]
            shop.start()
            time.sleep(rng.uniform(0.0, longest))
            died = _die(shop, way, mark, rng)
            ways[way] += 1
            left = _left_after(mark, _GRACE)
            gone.append(time.monotonic() - died)
            outages.append(Outage("/", died, time.monotonic()))
            result.orphans += len(left)
            for pid in left:
                result.problems.append(f"an orphan after '{way}': {_name(pid)}")
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        shop.start()
        shop.wait_active(4)
        time.sleep(4.0)
        if not deliver_rest(shop):
            result.problems.append("events stay unsent")
    finally:
        shop.__exit__()
    result.add(compare(read_walks(shop.truth), read_events(shop.database), outages, by_track=True))
    result.faults, result.corrupt = count, corrupt(shop.data)
    result.detail |= {"deaths_by_way": dict(ways), "longest_until_all_gone_seconds": round(max(gone), 1)}
    return result


def _die(shop: Shop, way: str, mark: str, rng: random.Random) -> float:
    """Kill the launcher in this way; the moment."""
    assert shop.process
    nodes = list(shop.pids().values())
    if way == "with one stopped" and nodes:
        with suppress(ProcessLookupError):
            os.kill(rng.choice(nodes), signal.SIGSTOP)
    if way == "during a restart" and nodes:
        with suppress(ProcessLookupError):
            os.kill(rng.choice(nodes), signal.SIGKILL)
        time.sleep(rng.uniform(0.0, 1.8))
    died = time.monotonic()
    shop.process.kill()
    if way == "all":
        for pid in marked(mark):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    shop.process.wait()
    return died


def _left_after(mark: str, seconds: float) -> list[int]:
    """The processes of the launch that are still there after so many seconds; returns as soon as there is none."""
    end = time.monotonic() + seconds
    while (left := marked(mark)) and time.monotonic() < end:
        time.sleep(0.05)
    return left


def _name(pid: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    return str(pid)
