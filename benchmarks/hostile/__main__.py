"""Attacks a running ingest and dashboard with everything at once: `python -m benchmarks.hostile [--seconds 60]`.

Both servers are real processes on one database with two shops. Every attack is a process of its own that is `nice` and
pauses between its steps (attacker.py), from addresses 127.0.0.2 and up; the honest ones (probe.py) come from 127.0.0.1.
First the honest ones are alone, for comparison, then all attacks run at once, then schemathesis (the extra `hostile`).
The last line is JSON. Raise `ulimit -n` to 20,000 for the ten thousand idle connections.
"""

from __future__ import annotations

import argparse
import json
import resource
import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.chaos.report import write_docs
from benchmarks.chaos.shop import die_with_parent
from benchmarks.harness import ROOT
from benchmarks.hostile.attacker import ATTACKS
from benchmarks.hostile.schema import Findings
from benchmarks.hostile.schema import run as run_schemathesis
from benchmarks.hostile.target import Servers, Target

GOALS = {
    "server_errors": 0.0,
    "unauthenticated_successes": 0.0,
    "cross_store_leaks": 0.0,
    "slowest_answer_s": 1.0,
    "healthz_p99_ms": 100.0,
    "peak_rss_mb": 400.0,
}
"""The figures, and the most that each may be."""


def main(argv: list[str] | None = None) -> int:
    """Exit status: 0 if every figure meets its goal, else 1."""
    args = _parser().parse_args(argv)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    names = args.only or list(ATTACKS)
    found = attack(names, args.seconds, quiet=args.quiet, schema_seconds=args.schemathesis)
    print_table(found)
    print(json.dumps({**found["figures"], "detail": found}, default=str))
    if args.write_docs:
        command = shlex.join(["python", "-m", "benchmarks.hostile", *(sys.argv[1:] if argv is None else argv)])
        rows = {name: (f"{found['figures'][name]:g}", f"<= {goal:g}") for name, goal in GOALS.items()}
        write_docs("hostile", command.replace(" --write-docs", ""), rows)
    return int(any(found["figures"][name] > goal for name, goal in GOALS.items()))


def attack(
    names: list[str], seconds: float, *, quiet: float = 5.0, schema_seconds: float = 0.0, nice: int = 10
) -> dict[str, Any]:
    """Run these attacks at once against new servers, and judge.

    quiet: how long the honest ones are alone first. nice: how far the attackers stand back.
    """
    with tempfile.TemporaryDirectory(prefix="mh-") as folder, Servers(Path(folder)) as servers:
        target = servers.target
        alone = _honest(target, quiet) if quiet else None
        attackers = {name: _start("attacker", [name, str(nice)], target) for name in names}
        probe = _start("probe", [], target)
        try:
            for process in (*attackers.values(), probe):
                _until_ready(process)
            begin, before = time.monotonic() + 0.5, servers.cpu_seconds()
            for process in (*attackers.values(), probe):
                _say(process, f"{begin} {begin + seconds}")
            during = _finish(probe)
            spent = {name: round(used - before[name], 1) for name, used in servers.cpu_seconds().items()}
            notes = {name: _finish(process) for name, process in attackers.items()}
        finally:
            for process in (probe, *attackers.values()):
                process.kill()
                process.wait()
        schema = run_schemathesis(target, schema_seconds) if schema_seconds else Findings()
        time.sleep(1.0)
        after = _honest(target, 2.0)
        peak, tracebacks = servers.peak_mb(), servers.tracebacks()
        running, log_mb = servers.running(), servers.log_mb()
    errors = [error for each in notes.values() for error in each["server_errors"]]
    errors += [] if running else ["a server has ended"]
    errors += [f"schemathesis: {failure}" for failure in schema.failures if "erver error" in failure]
    successes = [each for found in notes.values() for each in found["successes"]]
    leaks = [each for found in notes.values() for each in found["leaks"]]
    figures = {
        "server_errors": len(errors),
        "unauthenticated_successes": len(successes),
        "cross_store_leaks": len(leaks),
        "slowest_answer_s": max(during["slowest"].values()),
        "healthz_p99_ms": max(each["p99_ms"] or 0.0 for each in during["healthz"].values()),
        "peak_rss_mb": max(peak.values()),
    }
    return {
        "figures": figures,
        "server_errors": errors,
        "unauthenticated_successes": successes,
        "cross_store_leaks": leaks,
        "peak_rss_mb": peak,
        "cpu_seconds": spent,
        "log_mb": round(log_mb, 2),
        "tracebacks_in_the_logs": tracebacks,
        "honest_alone": alone,
        "honest_during": during,
        "honest_after": after,
        "attacks": notes,
        "schemathesis": {"cases": schema.cases, "failures": schema.failures},
    }


