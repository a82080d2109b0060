"""The project as its tests read it: setup.cfg, the folders, and every Python file at any depth."""

from __future__ import annotations

import configparser
from pathlib import Path

from tests.paths import ROOT
from tests.project.generators import draw_rooms

DRAWING = draw_rooms()
FOLDERS = tuple(folder for folder in DRAWING.FOLDERS if folder != "metrica")
OURS = (*DRAWING.FOLDERS, "tests", "benchmarks", "docs")


def setup_cfg() -> configparser.ConfigParser:
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    return config


def python_files(*folders: str) -> list[Path]:
    """Every Python file below these folders, at any depth, the links for type checkers not followed."""
    return [
        path
        for folder in folders
        for path in sorted((ROOT / folder).rglob("*.py"))
        if not any(parent.is_symlink() for parent in path.parents)
    ]
