"""What a newcomer is told is true: the paths, the targets, the versions of Python, and the hooks."""

from __future__ import annotations

import re
from importlib import metadata
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement

from tests.paths import ROOT
from tests.project.layout import setup_cfg

CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
PYTHONS = re.findall(r"Python :: (3\.\d+)", setup_cfg()["metadata"]["classifiers"])


def loaded(path: str) -> Any:
    return yaml.safe_load((ROOT / path).read_text("utf-8"))


def steps(job: dict[str, Any]) -> list[str]:
    return [step["run"] for step in job["steps"] if "run" in step]


@pytest.mark.parametrize("name", ["CONTRIBUTING.md", "SECURITY.md", "CODE_OF_CONDUCT.md"])
def test_every_link_of_these_files_leads_somewhere(name: str) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", (ROOT / name).read_text("utf-8")):
        path = target.partition("#")[0]
        assert re.match(r"https:", target) or (ROOT / path).exists(), target


def test_every_path_that_contributing_names_exists() -> None:
    rooms = re.findall(r"^\| `(\w+/)` \|(.*)\|$", CONTRIBUTING, re.MULTILINE)
    assert len(rooms) > 5
    inside = [folder + path for folder, about in rooms for path in re.findall(r"`([\w./-]+[/y])`", about)]
    text = re.sub(r"^\| `\w+/` \|.*$", "", CONTRIBUTING, flags=re.MULTILINE)
    named = re.findall(r"`((?:\w+/)+(?:[\w.]+)?)`", text)
    assert len(inside) > 20
    assert len(named) > 8
    made = {"site/"}
    assert [p for p in inside + named if p not in made and not (ROOT / p).exists()] == []


def test_every_room_is_in_contributing() -> None:
    """A new room is a place that a newcomer must be able to find."""
    rooms = [name.split(".") for name in setup_cfg()["options"]["packages"].split()]
    for parts in rooms:
        if parts[:2] in (["metrica", "models"], ["metrica", "messages"]) or len(parts) < 2:
            continue
        assert f"`{parts[-1]}/`" in CONTRIBUTING or f"`{'/'.join(parts[2:])}/`" in CONTRIBUTING, parts


def test_whatever_is_to_be_made_can_be_made() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([\w./$()-]+):", makefile, re.MULTILINE))
    jobs = loaded(".github/workflows/ci.yml")["jobs"].values()
    asked = re.findall(r"`make ([a-z ]+)", CONTRIBUTING) + re.findall(r"^make (\w+)", CONTRIBUTING, re.MULTILINE)
    asked += [step.removeprefix("make ") for job in jobs for step in steps(job) if step.startswith("make ")]
    words = {word.replace(".venv/", "$(VENV)/") for words in asked for word in words.split()}
    assert {"test", "check", "docs", "packages", "lock"} <= words
    assert words - targets == set()


def test_ci_runs_on_every_python_that_setup_cfg_promises() -> None:
    matrix = loaded(".github/workflows/ci.yml")["jobs"]["test"]["strategy"]["matrix"]
    assert matrix["python"] == PYTHONS
    assert f"Python {', '.join(PYTHONS[:-1])} or {PYTHONS[-1]}" in CONTRIBUTING


def test_ci_runs_what_a_newcomer_runs() -> None:
    jobs = loaded(".github/workflows/ci.yml")["jobs"]
    assert "make test" in steps(jobs["test"])
    assert "make docs" in steps(jobs["site"])
    assert "make packages" in steps(jobs["packages"])


def test_the_hooks_are_programs_that_make_test_installs() -> None:
    developing = [Requirement(line).name for line in setup_cfg()["options.extras_require"]["dev"].strip().splitlines()]
    installed = {
        entry.name
        for name in developing
        for entry in metadata.distribution(name).entry_points
        if entry.group == "console_scripts"
    } | {"ruff"}
    (repo,) = loaded(".pre-commit-config.yaml")["repos"]
    assert repo["repo"] == "local"
    programs = {hook["entry"].split()[0] for hook in repo["hooks"]}
    assert {program.removeprefix(".venv/bin/") for program in programs} <= installed
    assert all(program.startswith(".venv/bin/") for program in programs)


@pytest.mark.parametrize("form", ["bug", "wrong-count", "feature"])
def test_an_issue_form_asks_for_what_is_needed(form: str) -> None:
    asked = loaded(f".github/ISSUE_TEMPLATE/{form}.yml")["body"]
    assert any(field.get("validations", {}).get("required") for field in asked)
    ids = [field["id"] for field in asked if "id" in field]
    assert len(ids) == len(set(ids))


def test_the_changes_stand_under_their_day_the_newest_first() -> None:
    text = (ROOT / "CHANGELOG.md").read_text("utf-8")
    days = re.findall(r"^## (.*)$", text, re.MULTILINE)
    dates = [re.fullmatch(r"(?:Unreleased, |\d+\.\d+\.\d+ - )(\d{4}-\d\d-\d\d)", day) for day in days]
    assert all(dates), days
    assert [m[1] for m in dates if m] == sorted((m[1] for m in dates if m), reverse=True)
    kinds = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
    assert set(re.findall(r"^### (.*)$", text, re.MULTILINE)) <= kinds
