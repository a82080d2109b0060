"""The scripts in docs/ that make pages, as modules: docs/ is no package."""

from __future__ import annotations

import importlib.util
from types import ModuleType

from tests.paths import ROOT


def nodes_reference() -> ModuleType:
    """Writes docs/nodes.md."""
    return _load("make_nodes_reference")


def draw_rooms() -> ModuleType:
    """Draws the rooms into docs/architecture.md."""
    return _load("draw_rooms")


def site_hooks() -> ModuleType:
    """What mkdocs calls while it builds the site; needs mkdocs."""
    return _load("site_hooks")


def _load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "docs" / f"{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
