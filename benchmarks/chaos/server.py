"""The real ingest as a server of its own, as `metrica-ingest serve` runs it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from benchmarks.chaos.shop import die_with_parent

_COMMAND = [sys.executable, "-c", "import sys; from metrica.dashboard.ingest.cli import main; sys.exit(main())"]


def ingest_command(*arguments: str, data: Path) -> str:
    """Run `metrica-ingest` and return what it prints. Raises CalledProcessError."""
    done = subprocess.run(
        [*_COMMAND, *arguments, "--data", str(data)], capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout.strip()


class IngestServer:
    """A running ingest over a new database with the store `shop`. `with` stops it.

    port: 0 takes a free one; `address` says which. place: the address of another database than the file in `data`.
    """

    def __init__(self, data: Path, *, port: int = 0, stores: tuple[str, ...] = ("shop",), place: str = "") -> None:
        data.mkdir(parents=True, exist_ok=True)
        self.data = data
        self.tokens: dict[str, str] = {}
        for store in stores:
            ingest_command("store", "add", store, "--timezone", "UTC", data=data)
            self.tokens[store] = ingest_command("token", "add", store, data=data).split()[-1]
        self.log = data / "log"
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [
                    *_COMMAND,
                    "serve",
                    "--port",
                    str(port),
                    "--data",
                    str(data),
                    *(["--database", place] if place else []),
                ],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                preexec_fn=die_with_parent,  # noqa: PLW1509
            )
        assert self.process.stdout
        line = self.process.stdout.readline()
        while line and not line.startswith("listening on "):
            line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"the ingest does not start:\n{self.log.read_text()}")
        self.address = line.removeprefix("listening on ").strip()
        self.port = int(self.address.rsplit(":", 1)[1])

    @property
    def database(self) -> Path:
        return self.data / "metrica.db"

    def __enter__(self) -> IngestServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
