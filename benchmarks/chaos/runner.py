"""Runs rounds, each in a process of its own, as many at once as the processors carry; leaves nothing behind."""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from benchmarks.chaos.plan import Round
from benchmarks.chaos.result import Result
from benchmarks.chaos.shop import die_with_parent, marked
from benchmarks.harness import ROOT

_MARK = "METRICA_CHAOS"
_LIMIT = 7200.0
_MOUNTS = {"disk"}
"""Scenarios that mount: in a namespace of their own, so that the disk is gone with their last process."""


class Runner:
    """Runs rounds. `with` ends whatever is left of them."""

    def __init__(self, capacity: float) -> None:
        self._capacity = capacity
        self._mark = secrets.token_hex(8)
        self._running: list[_Running] = []
        self._folder = tempfile.TemporaryDirectory(prefix="mr-", ignore_cleanup_errors=True)

    def run(self, rounds: Sequence[Round], done: Callable[[Round, Result], None]) -> None:
        """Run them all. done: called with each result, also that of a round that failed."""
        waiting = list(rounds)
        while waiting or self._running:
            load = sum(each.round.load for each in self._running)
            fits = next((r for r in waiting if load + r.load <= self._capacity or not self._running), None)
            if fits is not None:
                waiting.remove(fits)
                self._running.append(_Running(fits, self._mark, self._folder.name))
                continue
            time.sleep(0.2)
            for each in list(self._running):
                result = each.result()
                if result is not None:
                    self._running.remove(each)
                    done(each.round, result)

    def __enter__(self) -> Runner:
        return self

    def __exit__(self, *_: object) -> None:
        for each in self._running:
            each.stop()
        for number in (signal.SIGTERM, signal.SIGKILL):
            end = time.monotonic() + 10
            for pid in marked(f"{_MARK}={self._mark}"):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)
                    os.kill(pid, number)
            while marked(f"{_MARK}={self._mark}") and time.monotonic() < end:
                time.sleep(0.1)
        self._folder.cleanup()


class _Running:
    """A round that runs."""

    def __init__(self, round: Round, mark: str, folder: str) -> None:
        self.round = round
        self._began = time.monotonic()
        self._out, self._err = tempfile.TemporaryFile("w+"), tempfile.TemporaryFile("w+")  # noqa: SIM115
        inner = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "--mount"]
        self._process = subprocess.Popen(
            [
                *(inner if round.scenario in _MOUNTS else ()),
                *(sys.executable, "-m", "benchmarks.chaos.round", round.scenario, json.dumps(round.arguments)),
            ],
            stdin=subprocess.DEVNULL,
            stdout=self._out,
            stderr=self._err,
            cwd=ROOT,
            env={**os.environ, _MARK: mark, "TMPDIR": folder},
            preexec_fn=die_with_parent,  # noqa: PLW1509
        )

    def result(self) -> Result | None:
        """What the round has found; None while it runs."""
        late = time.monotonic() - self._began > _LIMIT
        if self._process.poll() is None and not late:
            return None
        self.stop()
        self._out.seek(0)
        lines = self._out.read().splitlines()
        if self._process.returncode == 0 and lines:
            return Result(**json.loads(lines[-1]))
        self._err.seek(0)
        said = self._err.read()
        print(said[-6000:], file=sys.stderr)
        last = said.strip().splitlines()[-1] if said.strip() else f"exit status {self._process.returncode}"
        return Result(scenario=self.round.scenario, problems=[f"the round broke off: {last[:300]}"])

    def stop(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()


def run_one(scenario: str, **arguments: object) -> Result:
    """One round; for the tests."""
    found: list[Result] = []
    with Runner(1.0) as runner:
        runner.run([Round(scenario, 1.0, dict(arguments))], lambda _, result: found.append(result))
    return found[0]
