"""Runs `metrica-admin copy` in the process of a test."""

from __future__ import annotations

from pathlib import Path

import pytest

from metrica.dashboard.admin.cli import main


class Copying:
    """Runs `metrica-admin copy` in this process."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def ok(self, source: Path | str, target: Path | str) -> str:
        status, said, error = self._run(source, target)
        assert (status, error) == (0, "")
        return said

    def fails(self, source: Path | str, target: Path | str) -> str:
        status, said, error = self._run(source, target)
        assert (status, said, error.count("\n")) == (1, "", 1)
        return error.removeprefix("metrica-admin: error: ").rstrip("\n")

    def _run(self, source: Path | str, target: Path | str) -> tuple[int, str, str]:
        self._capsys.readouterr()
        status = main(["copy", str(source), str(target)])
        said, error = self._capsys.readouterr()
        return status, said, error
