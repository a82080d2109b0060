"""One round in a process of its own: `python -m benchmarks.chaos.round SCENARIO '{"count": 5}'` prints its result."""

from __future__ import annotations

import importlib
import json
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.chaos.result import Result


def run(scenario: str, arguments: dict[str, Any]) -> Result:
    """Run a round here, in a new folder that is removed at the end."""
    module = importlib.import_module(f"benchmarks.chaos.scenarios.{scenario}")
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="mc-", ignore_cleanup_errors=True) as folder:
        try:
            result: Result = module.run(Path(folder), **arguments)
        except Exception:
            for log in sorted(Path(folder).rglob("log")):
                print(f"--- {log}", *log.read_text("utf-8", "replace").splitlines()[-40:], sep="\n", file=sys.stderr)
            raise
    result.scenario, result.seconds = scenario, round(time.monotonic() - began, 1)
    if result.lost or result.doubled or result.phantoms:
        result.problems.append(f"{result.lost} lost, {result.doubled} counted twice, {result.phantoms} invented")
    if result.orphans or result.corrupt:
        result.problems.append(f"{result.orphans} orphans, {result.corrupt} corrupt stores")
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    result.detail["cpu_seconds"] = round(spent.ru_utime + spent.ru_stime, 1)
    return result


if __name__ == "__main__":
    print(run(sys.argv[1], json.loads(sys.argv[2]) if len(sys.argv) > 2 else {}).as_json())
