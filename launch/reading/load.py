"""From the path of a launch file to a graph that can be started, or everything that is wrong with it."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from metrica.errors import LaunchError
from metrica.launch.reading.document import read_document
from metrica.launch.reading.folders import check_folders, default_run_dir
from metrica.launch.reading.graph import Graph, build_graph
from metrica.launch.reading.keys import check_keys
from metrica.launch.reading.nodes import read_nodes
from metrica.launch.reading.overrides import read_overrides
from metrica.launch.reading.problems import Problems
from metrica.launch.reading.reader import read_source, read_tree
from metrica.launch.reading.source import Source
from metrica.launch.reading.substitute import Scope


class LaunchFileError(LaunchError):
    """A launch file with mistakes; the text shows all of them, each with its place."""

    def __init__(self, problems: Problems) -> None:
        super().__init__(str(problems))
        self.problems = problems


@dataclass(frozen=True)
class Loaded:
    """A launch file that can be started."""

    graph: Graph
    """The nodes to start and the topics that connect them."""
    folder: Path
    """The launch file's own folder; modules in it can be node types."""
    run_dir: Path
    """The folder for the sockets of this run; one launcher at a time uses it."""
    missing: tuple[str, ...] = ()
    """What is not there at the moment, such as a file on a disk that is not mounted yet: one sentence each."""


def load(
    file: str,
    *,
    overrides: Sequence[str] = (),
    run_dir: Path | None = None,
    environment: Mapping[str, str] | None = None,
    to_start: bool = False,
) -> Loaded:
    """Read and check a launch file, starting nothing. Imports the modules of its nodes.

    overrides: what `--set` was given. to_start: what may come by itself is no mistake, but stands in `missing`.
    Raises LaunchFileError.
    """
    problems = Problems()
    path = Path(file)
    folder = path.resolve().parent
    _make_importable(folder)
    source = read_source(path, file, problems)
    scope = Scope(os.environ if environment is None else environment, problems=problems)
    settings = read_overrides(overrides, problems)
    tree = read_tree(source, problems) if source else None
    document = read_document(source or Source(file, ""), tree, folder, scope)
    graph = build_graph(document, read_nodes(document, settings, scope), problems)
    where = (run_dir or default_run_dir(document.store)).resolve()
    if not problems.forbid_start:
        check_folders(graph, where, problems)
        check_keys(graph, problems)
    if problems.forbid_start if to_start else problems:
        raise LaunchFileError(problems)
    return Loaded(graph, folder, where, tuple(problems.passing))


def data_folder(file: str) -> Path:
    """The data folder that a launch file names, whatever else is wrong with the file. Raises LaunchFileError."""
    problems = Problems()
    path = Path(file)
    source = read_source(path, file, problems)
    tree = read_tree(source, problems) if source else None
    if source is None or tree is None:
        raise LaunchFileError(problems)
    return read_document(source, tree, path.resolve().parent, Scope(os.environ, problems=problems)).data_dir


def _make_importable(folder: Path) -> None:
    """Modules beside the launch file can be node types, as with `python program.py`."""
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))


__all__ = ["LaunchFileError", "Loaded", "data_folder", "load"]
