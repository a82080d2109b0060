"""schemathesis against the running ingest: requests made from its own OpenAPI document, with a token and without."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.hostile.target import Target

_CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,ignored_auth"


@dataclass
class Findings:
    """What schemathesis says. cases: None if it is not installed."""

    cases: int | None = None
    failures: list[str] = field(default_factory=list[str])


def run(target: Target, seconds: float) -> Findings:
    """Run it twice, each half of the time: with the token of a shop, and with none."""
    if importlib.util.find_spec("schemathesis") is None:
        return Findings(failures=["schemathesis is not installed: pip install 'metrica[hostile]'"])
    found = Findings(cases=0)
    for arguments in (["-H", f"Authorization:Bearer {target.own}"], []):
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run(
                [
                    *(sys.executable, "-m", "schemathesis.cli", "run"),
                    f"http://127.0.0.1:{target.ingest}/openapi.json",
                    *("--checks", _CHECKS, "--max-time", str(max(1, int(seconds / 2))), "--rate-limit", "20/s"),
                    *("--continue-on-failure", "--no-color", "--generation-database", "none"),
                    *arguments,
                ],
                capture_output=True,
                text=True,
                cwd=Path(folder),
                timeout=seconds * 4 + 120,
                check=False,
            )
        said = done.stdout + done.stderr
        cases = re.findall(r"([\d,]+) (?:test cases )?generated", said)
        found.cases = (found.cases or 0) + (int(cases[-1].replace(",", "")) if cases else 0)
        found.failures += sorted(set(re.findall(r"^\s*- (.*)$", said, re.MULTILINE)))[:20]
        if done.returncode not in (0, 1):
            found.failures.append(f"it ended with {done.returncode}: {said[-300:]}")
    return found
