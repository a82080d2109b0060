"""The command `metrica-models`, as a person types it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from metrica.models import library
from metrica.models.cli import main
from metrica.models.library import OURS, list_cards
from metrica.version import __version__
from tests.clips import REAL
from tests.models.networks import constant_network
from tests.paths import SHARED

CARD = """
name: mine
decoder: ssd
input: {size: [64, 64]}
thresholds: {new: 0.6, keep: 0.5, low: 0.1}
variants:
  - precision: FP32
    files:
      - {path: mine.xml}
      - {path: mine.bin}
"""


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("METRICA_MODELS", raising=False)
    monkeypatch.setenv("METRICA_MODELS_URL", "http://no-such-host.invalid")


def test_list_names_every_card_and_what_is_not_here(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["name", "decoder", "precision", "size", "AP50", "where", "what"]
    others = [line for line in lines[1:] if not line.startswith(OURS)]
    assert [line.split()[0] for line in others] == [
        "person-detection-0200",
        "person-detection-0201",
        "person-detection-0202",
        "person-detection-0203",
        "person-detection-retail-0013",
    ]
    assert all("not here" in line for line in others)


@pytest.mark.parametrize(
    ("folder", "names"),
    [
        (None, [OURS]),
        *([(SHARED / "models", ["person-detection-0200", "person-detection-retail-0013"])] if REAL else []),
    ],
    ids=str,
)
def test_list_and_check_find_the_models_of_an_own_folder(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    folder: Path | None,
    names: list[str],
) -> None:
    if folder is None:
        folder = tmp_path / "own"
        shutil.copytree(library.SHIPPED / OURS, folder / OURS)
    monkeypatch.setenv("METRICA_MODELS", str(folder))
    assert main(["list"]) == 0
    there = [line.split()[0] for line in capsys.readouterr().out.splitlines() if str(folder) in line]
    assert there == sorted(path.name for path in folder.glob("*/") if path.name in {c.name for c in list_cards()})
    assert set(names) <= set(there)
    assert main(["check", *names]) == 0
    out = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in out] == names
    assert all(f"is intact in {folder}" in line and "compiles for CPU and answers" in line for line in out)


def test_check_of_ones_own_card(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine.yaml").write_text(CARD)
    constant_network(tmp_path / "mine.xml", [1, 3, 64, 64], out=np.zeros((1, 1, 200, 7)))
    assert main(["check", str(tmp_path / "mine.yaml")]) == 0
    assert capsys.readouterr().out == (f"mine: FP32 is intact in {tmp_path}, compiles for CPU and answers (0 people)\n")


def test_check_refuses_a_network_that_is_not_what_its_card_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine.yaml").write_text(CARD)
    constant_network(tmp_path / "mine.xml", [1, 3, 64, 64], prob=np.zeros((1, 1000)))
    assert main(["check", str(tmp_path / "mine.yaml")]) == 1
    assert capsys.readouterr().err == (
        f"metrica-models: mine: {tmp_path / 'mine.xml'} is not a detector that the decoder ssd reads: "
        "it gives prob [1, 1000], and ssd needs one output [1, 1, N, 7]\n"
    )


def test_check_names_damaged_files_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("METRICA_MODELS", str(tmp_path))
    for name in ("person-detection-0200", "person-detection-0201"):
        path = tmp_path / name / "FP16-INT8" / f"{name}.xml"
        path.parent.mkdir(parents=True)
        path.write_text("cut short")
        path.with_suffix(".bin").touch()
    assert main(["check"]) == 1
    error = capsys.readouterr().err.splitlines()
    assert len(error) == 2
    assert "person-detection-0200.xml has 9 bytes and should have 490209" in error[0]
    assert "person-detection-0201.bin has 0 bytes and should have 1942006" in error[1]
    assert error[0].endswith("; run `metrica-models pull person-detection-0200`")


def test_check_with_nothing_here_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(library.SHIPPED, tmp_path / "package", ignore=shutil.ignore_patterns("*.py", "*.xml", "training"))
    monkeypatch.setattr(library, "SHIPPED", tmp_path / "package")
    assert main(["check"]) == 1
    assert "there is no model on this machine to check; run `metrica-models pull NAME`" in capsys.readouterr().err
    assert main(["check", "person-detection-0202"]) == 1
    assert "run `metrica-models pull person-detection-0202`" in capsys.readouterr().err


def test_pull_without_a_network_is_one_line_and_status_1(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["pull", "person-detection-0200"]) == 1
    error = capsys.readouterr().err
    assert error.startswith("metrica-models: cannot fetch http://no-such-host.invalid/person-detection-0200/FP16-INT8/")
    assert error.count("\n") == 1


def test_a_wrong_name_stops_before_anything_is_fetched(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["pull", "person-detection-0200", "person-detection-020"]) == 1
    assert "there is no model 'person-detection-020' (did you mean" in capsys.readouterr().err


def test_a_wrong_command_is_status_2() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "metrica.models.cli", "pul"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "invalid choice: 'pul'" in done.stderr


def test_listing_needs_no_openvino() -> None:
    """So that a launch file can be checked in a moment."""
    program = "import sys, metrica.models.cli as c; c.main(['list']); sys.exit('openvino' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, check=False).returncode == 0


def test_the_version_is_that_of_metrica(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"metrica {__version__}\n"
