"""The servers that are attacked: real processes, two shops, tokens of every kind, an owner; and what must not leak."""

from __future__ import annotations

import json
import os
import re
import secrets
import subprocess
import sys
import time
import urllib.parse
from dataclasses import asdict, dataclass, field
from pathlib import Path

from benchmarks.chaos.server import IngestServer, ingest_command
from benchmarks.chaos.shop import die_with_parent
from benchmarks.hostile.wire import Answer, ask

_DASHBOARD = [sys.executable, "-c", "import sys; from metrica.dashboard.web.cli import main; sys.exit(main())"]


@dataclass
class Target:
    """What an attacker may know, as JSON for its process."""

    ingest: int
    dashboard: int
    own: str
    """A valid token of the shop `mine`."""
    other: str
    """A valid token of the shop `theirs`."""
    revoked: str
    """A token of `theirs` that was revoked."""
    slow: str
    """A valid token of the shop `slow`, for bodies that drip: what one shop may send at a time is limited."""
    password: str
    canaries: list[str] = field(default_factory=list[str])
    """Words that stand only in the data of `theirs`, and may be in no answer but those to `other`."""

    def as_json(self) -> str:
        return json.dumps(asdict(self))


class Until:
    """True until `end`, monotonic seconds."""

    end = float("inf")

    def __bool__(self) -> bool:
        return time.monotonic() < self.end


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def events_body(store: str, events: list[dict[str, object]]) -> bytes:
    return json.dumps({"v": 1, "store": store, "events": events}).encode()


def event(number: int, **fields: object) -> dict[str, object]:
    """A valid event."""
    made: dict[str, object] = {
        "id": f"door/main/{time.time_ns():x}/{number}",
        "camera": "door",
        "line": "main",
        "direction": "in" if number % 2 else "out",
        "track": number,
        "time": time.time_ns() - 1_000_000,
    }
    return made | fields


class Servers:
    """Ingest and dashboard on one database. `with` stops them."""

    def __init__(self, folder: Path) -> None:
        self.ingest = IngestServer(folder, stores=("mine", "theirs", "slow"))
        self.password = secrets.token_urlsafe(12)
        self.log = folder / "dashboard.log"
        with self.log.open("ab") as log:
            self.dashboard = subprocess.Popen(
                [*_DASHBOARD, "serve", "--port", "0", "--data", str(folder)],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env={**os.environ, "METRICA_PASSWORD": self.password},
                preexec_fn=die_with_parent,  # noqa: PLW1509
            )
        assert self.dashboard.stdout
        line = self.dashboard.stdout.readline()
        while line and not line.startswith("listening on "):
            line = self.dashboard.stdout.readline()
        if not line:
            raise RuntimeError(f"the dashboard does not start:\n{self.log.read_text()}")
        port = int(re.findall(r":(\d+)", line)[-1])
        before = _keys(folder)
        revoked = ingest_command("token", "add", "theirs", data=folder).split()[-1]
        for key in _keys(folder) - before:
            ingest_command("token", "revoke", "theirs", key, data=folder)
        canary = f"canary{secrets.token_hex(6)}"
        tokens = self.ingest.tokens
        self.target = Target(
            self.ingest.port, port, tokens["mine"], tokens["theirs"], revoked, tokens["slow"], self.password, [canary]
        )
        body = events_body("theirs", [event(n, camera=canary, id=f"{canary}/{n}") for n in range(50)])
        headers = bearer(tokens["theirs"]) | {"Content-Type": "application/json"}
        sent = ask(self.ingest.port, "POST", "/v1/events", headers=headers, body=body, source="127.0.0.1")
        if sent.status != 200:
            raise RuntimeError(f"the ingest takes no event: {sent}")

    def peak_mb(self) -> dict[str, float]:
        """The most memory that each server has had, MB."""
        found: dict[str, float] = {}
        for name, process in (("ingest", self.ingest.process), ("dashboard", self.dashboard)):
            status = Path(f"/proc/{process.pid}/status").read_text()
            found[name] = round(int(re.findall(r"VmHWM:\s+(\d+)", status)[0]) / 1024, 1)
        return found

    def tracebacks(self) -> list[str]:
        """What the servers' logs say of errors that nobody expected: the error of each traceback."""
        said = self.ingest.log.read_text("utf-8", "replace") + self.log.read_text("utf-8", "replace")
        found: list[str] = []
        for part in said.split("Traceback (most recent call last):\n")[1:]:
            found += [line[:200] for line in part.splitlines() if line and not line.startswith(" ")][:1]
        return found

    def cpu_seconds(self) -> dict[str, float]:
        """The processor time of each server so far."""
        found: dict[str, float] = {}
        for name, process in (("ingest", self.ingest.process), ("dashboard", self.dashboard)):
            fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(") ")[2].split()
            found[name] = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        return found

    def log_mb(self) -> float:
        return (self.ingest.log.stat().st_size + self.log.stat().st_size) / 2**20

    def running(self) -> bool:
        return self.ingest.process.poll() is None and self.dashboard.poll() is None

    def __enter__(self) -> Servers:
        return self

    def __exit__(self, *_: object) -> None:
        self.dashboard.terminate()
        try:
            self.dashboard.wait(20)
        except subprocess.TimeoutExpired:
            self.dashboard.kill()
            self.dashboard.wait()
        self.ingest.__exit__()


def _keys(folder: Path) -> set[str]:
    """The keys of the tokens of `theirs`."""
    return {row.split()[0] for row in ingest_command("token", "list", "theirs", data=folder).splitlines()}


def cookies(answer: Answer) -> str:
    """The cookie that an answer sets, for the next request."""
    return answer.headers.get("set-cookie", "").partition(";")[0]


def log_in(port: int, password: str, *, name: str = "owner", source: str = "127.0.0.1") -> tuple[Answer, str]:
    """Log in as a browser's form does; the answer, and the session's cookie."""
    form = ask(port, "GET", "/login", source=source)
    csrf = re.search(r'name="csrf" value="([^"]+)"', form.text)
    body = urllib.parse.urlencode({"name": name, "password": password, "csrf": csrf[1] if csrf else ""}).encode()
    headers = {"Cookie": cookies(form), "Content-Type": "application/x-www-form-urlencoded"}
    answer = ask(port, "POST", "/login", headers=headers, body=body, source=source)
    return answer, cookies(answer) or cookies(form)
