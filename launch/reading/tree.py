"""A launch file as a tree of texts, lists and mappings that all know their place.

YAML's own types are not used: `NO` stays a text and so does `12:30`, until the parameter's declared type says
what it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from metrica.launch.reading.source import Place


@dataclass(frozen=True, slots=True)
class Text:
    """A scalar, as it stands in the file."""

    place: Place
    value: str
    plain: bool = True
    """Without quotes; only a plain `null`, `~` or nothing means that there is no value."""

    @property
    def is_null(self) -> bool:
        return self.plain and self.value in ("", "~", "null", "Null", "NULL")


@dataclass(frozen=True, slots=True)
class Items:
    """A list."""

    place: Place
    items: tuple[Tree, ...]


@dataclass(frozen=True, slots=True)
class Mapping:
    """A mapping in the order of the file."""

    place: Place
    entries: dict[str, Entry] = field(default_factory=dict[str, "Entry"])


@dataclass(frozen=True, slots=True)
class Entry:
    """One key of a mapping and its value."""

    key: Text
    value: Tree


Tree: TypeAlias = "Text | Items | Mapping"


def to_python(tree: Tree) -> Any:
    """Texts, None, lists and dicts, as `ParamSpec.read` takes them."""
    if isinstance(tree, Text):
        return None if tree.is_null else tree.value
    if isinstance(tree, Items):
        return [to_python(item) for item in tree.items]
    return {key: to_python(entry.value) for key, entry in tree.entries.items()}


def place_at(tree: Tree, path: tuple[int | str, ...]) -> Place:
    """The place of the item that a path of indices and keys leads to, or of the last one that is there."""
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
    """What kind of thing it is, in a word."""
    if isinstance(tree, Text):
        return "nothing" if tree.is_null else "a text"
    return "a list" if isinstance(tree, Items) else "a mapping"
