"""The disk under journal and database is full for a while; the counter and the launcher are killed meanwhile."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

from benchmarks.chaos import graphs
from benchmarks.chaos.result import Result
from benchmarks.chaos.shop import Shop, free_ports
from benchmarks.chaos.stores import corrupt, deliver_rest
from benchmarks.chaos.truth import Outage, compare, read_events, read_walks


def run(folder: Path, *, seconds: float = 30.0, rounds: int = 2, size: str = "6m", kill: bool = True) -> Result:
    """Fill the disk so often, for so long each time. kill: also kill the counter while it is full."""
    result = Result()
    graph = graphs.small(folder / "shop" / "truth", free_ports(1)[0], pause=0.3)
    outages: list[Outage] = []
    with small_disk(folder / "disk", size) as disk:
        shop = Shop(folder / "shop", graph, data=disk / "data", limits={"healthy": 4.0})
        with shop:
            shop.wait_active(4)
            time.sleep(3.0)
            for _ in range(rounds):
                filler = fill(disk)
                time.sleep(seconds / 2)
                if kill:
                    outages.append(_kill_counter(shop, result))
                time.sleep(seconds / 2)
                before = len(read_events(shop.database))
                filler.unlink()
                freed = time.monotonic()
                if shop.wait_until(partial(_more_than, before, shop), 60):
                    result.recoveries.append(round(time.monotonic() - freed, 2))
                else:
                    result.problems.append("no event arrives within 60 s after there is room again")
                result.faults += 1
                time.sleep(4.0)
            if not deliver_rest(shop):
                result.problems.append("events stay unsent")
            result.corrupt = corrupt(shop.data)
            events = read_events(shop.database)
    result.add(compare(read_walks(shop.truth), events, outages, by_track=True))
    result.detail["log"] = sorted({line[13:160] for line in shop.text().splitlines() if "isk full" in line})[:6]
    return result


def _more_than(before: int, shop: Shop) -> bool:
    return len(read_events(shop.database)) > before


def _kill_counter(shop: Shop, result: Result) -> Outage:
    killed = time.monotonic()
    pid = shop.pids().get("/a/counter")
    if pid is not None:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    if not shop.wait_until(lambda: shop.monitor.active_since("/a/counter", killed) is not None, 60):
        result.problems.append("the counter is not back 60 s after it was killed on a full disk")
        return Outage("/a/counter", killed, time.monotonic())
    back = shop.monitor.active_since("/a/counter", killed)
    assert back is not None
    return Outage("/a/counter", killed, back)


@contextmanager
def small_disk(folder: Path, size: str) -> Generator[Path]:
    """A disk of this size. Raises PermissionError if this user may not mount."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    if subprocess.run(command, capture_output=True, check=False).returncode != 0:
        raise PermissionError("a small disk can only be mounted by root, or in a namespace of its own: unshare -Urm")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(disk: Path) -> Path:
    """Write until nothing more fits; the file to remove again."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(1 << 16))
    with filler.open("ab", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(512))
    return filler
