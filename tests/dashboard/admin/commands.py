"""`metrica-admin` as its user has it: a program, or its `main` in this process where nothing depends on that."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from metrica.dashboard.admin.cli import main
from tests.dashboard.database.places import Place

COMMAND = [sys.executable, "-c", "import sys; from metrica.dashboard.admin.cli import main; sys.exit(main())"]


def admin(*arguments: str, data: Path | Here, typed: str = "") -> subprocess.CompletedProcess[str]:
    """Run it as a program and wait for its end."""
    options = data.options if isinstance(data, Here) else ["--data", str(data)]
    return subprocess.run(
        [*COMMAND, *arguments, *options],
        input=typed, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


class Here:
    """Runs it in this process: much faster, and what it writes is caught."""

    def __init__(self, data: Path, capsys: pytest.CaptureFixture[str], place: Place | None = None) -> None:
        """place: where the database is; None: in the file of the folder."""
        self.data = data
        self.place = data / "metrica.db" if place is None else place
        self._capsys = capsys

    @property
    def options(self) -> list[str]:
        """What names the database for any of our programs."""
        named = ["--database", self.place] if isinstance(self.place, str) else []
        return ["--data", str(self.data), *named]

    def ok(self, *arguments: str) -> str:
        """Run it and return what it says; it must succeed, without a word on standard error."""
        status, said, error = self.run(*arguments)
        assert (status, error) == (0, "")
        return said

    def fails(self, *arguments: str) -> str:
        """Run it and return its one sentence of an error, without the beginning that all have."""
        status, said, error = self.run(*arguments)
        assert (status, error.count("\n")) == (1, 1), said + error
        assert error.startswith("metrica-admin: error: ")
        return error.removeprefix("metrica-admin: error: ").rstrip("\n")

    def run(self, *arguments: str) -> tuple[int, str, str]:
        self._capsys.readouterr()
        status = main([*arguments, *self.options])
        said, error = self._capsys.readouterr()
        return status, said, error
