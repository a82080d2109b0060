"""A shop that really runs: `metrica-launch` with its nodes, in a folder of its own."""

from __future__ import annotations

import ctypes
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from benchmarks.chaos.monitor import Monitor
from benchmarks.harness import ROOT
from metrica.launch.reading.folders import frame_dir
from metrica.transport import NodeSpec

_PROGRAM = """
import json, signal, sys
signal.signal(signal.SIGHUP, signal.SIG_DFL)
from metrica.launch.cli import main
from metrica.launch.supervision.limits import Limits
sys.exit(main(sys.argv[2:], limits=Limits(**json.loads(sys.argv[1]))))
"""
_PR_SET_PDEATHSIG = 1


def die_with_parent() -> None:
    """Have the kernel end this process when its parent ends: for `preexec_fn`."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def free_ports(n: int) -> list[int]:
    """Ports that nobody uses at the moment."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(n)]
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


class Shop:
    """One launch. `with` stops it at the end.

    folder: a short path, for the sockets. graph: the launch file below `data:`. limits: other time limits of the
    launcher than the usual ones. data: where journal and database lie; by default in the folder.
    """

    def __init__(
        self,
        folder: Path,
        graph: str,
        *,
        limits: dict[str, float] | None = None,
        environment: dict[str, str] | None = None,
        data: Path | None = None,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.run_dir, self.data = folder, folder / "run", data or folder / "data"
        self.truth, self.log = folder / "truth", folder / "log"
        self.file = folder / "shop.yaml"
        self.file.write_text(f"metrica: 1\nstore: {{id: shop, timezone: UTC}}\ndata: {self.data}\n{graph}")
        self.limits = limits or {}
        self.environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", **(environment or {})}
        self.monitor = Monitor()
        self.process: subprocess.Popen[bytes] | None = None
        self._names: dict[int, str] = {}

    @property
    def database(self) -> Path:
        return self.data / "metrica.db"

    @property
    def journal(self) -> Path:
        return self.data / "journal.db"

    def start(self) -> None:
        """Start the launcher; `wait_active` waits for its nodes."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [
                    *(sys.executable, "-c", _PROGRAM, json.dumps(self.limits)),
                    *(str(self.file), "--run-dir", str(self.run_dir)),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self.environment,
                preexec_fn=die_with_parent,  # noqa: PLW1509 (no thread of ours holds a lock that it needs)
            )

    def wait_active(self, nodes: int, timeout: float = 90.0) -> None:
        """Until so many nodes work. Raises RuntimeError with the end of the log."""
        end = time.monotonic() + timeout
        while sum(self.monitor.is_active(name) for name in self.pids()) < nodes:
            ended = self.process is None or self.process.poll() is not None
            if ended or time.monotonic() > end:
                raise RuntimeError(f"the shop does not come up:\n{self.tail()}")
            time.sleep(0.1)

    def pids(self) -> dict[str, int]:
        """The process of each node, by its name."""
        for pid in marked(f"METRICA_RUN_DIR={self.run_dir}", known=self._names):
            with suppress(OSError, ValueError):
                spec = NodeSpec.model_validate_json(Path(f"/proc/{pid}/fd/0").read_bytes())
                self._names[pid] = spec.name
                self.monitor.watch(spec.health)
        self._names = {pid: name for pid, name in self._names.items() if _runs(pid)}
        return {name: pid for pid, name in self._names.items()}

    def everything(self) -> list[int]:
        """All processes of this launch, whatever they are, without the launcher."""
        return marked(f"METRICA_RUN_DIR={self.run_dir}")

    def types(self) -> dict[str, str]:
        """The node types by name, as the launch file says them."""
        found: dict[str, str] = {}
        for name, pid in self.pids().items():
            with suppress(OSError, ValueError):
                found[name] = NodeSpec.model_validate_json(Path(f"/proc/{pid}/fd/0").read_bytes()).type
        return found

    def text(self) -> str:
        return self.log.read_text("utf-8", "replace") if self.log.exists() else ""

    def tail(self, lines: int = 25) -> str:
        return "\n".join(self.text().splitlines()[-lines:])

    def said(self, pattern: str) -> int:
        """How many lines of the log match."""
        return sum(bool(re.search(pattern, line)) for line in self.text().splitlines())

    def wait_until(self, so: Callable[[], bool], timeout: float) -> bool:
        """Wait until it is so; False if the time is over first."""
        end = time.monotonic() + timeout
        while not so():
            if time.monotonic() > end:
                return False
            time.sleep(0.1)
        return True

    def stop(self, timeout: float = 40.0) -> int | None:
        """Ctrl-C; the launcher's exit status, None if it had to be killed."""
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return None

    def __enter__(self) -> Shop:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        for pid in self.everything():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.monitor.close()
        remove(frame_dir(self.run_dir))


def marked(mark: str, known: dict[int, Any] | None = None) -> list[int]:
    """The processes that have this variable in their environment, except those that are known already."""
    found: list[int] = []
    for process in Path("/proc").glob("[0-9]*"):
        pid = int(process.name)
        if known is not None and pid in known:
            continue
        with suppress(OSError):
            if os.fsencode(mark) in (process / "environ").read_bytes().split(b"\0") and _runs(pid):
                found.append(pid)
    return found


def _runs(pid: int) -> bool:
    """Whether the process is there and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] not in "ZX"
    except (OSError, IndexError):
        return False


def remove(folder: Path) -> None:
    """Remove a folder of frames."""
    import shutil

    shutil.rmtree(folder, ignore_errors=True)
