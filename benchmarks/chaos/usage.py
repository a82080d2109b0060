"""What a process holds: memory, handles, threads; and a file with their curves."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

Usage = dict[str, float]
"""What is held, by name; megabytes are of 2**20 bytes."""

CURVES = "METRICA_CHAOS_CURVES"
"""The environment variable with the file that `write_curve` appends to."""


def usage(pid: int) -> Usage:
    """Return what a process holds. Raises OSError if it is gone.

    memory_mb: the pages that it has written, in memory or swapped out. files_mb: the pages of files that it has mapped,
    nearly all of them code of libraries. They are no part of the memory: they are the kernel's cache, of which there is
    one for all processes. What the kernel calls private (`Private_Clean`) is no measure of either, for it also counts
    each page of a library that no other process on the machine happens to have mapped at the moment.
    """
    process = Path(f"/proc/{pid}")
    pages = dict(line.split()[:2] for line in (process / "smaps_rollup").read_text().splitlines()[1:])
    status = dict(line.split(":") for line in (process / "status").read_text().splitlines())
    return {
        "memory_mb": (int(pages["Anonymous:"]) + int(pages["Swap:"])) / 1024,
        "files_mb": int(status["RssFile"].split()[0]) / 1024,
        "handles": len(list((process / "fd").iterdir())),
        "threads": len(list((process / "task").iterdir())),
        "shared_memory_mb": 0.0,
    }


def write_curve(sample: dict[str, Usage]) -> None:
    """Append what all nodes hold to the file in the environment variable `CURVES`, a line of JSON; if there is one."""
    if file := os.environ.get(CURVES):
        rounded = {node: {what: round(value, 2) for what, value in held.items()} for node, held in sample.items()}
        with Path(file).open("a") as curves:
            curves.write(json.dumps({"time": round(time.time(), 1), "nodes": rounded}) + "\n")
