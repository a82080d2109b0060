"""The lock (constraints.txt) fits the bounds of setup.cfg, names all that is installed, and is what `make` installs."""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.paths import ROOT
from tests.project.layout import setup_cfg

LINES = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
LOCK = {canonicalize_name(r.name): r for r in (Requirement(line.partition("#")[0]) for line in LINES)}
EXTRAS = ("dev", "docs")
"""What the lock covers besides what runs; `train` and `hostile` are left out."""


def requirements(text: str) -> list[Requirement]:
    return [Requirement(line) for line in text.strip().splitlines()]


def bounds(*extras: str) -> list[Requirement]:
    """What setup.cfg and pyproject.toml ask for themselves."""
    config = setup_cfg()
    build = tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]["requires"]
    wanted = requirements(config["options"]["install_requires"]) + [Requirement(line) for line in build]
    return wanted + [r for extra in extras for r in requirements(config["options.extras_require"][extra])]


def version(name: str) -> str:
    """The version that the lock gives a package."""
    (pin,) = LOCK[canonicalize_name(name)].specifier
    return pin.version


def asked_for(wanted: list[Requirement]) -> Iterator[tuple[str, Requirement]]:
    """Each package that is needed on this machine, with who asks for it: the packages asked for, and theirs in turn."""
    todo, seen = [("setup.cfg", requirement) for requirement in wanted], set[str]()
    while todo:
        who, requirement = todo.pop()
        yield who, requirement
        if str(requirement) in seen:
            continue
        seen.add(str(requirement))
        try:
            theirs = metadata.requires(requirement.name) or []
        except metadata.PackageNotFoundError:
            continue  # an extra that is not installed here: its own needs are not known
        for line in theirs:
            needed = Requirement(line)
            environments = [{"extra": extra} for extra in ("", *requirement.extras)]
            if needed.marker is None or any(map(needed.marker.evaluate, environments)):
                todo.append((canonicalize_name(requirement.name), needed))


def test_every_line_of_the_lock_is_one_version_of_a_public_package() -> None:
    """No registry, no path of a machine, and not Metrica itself."""
    odd = [line for line in LINES if not re.fullmatch(r"[a-z0-9-]+==[\w.]+( ; [\w '<>=!.()]+)?( +# via [^/@]+)?", line)]
    assert odd == []
    assert len(LOCK) == len(LINES)
    assert "metrica" not in LOCK


def test_the_lock_is_within_the_bounds() -> None:
    known = [r for r in bounds(*EXTRAS) if canonicalize_name(r.name) in LOCK]
    outside = [f"{r}, but {version(r.name)}" for r in known if not r.specifier.contains(version(r.name))]
    assert outside == [], "run `make lock`"


def test_the_lock_names_whatever_is_needed_by_whatever_is_needed() -> None:
    missing, wrong = set[str](), set[str]()
    for who, needed in asked_for(bounds(*EXTRAS)):
        if canonicalize_name(needed.name) not in LOCK:
            missing.add(f"{needed.name} for {who}")
            continue
        # Where another version than the locked one is installed, it may ask for others; then only names are compared.
        trusted = who == "setup.cfg" or (who in LOCK and metadata.version(who) == version(who))
        if trusted and not needed.specifier.contains(version(needed.name)):
            wrong.add(f"{who} asks for {needed}, not {version(needed.name)}")
    assert missing == set(), "run `make lock`"
    assert wrong == set(), "run `make lock`"


def test_the_extra_for_training_is_left_out() -> None:
    """Its PyTorch has a build for each kind of machine; one lock cannot name them all."""
    train = requirements(setup_cfg()["options.extras_require"]["train"])
    assert not {canonicalize_name(r.name) for r in train} & set(LOCK)


def test_what_make_has_installed_is_what_the_lock_says() -> None:
    if not (Path(sys.prefix) / ".installed-dev").exists():
        pytest.skip("not installed by `make`: the versions are free within the bounds")
    here = {canonicalize_name(d.name): d.version for d in metadata.distributions()}
    here.pop(canonicalize_name("metrica"))
    locked = {name: version(name) for name, r in LOCK.items() if r.marker is None or r.marker.evaluate()}
    assert here == locked


# The page that says why each one is here.


def described(section: str) -> dict[str, list[str]]:
    """The packages of a table in docs/dependencies.md, each with the other cells of its row."""
    text = (ROOT / "docs" / "dependencies.md").read_text().partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")]
    return {canonicalize_name(name): cells for names, *cells in rows[2:] for name in names.split(", ")}


@pytest.mark.parametrize(
    ("section", "extra"),
    [
        ("To run", ""),
        ("To train the detector", "train"),
        ("To attack the servers", "hostile"),
        ("To develop", "dev"),
        ("To build the site", "docs"),
    ],
)
def test_every_dependency_has_its_reason(section: str, extra: str) -> None:
    config = setup_cfg()
    asked = config["options.extras_require"][extra] if extra else config["options"]["install_requires"]
    table = described(section)
    assert {canonicalize_name(r.name) for r in requirements(asked)} == set(table)
    assert [name for name, cells in table.items() if not all(cells)] == []
