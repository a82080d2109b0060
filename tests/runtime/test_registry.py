"""Node types are found by name or by reference, and what is wrong with a name is one sentence."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from metrica.errors import DeclarationError
from metrica.registry import UnknownNodeType, load_node_type, node_types


def test_the_node_types_of_the_project_are_installed() -> None:
    """Their classes are loaded by the tests of the documentation."""
    assert {"capture", "openvino_detector", "sort", "bytetrack", "line_counter", "uploader"} <= set(node_types())


def test_a_type_is_found_by_name_and_by_reference() -> None:
    assert load_node_type("uploader") is load_node_type("metrica.nodes.delivery.uploader:Uploader")


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("bytetrak", "there is no node type 'bytetrak': did you mean 'bytetrack'?"),
        ("weather", "there is no node type 'weather'"),
        ("", "there is no node type ''"),
        ("nowhere.at_all:Node", "'nowhere.at_all:Node' cannot be imported: there is no module 'nowhere'"),
        (
            "metrica.node:Nodee",
            "module 'metrica.node' has no class 'Nodee': did you mean 'Node'?",
        ),
        ("json:dumps", "'json:dumps' is not a node: it must be a class derived from metrica.Node"),
        ("json:JSONDecoder", "'json:JSONDecoder' is not a node: it must be a class derived from metrica.Node"),
        (":Node", "':Node' is not a node type: write package.module:Class"),
        ("metrica.node:", "'metrica.node:' is not a node type: write package.module:Class"),
        (".node:Node", "'.node:Node' is not a node type: write package.module:Class"),
        ("a:b:c", "'a:b:c' is not a node type: write package.module:Class"),
        ("os:system('x')", "'os:system('x')' is not a node type: write package.module:Class"),
    ],
)
def test_a_name_that_leads_nowhere_is_one_sentence(name: str, sentence: str) -> None:
    with pytest.raises(UnknownNodeType) as caught:
        load_node_type(name)
    assert str(caught.value) == sentence


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("def broken(:", "'{m}:Door' cannot be imported: SyntaxError: invalid syntax"),
        ("raise RuntimeError('no licence')", "'{m}:Door' cannot be imported: RuntimeError: no licence"),
        ("import not_installed", "'{m}:Door' cannot be imported: there is no module 'not_installed'"),
        ("from json import nothing_like_it", "'{m}:Door' cannot be imported: ImportError: cannot import name"),
        ("x = (5).nothing", "'{m}:Door' cannot be imported: AttributeError: 'int' object has no attribute 'nothing'"),
    ],
)  # fmt: skip
def test_a_module_that_fails_to_import_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, sentence: str
) -> None:
    name = f"broken_node_{abs(hash(code))}"
    (tmp_path / f"{name}.py").write_text(code)
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(UnknownNodeType) as caught:
        load_node_type(f"{name}:Door")
    assert str(caught.value).startswith(sentence.format(m=name))


def test_a_class_that_is_declared_wrongly_says_so_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "declared_wrongly.py").write_text("from metrica import Node\nclass Door(Node):\n    age: int = 3\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(DeclarationError, match=r"Door\.age is annotated in the class body"):
        load_node_type("declared_wrongly:Door")
    assert "declared_wrongly" not in sys.modules
