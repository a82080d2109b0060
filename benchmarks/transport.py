"""Measures latency and CPU time of frames through three processes, with Metrica's ring and two simple programs.

    python -m benchmarks.transport [--seconds 10]

A source sends frames to a second process, which passes each on to a sink. Latency is the time from just before the send
to the sink's callback (two hops); CPU time is that of the three processes, per frame. `ring` is three nodes on
Metrica's runtime. `copy` sends the pixels over ipc, `bare` uses an mmap ring, both with pyzmq PUSH/PULL and nothing
else. Runs at 15 frames/s drop late frames (QoS LATEST). In runs as fast as possible (flat out) the source waits (QoS
LOSSLESS), and latency is mostly the queue of four frames.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from benchmarks.harness import ROOT, Processes, figure, median
from benchmarks.nodes.transport import WARM_UP

SIZES = {"720p": (1280, 720), "1080p": (1920, 1080)}
FLAT_OUT_FRAMES = 400


@dataclass(frozen=True)
class Result:
    """The figures of one run."""

    latency_ms: float
    """Median latency."""
    worst_ms: float
    """99th percentile of the latency."""
    cpu_ms: float
    """CPU time per frame."""
    received: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=10.0, help="length of each paced run")
    args = parser.parse_args()
    figures: list[tuple[str, float, str]] = []
    print(f"{'':<16}{'':<8}{'median ms':>10}{'99 % ms':>10}{'CPU ms/frame':>14}{'frames':>9}")
    for size, (width, height) in SIZES.items():
        for pace, fps in (("15fps", 15.0), ("flat_out", 0.0)):
            count = round(args.seconds * fps) if fps else FLAT_OUT_FRAMES
            results = {
                "ring": on_metrica(width, height, fps, count),
                "copy": on_bare("copy", width, height, fps, count),
                "bare": on_bare("ring", width, height, fps, count),
            }
            for name, r in results.items():
                print(
                    f"{size + ' ' + pace:<16}{name:<8}{r.latency_ms:>10.2f}{r.worst_ms:>10.2f}"
                    f"{r.cpu_ms:>14.2f}{r.received:>5}/{count}",
                    flush=True,
                )
            ring, copy, bare = results["ring"], results["copy"], results["bare"]
            figures += [
                (f"ring_over_copy_latency_{size}_{pace}", ring.latency_ms / copy.latency_ms, "0.6"),
                (f"ring_over_copy_cpu_{size}_{pace}", ring.cpu_ms / copy.cpu_ms, "0.6"),
                (f"ring_over_bare_ring_latency_{size}_{pace}", ring.latency_ms / bare.latency_ms, "1.5"),
                (f"ring_over_bare_ring_cpu_{size}_{pace}", ring.cpu_ms / bare.cpu_ms, "1.5"),
            ]
    for name, value, goal in figures:
        figure(name, value, goal=f"<={goal}")


def on_metrica(width: int, height: int, fps: float, count: int) -> Result:
    """Run three nodes on Metrica's runtime. fps: 0 is as fast as possible."""
    nodes = "benchmarks.nodes.transport"
    wanted = "latest" if fps else "lossless"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        graph = Processes()
        shape = {"width": width, "height": height, "fps": fps, "total": count}
        source, between, sink = (str(folder / f"{n}.json") for n in ("source", "between", "sink"))
        graph.add("/source", f"{nodes}:Source", {**shape, "out": source}, bindings={"frames": ("/frames", "latest")})
        graph.add(
            "/between",
            f"{nodes}:Between",
            {"out": between},
            connections={"frames": ("/frames", wanted)},
            bindings={"passed": ("/passed", "latest")},
        )
        graph.add("/sink", f"{nodes}:Sink", {"out": sink}, connections={"passed": ("/passed", wanted)})
        with graph:
            graph.wait_for_end("/source")
        return result(folder, count - WARM_UP)


def on_bare(medium: str, width: int, height: int, fps: float, count: int) -> Result:
    """Run the three processes of `benchmarks.bare`. fps: 0 is as fast as possible."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        command = [sys.executable, "-m", "benchmarks.bare", medium]
        shape = [folder, str(width), str(height), str(fps), str(count)]
        running = [subprocess.Popen([*command, role, *shape], cwd=ROOT) for role in ("source", "between", "sink")]
        for process in running:
            process.wait(timeout=300)
        return result(Path(folder), count)


def result(folder: Path, counted: int) -> Result:
    """Read the reports of the three processes. counted: the frames that their CPU time is of."""
    reports = {name: json.loads((folder / f"{name}.json").read_text()) for name in ("source", "between", "sink")}
    ages = sorted(reports["sink"]["ages"])
    cpu = sum(r["cpu"] for r in reports.values())
    return Result(median(ages), ages[int(len(ages) * 0.99) - 1], cpu * 1000 / counted, len(ages))


if __name__ == "__main__":
    main()
