"""The names that others build on: what is public, and the tree of exceptions."""

from __future__ import annotations

import importlib
import re

import metrica
from metrica import errors, messages, testing
from metrica.errors import MetricaError
from metrica.models.errors import ModelError
from tests.project.layout import DRAWING, FOLDERS

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


def top_folder(module: str) -> str:
    """The folder of the top level that a module of ours lies in; the runtime's is "metrica"."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 and parts[1] in FOLDERS else "metrica"


def real_tree(root: type[Exception]) -> dict[str, str | None]:
    """Those of the runtime, the messages and the launcher; others add their own at the edges."""
    parents: dict[str, str | None] = {root.__name__: None}
    for child in root.__subclasses__():
        ours = child.__module__.startswith("metrica.") and top_folder(child.__module__) in DRAWN
        if ours and not child.__name__.startswith("_"):
            parents |= {k: v or root.__name__ for k, v in real_tree(child).items()}
    return parents


DRAWN = ("metrica", "messages", "launch")


def test_the_tree_of_exceptions_is_the_one_that_is_drawn() -> None:
    for name in DRAWING.modules():
        if top_folder(name) in DRAWN and not name.endswith("__main__"):
            importlib.import_module(name)
    assert drawn_tree(errors.__doc__ or "") == real_tree(MetricaError)


def test_models_know_nothing_of_the_graph_and_have_an_error_of_their_own() -> None:
    assert not issubclass(ModelError, MetricaError)
