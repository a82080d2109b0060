"""The honest ones: a box that sends, a program that asks, an owner with a page open, and whoever looks at /healthz.

`python -m benchmarks.hostile.probe`: standard input as for an attacker; prints what they had to wait for.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field

from benchmarks.chaos.result import percentile
from benchmarks.hostile.target import Target, bearer, event, events_body, log_in
from benchmarks.hostile.wire import Answer, ask


@dataclass
class Waits:
    """What the honest had to wait for."""

    healthz: dict[str, list[float]] = field(default_factory=lambda: {"ingest": [], "dashboard": []})
    slowest: dict[str, float] = field(default_factory=dict[str, float])
    failures: list[str] = field(default_factory=list[str])
    requests: int = 0
    logins: int = 0
    logins_refused: int = 0

    def note(self, what: str, answer: Answer, status: int = 200) -> None:
        self.requests += 1
        self.slowest[what] = max(self.slowest.get(what, 0.0), round(answer.seconds, 3))
        if answer.status != status and len(self.failures) < 20:
            self.failures.append(f"{what}: {answer.status} after {answer.seconds:.2f} s {answer.text[:80]}")


def main() -> None:
    target = Target(**json.loads(sys.stdin.readline()))
    waits = Waits()
    owner = _owner(target, waits)
    print("READY", flush=True)
    begin, until = map(float, sys.stdin.readline().split())
    time.sleep(max(0.0, begin - time.monotonic()))
    jobs: list[tuple[Callable[[], None], float]] = [
        (lambda: _health(target, waits, "ingest"), 0.05),
        (lambda: _health(target, waits, "dashboard"), 0.05),
        (lambda: _box(target, waits), 0.5),
        (lambda: _program(target, waits), 0.5),
        (owner, 1.0),
        (lambda: _log_in(target, waits), 5.0),
    ]
    threads = [threading.Thread(target=_again, args=(job, pause, until)) for job, pause in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = asdict(waits)
    found["healthz"] = {
        name: {"p50_ms": _ms(times, 50), "p99_ms": _ms(times, 99), "n": len(times)}
        for name, times in waits.healthz.items()
    }
    print(json.dumps(found))


def _again(job: Callable[[], None], pause: float, until: float) -> None:
    while time.monotonic() < until:
        job()
        time.sleep(pause)


def _ms(times: list[float], percent: float) -> float | None:
    found = percentile(times, percent)
    return None if found is None else round(found * 1000, 1)


def _health(target: Target, waits: Waits, which: str) -> None:
    port = target.ingest if which == "ingest" else target.dashboard
    answer = ask(port, "GET", "/healthz", source="127.0.0.1")
    waits.healthz[which].append(answer.seconds)
    waits.note(f"healthz of the {which}", answer)


def _box(target: Target, waits: Waits) -> None:
    headers = bearer(target.other) | {"Content-Type": "application/json"}
    body = events_body("theirs", [event(n) for n in range(5)])
    waits.note("a box sends", ask(target.ingest, "POST", "/v1/events", headers=headers, body=body, source="127.0.0.1"))


def _program(target: Target, waits: Waits) -> None:
    for what in ("kpis", "hourly", "daily"):
        answer = ask(
            target.ingest, "GET", f"/v1/stores/theirs/{what}", headers=bearer(target.other), source="127.0.0.1"
        )
        waits.note(f"a program asks for {what}", answer)


def _owner(target: Target, waits: Waits) -> Callable[[], None]:
    _, cookie = log_in(target.dashboard, target.password)

    def look() -> None:
        for path in ("/", "/_dash-layout", "/session"):
            answer = ask(target.dashboard, "GET", path, headers={"Cookie": cookie}, source="127.0.0.1")
            waits.note(f"the owner's page {path}", answer)

    return look


def _log_in(target: Target, waits: Waits) -> None:
    answer, _ = log_in(target.dashboard, target.password)
    waits.note("the owner logs in", answer, 302)
    waits.logins += 1
    waits.logins_refused += answer.status != 302


if __name__ == "__main__":
    main()
