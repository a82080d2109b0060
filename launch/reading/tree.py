"""A launch file as a tree of texts, lists and mappings that all know their place.

YAML's own types are not used: `NO` and `12:30` stay texts until the declared type of the parameter decides what they
are.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from metrica.launch.reading.source import Place


@dataclass(frozen=True, slots=True)
class Text:
    """A scalar, as written in the file."""

    place: Place
    """Where the scalar stands in the source."""
    value: str
    """The characters, without quotes and with escapes replaced."""
    plain: bool = True
    """Whether it is written without quotes. Only a plain `null`, `~` or nothing at all means "no value"."""

    @property
    def is_null(self) -> bool:
        return self.plain and self.value in ("", "~", "null", "Null", "NULL")


@dataclass(frozen=True, slots=True)
class Items:
    """A list."""

    place: Place
    """Where the list stands in the source."""
    items: tuple[Tree, ...]
    """The list's values, in the order of the file."""


@dataclass(frozen=True, slots=True)
class Mapping:
    """A mapping in the order of the file."""

    place: Place
    """Where the mapping stands in the source."""
    entries: dict[str, KeyValue] = field(default_factory=dict[str, "KeyValue"])
    """The text of each key -> the key with its place, and its value."""


@dataclass(frozen=True, slots=True)
class KeyValue:
    """One key of a mapping and its value."""

    key: Text
    """The key, with its place in the source."""
    value: Tree
    """What stands under the key."""


Tree: TypeAlias = "Text | Items | Mapping"
"""What may stand under a key, or in a list: a scalar, a list or a mapping."""


def to_python(tree: Tree) -> Any:
    """The tree as Python texts, None, lists and dicts, as `ParamSpec.read` takes them."""
    if isinstance(tree, Text):
        return None if tree.is_null else tree.value
    if isinstance(tree, Items):
        return [to_python(item) for item in tree.items]
    return {key: to_python(entry.value) for key, entry in tree.entries.items()}


def place_at(tree: Tree, path: tuple[int | str, ...]) -> Place:
    """The place of the item at a path of indices and keys; if the path does not exist, of the last item that does."""
    for step in path:
        if isinstance(tree, Items) and isinstance(step, int) and step < len(tree.items):
            tree = tree.items[step]
        elif isinstance(tree, Mapping) and step in tree.entries:
            tree = tree.entries[str(step)].value
        else:
            break
    return tree.place


def texts(tree: Tree) -> Iterator[Text]:
    """Every scalar in the tree."""
    if isinstance(tree, Text):
        yield tree
    elif isinstance(tree, Items):
        for item in tree.items:
            yield from texts(item)
    else:
        for entry in tree.entries.values():
            yield from texts(entry.value)


def describe(tree: Tree) -> str:
    """The kind of a tree in one word, for error messages."""
    if isinstance(tree, Text):
        return "nothing" if tree.is_null else "a text"
    return "a list" if isinstance(tree, Items) else "a mapping"
