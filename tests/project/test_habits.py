"""The habits of the code: short files, a docstring for everything public, nothing left for later."""

from __future__ import annotations

import ast
import re

import pytest

from tests.paths import ROOT
from tests.project.layout import DRAWING, OURS, python_files

MAX_LINES = 300


def test_no_file_is_longer_than_a_newcomer_reads() -> None:
    long = {
        str(path.relative_to(ROOT)): count
        for path in python_files(*OURS)
        if (count := len(path.read_text().splitlines())) > MAX_LINES
    }
    assert long == {}


@pytest.mark.parametrize("folder", DRAWING.FOLDERS)
def test_nothing_is_left_for_later_and_no_error_is_swallowed(folder: str) -> None:
    for path in python_files(folder):
        text = path.read_text()
        assert not re.search(r"\b(TODO|FIXME|XXX|NotImplementedError)\b", text), path.name
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.ExceptHandler):
                assert not all(isinstance(s, ast.Pass) for s in node.body), f"{path.name}:{node.lineno}"


@pytest.mark.parametrize("folder", DRAWING.FOLDERS)
def test_every_module_and_every_public_class_says_what_it_is(folder: str) -> None:
    bare: list[str] = []
    for path in python_files(folder):
        tree = ast.parse(path.read_text())
        if not ast.get_docstring(tree):
            bare.append(path.name)
        for node in tree.body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_") and not ast.get_docstring(node):
                bare.append(f"{path.name}: {node.name}")
    assert bare == []
