"""schemathesis against the running ingest: requests made from its own OpenAPI document, with a token and without."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.harness import ROOT
from benchmarks.hostile.target import Target

_CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
_SETTINGS = """
[parameters]
"path.store" = "mine"
"""


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
    for arguments in (["-H", f"Authorization:Bearer {target.own}"], ["--checks", f"{_CHECKS},ignored_auth"]):
        said = _run(target, seconds / 2, arguments)
        cases = re.findall(r"([\d,]+) generated", said)
        found.cases = (found.cases or 0) + (int(cases[-1].replace(",", "")) if cases else 0)
        if not cases:
            found.failures.append(f"it did not run: {said[-300:]}")
        failures = said.partition("= FAILURES =")[2].partition("= WARNINGS =")[0].partition("= SUMMARY =")[0]
        for operation, text in re.findall(r"\n_+ (\S+ \S+) _+\n(.*?)(?=\n_{5,}|\Z)", failures, re.DOTALL):
            what = re.findall(r"^- (.*)$", text, re.MULTILINE)
            how = re.findall(r"curl .*", text)
            found.failures += [f"{operation}: {each} ({how[0][:160] if how else ''})" for each in sorted(set(what))]
    return found


def _run(target: Target, seconds: float, arguments: list[str]) -> str:
    """What it prints."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "schemathesis.toml").write_text(_SETTINGS)
        done = subprocess.run(
            [
                *(sys.executable, "-m", "schemathesis.cli", "run"),
                f"http://127.0.0.1:{target.ingest}/openapi.json",
                *("--checks", _CHECKS, "--max-time", str(max(1, int(seconds))), "--rate-limit", "40/s"),
                *("--continue-on-failure", "--no-color", "--generation-database", "none"),
                # Open to this machine, as docs/api.md says.
                *("--exclude-path", "/metrics"),
                *arguments,
            ],
            capture_output=True,
            text=True,
            cwd=folder,
            env={**os.environ, "SCHEMATHESIS_HOOKS": "benchmarks.hostile.schema_hooks", "PYTHONPATH": str(ROOT)},
            timeout=seconds * 4 + 120,
            check=False,
        )
    return done.stdout + done.stderr
