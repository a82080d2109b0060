"""From the bytes of a launch file to a tree. What is not valid YAML becomes a problem with its place."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml
from yaml.composer import ComposerError
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from yaml.reader import ReaderError

from metrica.launch.reading.problems import Problems
from metrica.launch.reading.source import Place, Source
from metrica.launch.reading.tree import Items, KeyValue, Mapping, Text, Tree, texts
from metrica.secrets import register, register_address

_BETTER = {
    "mapping values are not allowed": "a ':' cannot stand here: put the text in quotes, or check the indentation",
    "unknown escape character": "in double quotes a '\\' begins a special character: use single quotes",
    "cannot start any token": "a text cannot begin with this character: put it in quotes",
}
_SECRET_KEY = re.compile(r"passw|secret|token", re.IGNORECASE)


def read_source(path: Path, name: str, problems: Problems) -> Source | None:
    """The text of a file as a source. name: how error messages call the file."""
    nowhere = Place(Source(name, ""))
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        problems.add(nowhere, "there is no such file")
        return None
    except OSError as error:
        problems.add(nowhere, f"it cannot be read: {error.strerror}")
        return None
    try:
        return Source(name, data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        # Everything before the damaged byte could be decoded, so its length is the place of the damage.
        source = Source(name, data[: error.start].decode("utf-8-sig"))
        place = _point(source, len(source.lines) - 1, len(source.lines[-1]))
        problems.add(place, f"this is not text in UTF-8 (byte 0x{data[error.start]:02x})")
        return None


def read_tree(source: Source, problems: Problems) -> Tree | None:
    """The tree of a whole source; None if it is empty or not valid YAML."""
    return _compose(source, source.text, 0, problems)


def read_value(source: Source, start: int, problems: Problems) -> Tree | None:
    """The tree of a one-line source from a column to its end; an empty rest is a null."""
    place = Place(source, 0, start, 0, len(source.text))
    return _compose(source, source.text[start:], start, problems) or (None if problems else Text(place, ""))


class _Composer(yaml.SafeLoader):
    """PyYAML's composer, but aliases and tags are problems."""

    def __init__(self, text: str, source: Source, offset: int, problems: Problems) -> None:
        super().__init__(text)
        self.source, self.offset, self.problems = source, offset, problems

    def compose_node(self, parent: Node | None, index: int) -> Node | None:
        parser: Any = self  # the stubs leave it untyped
        event: Any = parser.peek_event()
        if isinstance(event, yaml.AliasEvent):
            self._refuse(event, f"a launch file has no aliases, write '*{event.anchor}' out")
            alias: Any = parser.get_event()
            return ScalarNode("", "", alias.start_mark, alias.end_mark)
        if isinstance(event, yaml.NodeEvent) and event.anchor is not None:
            self._refuse(event, f"a launch file has no anchors, leave out '&{event.anchor}'")
            event.anchor = None
        if (tag := getattr(event, "tag", None)) is not None:
            self._refuse(event, f"a launch file has no tags, leave out '{tag}'")
        return super().compose_node(parent, index)

    def _refuse(self, event: Any, message: str) -> None:
        self.problems.add(_place(self.source, event.start_mark, event.end_mark, self.offset), message)


def _compose(source: Source, text: str, offset: int, problems: Problems) -> Tree | None:
    source.is_broken = True
    try:
        composer = _Composer(text, source, offset, problems)
        node = composer.get_single_node()
        source.is_broken = False
        return None if node is None else _Builder(source, offset, problems).build(node)
    except yaml.MarkedYAMLError as error:
        mark = error.context_mark if _begins_there(error) else error.problem_mark
        line, column = (mark.line, mark.column) if mark else (0, 0)
        place = _point(source, line, column + (offset if line == 0 else 0))
        problems.add(place, _words(error, source, place))
    except ReaderError as error:
        before = Source("", text[: error.position]).lines
        line, column = len(before) - 1, len(before[-1])
        problems.add(
            _point(source, line, column + (offset if line == 0 else 0)),
            f"the character U+{error.character:04X} must not stand in a launch file",
        )
    except RecursionError:
        problems.add(_point(source, 0, offset), "this is nested too deeply")
    return None


def _words(error: yaml.MarkedYAMLError, source: Source, place: Place) -> str:
    """A clearer sentence for the PyYAML errors that we know; PyYAML's own sentence for the others."""
    line = source.lines[place.line] if place.line < len(source.lines) else ""
    if line[place.column : place.column + 1] == "\t":
        return "a tab cannot stand here: indent with spaces"
    if isinstance(error, ComposerError):
        return "a launch file is one document: nothing may follow '---'"
    problem, context = error.problem or "this is not YAML", error.context or ""
    begun = f" begun on line {error.context_mark.line + 1}" if error.context_mark else ""
    if _begins_there(error):
        return "this line is no key and value: a ':' is missing" if "key" in context else "this quote is never closed"
    if "flow sequence" in context or "flow mapping" in context:
        what, closing = ("list", "]") if "sequence" in context else ("mapping", "}")
        return f"the {what}{begun} needs a ',' or a closing '{closing}' here"
    if "block mapping" in context or "block collection" in context:
        return f"this is not indented as the mapping or list{begun} is"
    for words, better in _BETTER.items():
        if words in problem:
            return better
    return f"{problem} ({context})" if context else problem


def _begins_there(error: yaml.MarkedYAMLError) -> bool:
    """Whether the error belongs at the start of the construct (an open quote), not where PyYAML noticed it."""
    return error.context_mark is not None and any(
        words in (error.problem or "") for words in ("could not find expected ':'", "unexpected end of stream")
    )


class _Builder:
    def __init__(self, source: Source, offset: int, problems: Problems) -> None:
        self.source, self.offset, self.problems = source, offset, problems

    def build(self, node: Node) -> Tree:
        place = _place(self.source, node.start_mark, node.end_mark, self.offset)
        if isinstance(node, ScalarNode):
            register_address(node.value)
            return Text(place, node.value, plain=node.style is None)
        if isinstance(node, SequenceNode):
            return Items(place, tuple(self.build(item) for item in node.value))
        assert isinstance(node, MappingNode)
        mapping = Mapping(place)
        for key_node, value_node in node.value:
            self._add(mapping, self.build(key_node), self.build(value_node))
        return mapping

    def _add(self, mapping: Mapping, key: Tree, value: Tree) -> None:
        if not isinstance(key, Text):
            self.problems.add(key.place, "a key must be a text")
        elif key.value in mapping.entries:
            first = mapping.entries[key.value].key.place
            self.problems.add(key.place, f"'{key.value}' is here twice, first on line {first.line + 1}")
        else:
            mapping.entries[key.value] = KeyValue(key, value)
            hide_if_secret(key.value, value)


def hide_if_secret(key: str, value: Tree) -> None:
    """Mark a value as secret, so that it is never printed, if its key is called password, secret or token."""
    if _SECRET_KEY.search(key):
        hide(value)


def hide(tree: Tree, *, place_only: bool = False) -> None:
    """Mark everything at this place as secret, so that it is never printed, here or in a log.

    place_only: in a log only what the parameter's own declaration makes known.
    """
    for text in texts(tree):
        if not text.value.startswith("$("):
            text.place.source.hide(text.place)
            if not place_only:
                register(text.value)


def _place(source: Source, start: Any, end: Any, offset: int) -> Place:
    return Place(
        source,
        start.line,
        start.column + (offset if start.line == 0 else 0),
        end.line,
        end.column + (offset if end.line == 0 else 0),
    )


def _point(source: Source, line: int, column: int) -> Place:
    return Place(source, line, column, line, column + 1)
