"""mypy and pyright find what a node's author gets wrong, at the very line, and nothing where nothing is wrong."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.paths import ROOT

CASES = Path(__file__).parent / "typing_cases"
_MARK = re.compile(r"# error: \S")


def marked() -> set[tuple[str, int]]:
    """File and line of every misuse."""
    return {
        (path.name, number)
        for path in CASES.glob("*.py")
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if _MARK.search(line)
    }


def report(found: Iterable[tuple[str, int]], output: str) -> str:
    flagged = set(found)
    return f"not flagged: {sorted(marked() - flagged)}; flagged: {sorted(flagged - marked())}\n{output}"


def test_mypy_flags_every_misuse_and_nothing_else() -> None:
    files = [str(path) for path in sorted(CASES.glob("*.py"))]
    # The line of an error in a decorated method is that of its decorator.
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "--hide-error-context", *files],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    found = {
        (Path(match[1]).name, int(match[2]))
        for match in re.finditer(r"^(.+?):(\d+): error: ", done.stdout, re.MULTILINE)
    }
    assert found == marked(), report(found, done.stdout + done.stderr)


def test_pyright_flags_every_misuse_and_nothing_else() -> None:
    program = shutil.which("pyright", path=str(Path(sys.executable).parent)) or shutil.which("pyright")
    if program is None:
        pytest.skip("pyright is not installed: pip install 'metrica[dev]'")
    done = subprocess.run(
        [program, "--pythonpath", sys.executable, "--outputjson", "--project", str(CASES)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    errors = [d for d in json.loads(done.stdout)["generalDiagnostics"] if d["severity"] == "error"]
    found = {(Path(d["file"]).name, d["range"]["start"]["line"] + 1) for d in errors}
    assert found == marked(), report(found, "\n".join(d["message"] for d in errors))


def test_there_is_something_to_find() -> None:
    assert len(marked()) >= 15
