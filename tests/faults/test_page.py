"""docs/reliability.md: what it names is there, and the benchmarks can write their figures into it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from benchmarks.chaos import report
from benchmarks.chaos.__main__ import SCENARIOS
from benchmarks.chaos.plan import Sizes, rounds
from benchmarks.chaos.result import GOALS, Result
from benchmarks.hostile.__main__ import GOALS as HOSTILE_GOALS
from tests.paths import ROOT

PAGE = (ROOT / "docs" / "reliability.md").read_text("utf-8")


def test_every_test_and_folder_that_the_page_names_is_there() -> None:
    named = set(re.findall(r"`((?:tests|benchmarks)/[\w/.]+)`", PAGE))
    assert len(named) > 15
    assert sorted(path for path in named if not (ROOT / path).exists()) == []


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_every_scenario_has_a_file_a_round_and_a_row(scenario: str) -> None:
    assert (ROOT / "benchmarks" / "chaos" / "scenarios" / f"{scenario}.py").is_file()
    assert scenario in {each.scenario for each in rounds(Sizes())}
    assert re.search(rf"^\| .* \| .* \| `{scenario}`", PAGE, re.MULTILINE)


@pytest.mark.parametrize("name", [*GOALS, *HOSTILE_GOALS])
def test_every_figure_is_on_the_page(name: str) -> None:
    assert re.search(rf"^\| `{name}` \| .+ \| .+ \|$", PAGE, re.MULTILINE)


def test_figures_are_written_between_their_marks_and_nowhere_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "reliability.md"
    copy.write_text(PAGE, "utf-8")
    monkeypatch.setattr(report, "PAGE", copy)
    report.write_docs("chaos", "python -m benchmarks.chaos", report.chaos_rows([Result(lost=3, recoveries=[1.25])]))
    text = copy.read_text("utf-8")
    assert "| `lost_or_doubled_events` | 3 | == 0 |" in text
    assert "| `recovery_seconds_p95` | 1.25 | <= 10 |" in text
    assert "| `memory_growth_percent` | not measured yet | <= 2 |" in text
    assert re.search(r"^Measured on \d{4}-\d\d-\d\d with `python -m benchmarks.chaos`", text, re.MULTILINE)
    assert text.partition("<!-- chaos: ")[0] == PAGE.partition("<!-- chaos: ")[0]
    assert text.partition("<!-- chaos end -->")[2] == PAGE.partition("<!-- chaos end -->")[2]
    report.write_docs("chaos", "python -m benchmarks.chaos", report.chaos_rows([Result()]))
    section = copy.read_text("utf-8").partition("<!-- chaos: ")[2].partition("<!-- chaos end -->")[0]
    assert section.count("Measured on") == 1
