"""The shape of the project: its folders, what may import what, the size of files, and the names that are public."""

from __future__ import annotations

import ast
import configparser
import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import metrica
import metrica.launch
import metrica.messages
from metrica import errors, messages, testing
from metrica.errors import MetricaError
from metrica.models.errors import ModelError

ROOT = Path(__file__).parents[1]
FOLDERS = ("nodes", "messages", "launch", "dashboard", "models")
TRAINING = "models/training"
"""The one folder in a folder: a program of its own, with dependencies that nothing else has."""
MAX_LINES = 320


def setup_cfg() -> configparser.ConfigParser:
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    return config


def python_files(*folders: str) -> list[Path]:
    return [path for folder in folders for path in sorted((ROOT / folder).glob("*.py"))]


# Folders.


def test_the_packages_of_setup_cfg_are_the_folders() -> None:
    options = setup_cfg()["options"]
    packages = options["packages"].split()
    directories = dict(line.split(" = ") for line in options["package_dir"].strip().splitlines())
    names = {f"metrica.{folder.replace('/', '.')}": folder for folder in (*FOLDERS, TRAINING)}
    assert packages == ["metrica", *names]
    assert directories == {"metrica": "metrica", **names}
    for folder in directories.values():
        assert (ROOT / folder / "__init__.py").is_file()


def test_the_links_for_type_checkers_lead_to_the_folders() -> None:
    links = {path.name: path.readlink() for path in (ROOT / "metrica").iterdir() if path.is_symlink()}
    assert links == {folder: Path("..") / folder for folder in FOLDERS}
    for folder in FOLDERS:
        assert (ROOT / "metrica" / folder).resolve() == ROOT / folder


@pytest.mark.parametrize("folder", ["metrica", *FOLDERS])
def test_folders_are_flat(folder: str) -> None:
    nested = [path for path in (ROOT / folder).rglob("*.py") if path.parent not in (ROOT / folder, ROOT / TRAINING)]
    assert [path for path in nested if not (ROOT / "metrica" in path.parents and folder == "metrica")] == []


def test_every_entry_point_exists() -> None:
    points = setup_cfg()["options.entry_points"]
    for group in ("console_scripts", "metrica.nodes"):
        for line in points[group].strip().splitlines():
            module, _, name = line.split(" = ")[1].partition(":")
            assert hasattr(importlib.import_module(module), name), line


# What may import what.


def imported(path: Path) -> Iterator[str]:
    """The modules of ours that a file imports, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] == "metrica")
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "metrica":
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                yield full if node.module == "metrica" and alias.name in MODULES else node.module


MODULES = {name for _, name, _ in pkgutil.iter_modules(metrica.__path__)} | set(FOLDERS)


def folder_of(module: str) -> str:
    """The folder that a module of ours lies in; the runtime's is "metrica"."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 and parts[1] in FOLDERS else "metrica"


MAY_IMPORT = {
    "messages": {"messages"},
    "models": {"models"},
    "metrica": {"metrica", "messages"},
    "nodes": {"nodes", "metrica", "messages", "models"},
    "launch": {"launch", "metrica", "messages"},
    "dashboard": {"dashboard", "messages"},
    TRAINING: {"models"},
}
FREE = {"metrica.version"}
"""Holds one number and imports nothing."""
EXCEPT = {("dashboard", "nodes.py"): {"metrica"}}
"""Wraps the two services as nodes, so that one launch file runs everything."""


@pytest.mark.parametrize("folder", MAY_IMPORT)
def test_arrows_point_one_way(folder: str) -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {module}"
        for path in python_files(folder)
        for module in imported(path)
        if module not in FREE
        and folder_of(module) not in MAY_IMPORT[folder] | EXCEPT.get((folder, path.name), set[str]())
    ]
    assert wrong == []


@pytest.mark.parametrize("folder", ["metrica", *FOLDERS, "tests"])
def test_nothing_is_imported_by_the_name_of_its_folder(folder: str) -> None:
    """`import nodes` works by chance in the checkout and never once installed."""
    for path in python_files(folder):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{path.name} imports relatively"
                names = [node.module or ""]
            assert not {name.split(".")[0] for name in names} & set(FOLDERS), path.name


# Size and habits.


