"""SIGSTOP of a node of each type, all at once: the launcher has to notice, kill and restart each of them."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from benchmarks.chaos import graphs
from benchmarks.chaos.result import Result
from benchmarks.chaos.shop import Shop, free_ports
from benchmarks.chaos.stores import corrupt, deliver_rest
from benchmarks.chaos.truth import Outage, compare, read_events, read_walks


def run(folder: Path, *, hung: float = 15.0, small: bool = False) -> Result:
    """Stop one node of each type; recovery counts from the kill.

    hung: the launcher's limit, seconds. small: three types in a small shop.
    """
    result = Result()
    ports = free_ports(2)
    first, second = folder / "s1", folder / "s2"
    room = graphs.empty_room(folder / "room")
    graph = graphs.small if small else graphs.crowd
    crowd = Shop(first, graph(first / "truth", ports[0]), limits={"hung": hung})
    shops = [(crowd, 4 if small else 13)]
    if not small:
        shops.append((Shop(second, graphs.pictures(str(room), ports[1]), limits={"hung": hung}), 7))
    for shop, _ in shops:
        shop.start()
    try:
        for shop, nodes in shops:
            shop.wait_active(nodes)
        time.sleep(2.0)
        outages = _stop_one_of_each([shop for shop, _ in shops], hung, result)
        time.sleep(5.0)
        for shop, _ in shops:
            if not deliver_rest(shop):
                result.problems.append("events stay unsent")
    finally:
        for shop, _ in shops:
            shop.__exit__()
    result.add(compare(read_walks(crowd.truth), read_events(crowd.database), outages))
    result.corrupt = sum(corrupt(shop.data) for shop, _ in shops)
    return result


def _stop_one_of_each(shops: list[Shop], hung: float, result: Result) -> list[Outage]:
    stopped: dict[str, tuple[Shop, str, int, float]] = {}
    for shop in shops:
        kinds, pids = shop.types(), shop.pids()
        for name, kind in sorted(kinds.items()):
            if kind in graphs.ALL_TYPES and kind not in stopped:
                os.kill(pids[name], signal.SIGSTOP)
                stopped[kind] = shop, name, pids[name], time.monotonic()
    outages: list[Outage] = []
    noticed: dict[str, float] = {}
    end = time.monotonic() + 2 * hung + 60
    waiting = dict(stopped)
    while waiting and time.monotonic() < end:
        time.sleep(0.05)
        for kind, (shop, name, pid, since) in list(waiting.items()):
            if kind not in noticed and shop.pids().get(name) != pid:
                noticed[kind] = time.monotonic()
            back = shop.monitor.active_since(name, since)
            if kind in noticed and back is not None:
                outages.append(Outage(name, since, back))
                result.recoveries.append(round(max(0.0, back - noticed[kind]), 2))
                del waiting[kind]
    for kind, (_, name, _, since) in waiting.items():
        result.problems.append(f"{name} ({kind}) was stopped and is not back")
        outages.append(Outage(name, since, time.monotonic()))
    result.faults = len(stopped)
    result.detail["noticed_after_seconds"] = {
        kind: round(at - stopped[kind][3], 1) for kind, at in sorted(noticed.items())
    }
    return outages
