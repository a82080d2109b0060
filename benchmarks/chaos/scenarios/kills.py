"""`kill -9` of one node after the other, of every type, at random moments, while known people walk over lines."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from benchmarks.chaos import graphs
from benchmarks.chaos.result import Result
from benchmarks.chaos.shop import Shop, free_ports
from benchmarks.chaos.stores import corrupt, deliver_rest
from benchmarks.chaos.truth import Outage, compare, read_events, read_walks

LIMITS = {"healthy": 3.0}
"""A node is healthy again after 3 s, not 60: so each kill is a first failure, and a thousand of them take minutes."""
_HEAVY = {"openvino_detector": 0.3, "dashboard": 0.3, "capture": 0.6, "preview": 0.6}
"""How often these are killed, compared with the others: they take longest to start."""
_DOWN_AT_ONCE = 4
_GIVEN_UP = 60.0


@dataclass
class _Node:
    shop: Shop
    name: str
    type: str
    back_at: float
    killed_at: float | None = None


def run(folder: Path, *, count: int = 250, seed: int = 1, small: bool = False) -> Result:
    """So many kills of twenty nodes in two shops, or of three in one small shop."""
    rng = random.Random(seed)
    result = Result()
    with contextlib.ExitStack() as stack:
        shops = [stack.enter_context(shop) for shop in _shops(folder, small)]
        for shop, expected in zip(shops, (4,) if small else (13, 7), strict=True):
            shop.wait_active(expected)
        nodes = [
            _Node(shop, name, kind, time.monotonic())
            for shop in shops
            for name, kind in shop.types().items()
            if kind in graphs.ALL_TYPES
        ]
        outages = _kill(nodes, rng, count, result)
        time.sleep(4.0)
        for shop in shops:
            if not deliver_rest(shop):
                result.problems.append("events stay unsent")
    result.add(compare(read_walks(shops[0].truth), read_events(shops[0].database), outages, by_track=small))
    result.phantoms += sum(len(read_events(shop.database)) for shop in shops[1:])  # nobody walks there
    result.corrupt = sum(corrupt(shop.data) for shop in shops)
    return result


def _shops(folder: Path, small: bool) -> list[Shop]:
    ports = free_ports(2)
    first, second = folder / "s1", folder / "s2"
    if small:
        return [Shop(first, graphs.small(first / "truth", ports[0], pause=0.3), limits=LIMITS)]
    room = graphs.empty_room(folder / "room")
    return [
        Shop(first, graphs.crowd(first / "truth", ports[0]), limits=LIMITS),
        Shop(second, graphs.pictures(str(room), ports[1]), limits=LIMITS),
    ]


def _kill(nodes: list[_Node], rng: random.Random, count: int, result: Result) -> list[Outage]:
    outages: list[Outage] = []
    by_type: Counter[str] = Counter()
    weights = {node.name: _HEAVY.get(node.type, 1.0) / _sharing(nodes, node.type) for node in nodes}
    while sum(by_type.values()) < count or any(node.killed_at is not None for node in nodes):
        now = time.monotonic()
        _look(nodes, now, outages, result)
        down = sum(node.killed_at is not None for node in nodes)
        ready = [node for node in nodes if node.killed_at is None and now - node.back_at > LIMITS["healthy"] + 0.5]
        if sum(by_type.values()) < count and down < _DOWN_AT_ONCE and ready:
            node = rng.choices(ready, [weights[node.name] for node in ready])[0]
            if _strike(node):
                by_type[node.type] += 1
        time.sleep(rng.uniform(0.05, 0.3))
    result.faults = sum(by_type.values())
    result.detail["kills_by_type"] = dict(sorted(by_type.items()))
    return outages


def _sharing(nodes: list[_Node], kind: str) -> int:
    return sum(node.type == kind for node in nodes)


def _strike(node: _Node) -> bool:
    pid = node.shop.pids().get(node.name)
    if pid is None:
        return False
    node.killed_at = time.monotonic()
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    return True


def _look(nodes: list[_Node], now: float, outages: list[Outage], result: Result) -> None:
    """See which of the killed nodes work again."""
    for node in nodes:
        if node.killed_at is None:
            continue
        since = node.shop.monitor.active_since(node.name, node.killed_at)
        if since is None and now - node.killed_at > _GIVEN_UP:
            result.problems.append(f"{node.name} ({node.type}) is not back {_GIVEN_UP:.0f} s after its kill")
            since = now
        if since is not None:
            outages.append(Outage(node.name, node.killed_at, since))
            result.recoveries.append(round(since - node.killed_at, 2))
            node.killed_at, node.back_at = None, since