def test_no_file_is_longer_than_a_newcomer_reads() -> None:
    long = {
        str(path.relative_to(ROOT)): count
        for path in python_files(
            "metrica", *FOLDERS, TRAINING, "tests", "benchmarks", "docs", "docs/hello", "tests/misbehaving"
        )
        if (count := len(path.read_text().splitlines())) > MAX_LINES
    }
    assert long == {}


@pytest.mark.parametrize("folder", ["metrica", *FOLDERS, TRAINING])
def test_nothing_is_left_for_later_and_no_error_is_swallowed(folder: str) -> None:
    for path in python_files(folder):
        text = path.read_text()
        assert not re.search(r"\b(TODO|FIXME|XXX|NotImplementedError)\b", text), path.name
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.ExceptHandler):
                assert not all(isinstance(s, ast.Pass) for s in node.body), f"{path.name}:{node.lineno}"


@pytest.mark.parametrize("folder", ["metrica", *FOLDERS, TRAINING])
def test_every_module_and_every_public_class_says_what_it_is(folder: str) -> None:
    bare: list[str] = []
    for path in python_files(folder):
        tree = ast.parse(path.read_text())
        if tree.body and not ast.get_docstring(tree):
            bare.append(path.name)
        for node in tree.body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_") and not ast.get_docstring(node):
                bare.append(f"{path.name}: {node.name}")
    assert bare == []


# Public names.

PUBLIC = [
    "EVENTS",
    "LATCHED",
    "LATEST",
    "LOSSLESS",
    "STREAM",
    "Context",
    "Header",
    "Message",
    "Node",
    "Publisher",
    "QoS",
    "__version__",
    "message",
    "param",
    "publisher",
    "subscription",
    "timer",
]
MESSAGES = [
    "ArraySpec",
    "Boxes",
    "Counts",
    "Crossing",
    "DecodeError",
    "Detections",
    "Direction",
    "Frame",
    "FrameRef",
    "Header",
    "Health",
    "Ids",
    "Image",
    "Message",
    "MetricaError",
    "Occupancy",
    "Scores",
    "ShortText",
    "Thresholds",
    "Tracks",
    "Visit",
    "check_message",
    "decode",
    "encode",
    "message",
    "message_type",
]


def test_the_public_names_are_these() -> None:
    """Whoever adds one promises to keep it; whoever removes one breaks somebody's node."""
    assert metrica.__all__ == PUBLIC
    assert all(hasattr(metrica, name) for name in PUBLIC)
    assert messages.__all__ == MESSAGES
    assert all(hasattr(messages, name) for name in MESSAGES)
    assert {name for name in ("run", "Bench", "FakeClock", "START") if hasattr(testing, name)} == {
        "run",
        "Bench",
        "FakeClock",
        "START",
    }


def drawn_tree(docstring: str) -> dict[str, str | None]:
    """Each exception of the drawing with its parent."""
    parents: dict[str, str | None] = {}
    stack: list[tuple[int, str]] = []
    for line in docstring.splitlines():
        match = re.match(r"^( {4}[ │├└─]*)([A-Z]\w+)", line)
        if not match:
            continue
        depth = len(match[1])
        while stack and stack[-1][0] >= depth:
            stack.pop()
        parents[match[2]] = stack[-1][1] if stack else None
        stack.append((depth, match[2]))
    return parents


def real_tree(root: type[Exception]) -> dict[str, str | None]:
    """Those of the runtime, the messages and the launcher; others add their own at the edges."""
    parents: dict[str, str | None] = {root.__name__: None}
    for child in root.__subclasses__():
        ours = child.__module__.startswith("metrica.") and folder_of(child.__module__) in DRAWN
        if ours and not child.__name__.startswith("_"):
            parents |= {k: v or root.__name__ for k, v in real_tree(child).items()}
    return parents


DRAWN = ("metrica", "messages", "launch")


def test_the_tree_of_exceptions_is_the_one_that_is_drawn() -> None:
    for package in (metrica, metrica.launch, metrica.messages):
        for _, name, is_package in pkgutil.iter_modules(package.__path__):
            if not is_package:
                importlib.import_module(f"{package.__name__}.{name}")
    assert drawn_tree(errors.__doc__ or "") == real_tree(MetricaError)


def test_models_know_nothing_of_the_graph_and_have_an_error_of_their_own() -> None:
    assert not issubclass(ModelError, MetricaError)