def _start(module: str, arguments: list[str], target: Target) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", f"benchmarks.hostile.{module}", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        preexec_fn=die_with_parent,  # noqa: PLW1509
    )
    assert process.stdin
    _say(process, target.as_json())
    return process


def _honest(target: Target, seconds: float) -> dict[str, Any]:
    """The honest ones alone."""
    process = _start("probe", [], target)
    _until_ready(process)
    now = time.monotonic()
    _say(process, f"{now} {now + seconds}")
    return _finish(process)


def _until_ready(process: subprocess.Popen[str]) -> None:
    assert process.stdout
    if process.stdout.readline() != "READY\n":
        raise RuntimeError(f"{process.args} does not start")


def _say(process: subprocess.Popen[str], line: str) -> None:
    assert process.stdin
    process.stdin.write(f"{line}\n")
    process.stdin.flush()


def _finish(process: subprocess.Popen[str]) -> dict[str, Any]:
    out, _ = process.communicate(timeout=600)
    if process.returncode != 0:
        raise RuntimeError(f"{process.args} ended with {process.returncode}")
    found: dict[str, Any] = json.loads(out.splitlines()[-1])
    return found


def print_table(found: dict[str, Any]) -> None:
    """For people."""
    print(f"{'attack':<22}{'requests':>9}{'slowest':>9}  answers")
    for name, notes in found["attacks"].items():
        statuses = " ".join(f"{status}:{n}" for status, n in sorted(notes["statuses"].items()))
        print(f"{name:<22}{notes['requests']:>9}{notes['slowest']:>8.2f}s  {statuses} {notes['remarks'] or ''}")
        for each in notes["not_json"][:3]:
            print(f"    an error that is not JSON: {each}")
    for when in ("honest_alone", "honest_during", "honest_after"):
        if found[when]:
            print(f"{when}: {found[when]['requests']} requests, /healthz {found[when]['healthz']}")
            print(f"    slowest {found[when]['slowest']}")
            print(f"    logins {found[when]['logins']}, refused {found[when]['logins_refused']}")
            for failure in found[when]["failures"][:6]:
                print(f"    FAILED {failure}")
    for what in ("server_errors", "unauthenticated_successes", "cross_store_leaks"):
        for each in found[what][:12]:
            print(f"{what}: {each}")
    print(f"schemathesis: {found['schemathesis']['cases']} requests")
    for each in found["schemathesis"]["failures"]:
        print(f"    {each}")
    for each in sorted(set(found["tracebacks_in_the_logs"]))[:10]:
        print(f"in a log: {each}")
    print(f"processor time of the servers during the attacks, s: {found['cpu_seconds']}")
    print(f"memory at most, MB: {found['peak_rss_mb']}; logs {found['log_mb']} MB")
    for name, goal in GOALS.items():
        value = found["figures"][name]
        print(f"{name:<28}{value:>10g}  goal <= {goal:g}  {'ok' if value <= goal else 'NOT MET'}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0, help="how long all attacks run at once")
    parser.add_argument("--quiet", type=float, default=10.0, help="how long the honest ones are alone first")
    parser.add_argument("--schemathesis", type=float, default=60.0, metavar="SECONDS", help="how long; 0: not at all")
    parser.add_argument("--only", action="append", choices=ATTACKS, help="this attack only; may be repeated")
    parser.add_argument("--write-docs", action="store_true", help="write the figures into docs/reliability.md")
    return parser


if __name__ == "__main__":
    sys.exit(main())
