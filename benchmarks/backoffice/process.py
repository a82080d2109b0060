"""A server of the back office as a process of its own: started, watched, killed."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Self

from benchmarks.chaos.shop import die_with_parent
from benchmarks.harness import ROOT


class Served:
    """`benchmarks.backoffice.served` over a database. `with` stops it.

    now: the present time at its start, ns UTC; 0: the clock of the machine. web: serve the pages too.
    patience: None computes each figure anew; see `metrica.dashboard.reports.answers.PATIENCE`.
    """

    def __init__(
        self, place: Path | str, log: Path, *, now: int = 0, web: bool = False, patience: float | None = None
    ) -> None:
        command = [sys.executable, "-m", "benchmarks.backoffice.served", str(place), "--now", str(now)]
        command += ["--web"] if web else []
        command += ["--patience", str(patience)] if patience is not None else []
        self._log = log
        with log.open("ab") as file:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=file,
                cwd=ROOT,
                preexec_fn=die_with_parent,  # noqa: PLW1509
            )
        assert self.process.stdout
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"the server does not start:\n{log.read_text('utf-8', 'replace')[-2000:]}")
        self.ingest, *more = json.loads(line)
        self.web = more[0] if more else ""

    @property
    def peak_mb(self) -> float:
        """The most memory that it has had, MB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text("utf-8")
        return int(re.findall(r"VmHWM:\s+(\d+)", status)[0]) / 1024

    @property
    def cpu_seconds(self) -> float:
        """The processor time that it has used."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text("utf-8").rpartition(") ")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.kill()
        self.process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            assert self.process.stdin
            self.process.stdin.close()
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.kill()
