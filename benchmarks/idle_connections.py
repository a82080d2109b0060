"""Holds thousands of connections that ask for nothing against ingest and dashboard, and measures who is still answered.

`python -m benchmarks.idle_connections [--connections 10000] [--seconds 30] [--tls]`. A third of them sends nothing, a
third half a request, a third drips headers; each is opened again as soon as the server closes it. They come from 250
addresses of this machine, and from several processes, so that no limit of the client's comes first. Meanwhile an honest
box or browser opens a connection of its own for each request. Printed for each server: the time of `/healthz` alone and
under the attack, honest requests that were answered, connections held, peak memory, and the processor time of the
server. The attackers share the machine: where it is busy, the times say more about it than about the server.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import multiprocessing
import os
import re
import resource
import selectors
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from pathlib import Path

import urllib3

from metrica.dashboard.kpis.store import Store
from metrica.dashboard.store.database import Database

PROCESSES = 2
A_SECOND = 250
"""Connections that a process opens in a second at most. More would measure the load of the attackers themselves, who
share this machine."""
KINDS = (b"", b"POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Le", b"GET /login HTTP/1.1\r\nHost: x\r\n")
DRIPPING = 2
"""Which of these goes on with a header now and then."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--connections", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--tls", action="store_true", help="let both servers speak HTTPS")
    args = parser.parse_args()
    urllib3.disable_warnings()  # nobody has signed the certificate of `--tls`
    for name in ("ingest", "dashboard"):
        with tempfile.TemporaryDirectory() as folder, server(name, Path(folder), tls=args.tls) as (pid, address, token):
            path = "/v1/stores/tunis-01/kpis" if name == "ingest" else "/login"
            figures = attacked(pid, address, path, token, args.connections, args.seconds)
            sys.stdout.write(f"{json.dumps({'server': name, 'tls': args.tls, **figures})}\n")
            sys.stdout.flush()


@contextlib.contextmanager
def server(name: str, folder: Path, *, tls: bool) -> Generator[tuple[int, str, str]]:
    """Run a server as a program; gives its process, its address and a token for it."""
    with Database(folder / "metrica.db") as database:
        database.stores.put(Store("tunis-01", "Africa/Tunis"))
        token = database.tokens.create("tunis-01")
    options: list[str] = []
    if tls:
        cert, key = str(folder / "cert.pem"), str(folder / "key.pem")
        made = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        made += ["-keyout", key, "-out", cert, "-subj", "/CN=localhost", "-days", "2"]
        subprocess.run(made, check=True, capture_output=True)
        options = ["--tls-cert", cert, "--tls-key", key]
    module = {"ingest": "metrica.dashboard.ingest.cli", "dashboard": "metrica.dashboard.web.cli"}[name]
    code = f"import sys; from {module} import main; sys.exit(main())"
    command = [sys.executable, "-c", code, "serve", "--port", "0", "--data", str(folder), *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("listening on "):
                yield process.pid, line.removeprefix("listening on ").strip(), token
                break
    finally:
        process.terminate()
        process.wait(30)


def attacked(pid: int, address: str, path: str, token: str, connections: int, seconds: float) -> dict[str, float]:
    """Return the figures of one server. path: what an honest visitor asks for."""
    alone = [honest(address, "/healthz")[0] for _ in range(200)]
    host, port = address.rpartition("/")[2].split(":")
    held = [multiprocessing.Value("i", 0) for _ in range(PROCESSES)]
    holders = [
        multiprocessing.Process(target=hold, args=(host, int(port), connections // PROCESSES, n, held[n]), daemon=True)
        for n in range(PROCESSES)
    ]
    for holder in holders:
        holder.start()
    most, times, answered, asked = 0, [], 0, 0
    cpu = cpu_seconds(pid)
    end = time.monotonic() + seconds
    try:
        while time.monotonic() < end:
            took, _ = honest(address, "/healthz")
            times.append(took)
            asked += 1
            answered += honest(address, path, token)[1] == 200
            most = max(most, len(connections_of(pid)))
            time.sleep(0.02)
    finally:
        for holder in holders:
            holder.kill()
            holder.join()
    opened = sum(counter.value for counter in held)
    return {
        "connections": connections,
        "opened_in_all": opened,
        "held_by_server": most,
        "healthz_alone_p99_ms": round(1000 * quantile(alone), 1),
        "healthz_p99_ms": round(1000 * quantile(times), 1),
        "healthz_max_ms": round(1000 * max(times), 1),
        "honest_answered_percent": round(100 * answered / asked, 2),
        "peak_rss_mb": peak_mb(pid),
        "cpu_percent_of_a_core": round(100 * (cpu_seconds(pid) - cpu) / seconds),
    }


def honest(address: str, path: str, token: str = "") -> tuple[float, int]:
    """Ask on a connection of its own. Returns how long it took, seconds, and the status; 0 for none."""
    pool = urllib3.PoolManager(retries=False, timeout=10, cert_reqs=ssl.CERT_NONE)
    began, status = time.perf_counter(), 0
    with contextlib.suppress(urllib3.exceptions.HTTPError):
        status = pool.request("GET", address + path, headers={"Authorization": f"Bearer {token}"}).status
    pool.clear()
    return time.perf_counter() - began, status


def hold(host: str, port: int, count: int, number: int, opened: object) -> None:
    """Keep connections open, and open each that is closed again. Runs in a process of its own."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    assert count + 20 < hard, f"the limit of open files is too low: {soft}"
    selector = selectors.DefaultSelector()
    sources = itertools.cycle(f"127.0.{number}.{n}" for n in range(2, 64))
    kinds = itertools.cycle(range(len(KINDS)))
    dripping: dict[socket.socket, None] = {}
    alive, dripped, looked = 0, time.monotonic(), time.monotonic()
    while True:
        passed, looked = time.monotonic() - looked, time.monotonic()
        for _ in range(min(int(min(passed, 1.0) * A_SECOND) + 1, count - alive)):
            one, kind = socket.socket(), next(kinds)
            try:
                one.bind((next(sources), 0))
                one.settimeout(5)
                one.connect((host, port))
                one.setblocking(False)
                if KINDS[kind]:
                    one.send(KINDS[kind])
            except OSError:
                one.close()
                continue
            selector.register(one, selectors.EVENT_READ)
            alive += 1
            opened.value += 1  # type: ignore[attr-defined]
            if kind == DRIPPING:
                dripping[one] = None
        for key, _ in selector.select(0.01 if alive < count else 0.5):
            gone = key.fileobj
            assert isinstance(gone, socket.socket)
            with contextlib.suppress(OSError):
                if gone.recv(4096):
                    continue
            selector.unregister(gone)
            dripping.pop(gone, None)
            gone.close()
            alive -= 1
        if time.monotonic() - dripped > 2:
            dripped = time.monotonic()
            for one in dripping:
                with contextlib.suppress(OSError):
                    one.send(b"a: b\r\n")


def connections_of(pid: int) -> list[str]:
    """The sockets of a process."""
    found: list[str] = []
    for name in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            found.append(str(name.readlink()))
    return [target for target in found if target.startswith("socket:")]


def peak_mb(pid: int) -> int:
    """The most memory that a process has had in RAM, MB."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1]) // 1024


def cpu_seconds(pid: int) -> float:
    """The time that a process has computed, seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def quantile(times: list[float]) -> float:
    """The time that 99 of 100 do not exceed."""
    return statistics.quantiles(times, n=100, method="inclusive")[98]


if __name__ == "__main__":
    main()
