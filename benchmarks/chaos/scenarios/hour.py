"""Real speed for an hour: a real camera, the detector, known people, both pages asked; nothing may grow."""

from __future__ import annotations

import http.client
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from benchmarks.chaos import graphs
from benchmarks.chaos.result import Result
from benchmarks.chaos.scenarios.camera import RtspCamera
from benchmarks.chaos.shop import Shop, free_ports
from benchmarks.chaos.stores import corrupt, deliver_rest
from benchmarks.chaos.truth import compare, read_events, read_walks
from benchmarks.chaos.usage import Usage, usage, write_curve
from metrica.launch.reading.folders import frame_dir

_EACH = 5.0


def run(folder: Path, *, minutes: float = 60.0) -> Result:
    """Growth is that of the sum over all nodes, from the second fifth of the time to the last one (medians).

    The memory is what the nodes have written; that of frames is counted by itself (`shared_memory_mb`).
    """
    result = Result()
    ports = free_ports(3)
    camera = RtspCamera(ports[2], {})
    first, second = folder / "s1", folder / "s2"
    samples: list[dict[str, Usage]] = []
    try:
        with (
            Shop(first, graphs.crowd(first / "truth", ports[0])) as crowd,
            Shop(
                second, graphs.pictures(f"rtsp://127.0.0.1:{ports[2]}/cam", ports[1], fps=4.0, loop=False)
            ) as pictures,
        ):
            crowd.wait_active(13)
            pictures.wait_active(7)
            token = (crowd.data / "token").read_text().strip()
            end = time.monotonic() + 60 * minutes
            while time.monotonic() < end:
                samples.append(_sample(crowd) | _sample(pictures))
                write_curve(samples[-1])
                _ask(ports[0], token)
                time.sleep(_EACH)
            for shop in (crowd, pictures):
                if shop.said("is restarted in"):
                    result.problems.append("a node was restarted")
                if not deliver_rest(shop):
                    result.problems.append("events stay unsent")
    finally:
        camera.stop()
    result.add(compare(read_walks(crowd.truth), read_events(crowd.database)))
    result.phantoms += len(read_events(pictures.database))
    result.corrupt = corrupt(crowd.data) + corrupt(pictures.data)
    _judge(samples, result)
    return result


def _judge(samples: list[dict[str, Usage]], result: Result) -> None:
    fifth = max(1, len(samples) // 5)
    early, late = samples[fifth : 2 * fifth] or samples[:1], samples[-fifth:]
    for what in ("memory_mb", "files_mb", "handles", "threads", "shared_memory_mb"):
        before, after = _total(early, what), _total(late, what)
        growth = 100 * (after / before - 1) if before else 0.0
        result.detail[what] = {"from": round(before, 1), "to": round(after, 1), "growth_percent": round(growth, 2)}
        if what == "memory_mb":
            result.growth = round(growth, 2)
    grown = {
        name: round(_median([s[name]["memory_mb"] for s in late if name in s]) - before, 1)
        for name in early[0]
        if (before := _median([s[name]["memory_mb"] for s in early if name in s]))
    }
    result.detail["memory_grown_mb_by_node"] = dict(sorted(grown.items(), key=lambda item: -item[1])[:5])


def _total(samples: list[dict[str, Usage]], what: str) -> float:
    return _median([sum(node[what] for node in sample.values()) for sample in samples])


def _median(values: list[float]) -> float:
    ordered = sorted(values)
    return ordered[len(ordered) // 2] if ordered else 0.0


def _sample(shop: Shop) -> dict[str, Usage]:
    """What each node holds at the moment."""
    found: dict[str, Usage] = {}
    for name, pid in shop.pids().items():
        with suppress(OSError):
            found[f"{shop.folder.name}{name}"] = usage(pid)
    frames = frame_dir(shop.run_dir)
    if found and frames.exists():
        node = next(iter(found.values()))
        node["shared_memory_mb"] = sum(file.stat().st_blocks * 512 for file in frames.iterdir()) / 2**20
    return found


def _ask(port: int, token: str) -> None:
    """Ask for the figures, as a page does."""
    headers: dict[str, Any] = {"Authorization": f"Bearer {token}"}
    with suppress(OSError, http.client.HTTPException):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        for path in ("/v1/stores/shop/kpis", "/healthz"):
            connection.request("GET", path, headers=headers)
            connection.getresponse().read()
        connection.close()
