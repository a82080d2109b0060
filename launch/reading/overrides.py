"""`--set NODE.KEY=VALUE`: one value of the launch file, replaced from the shell."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from metrica.launch.reading.problems import Problems, suggest
from metrica.launch.reading.reader import hide_if_secret, read_value
from metrica.launch.reading.source import Place, Source
from metrica.launch.reading.tree import KeyValue, Mapping, Text, Tree, describe

NODE_KEYS = ("type", "params", "remap", "qos", "restart")
"""The keys that a node may have in a launch file."""
_FORM = re.compile(r"/?(?P<node>[^.=\s]+)\.(?P<keys>[^=\s]+)=")


@dataclass(frozen=True)
class Override:
    """One `--set` argument, read. A key that is not one of a node's own keys (`type`, `remap`, …) is a parameter."""

    node: Text
    """Which nodes: `tracker` means the tracker of every camera, `door/tracker` that of one camera."""
    keys: tuple[Text, ...]
    """The keys that lead to the value inside the node's entry, such as `params` and `threads`."""
    value: Tree
    """The value to set."""

    def concerns(self, name: str, group: str) -> bool:
        """Whether this override applies to the node with this full name, started from this entry of the file."""
        return self.node.value in (name.removeprefix("/"), group)

    def applied(self, body: Mapping, problems: Problems) -> Mapping:
        """The node's entry with the value set."""
        return self._put(body, self.keys, problems)

    def _put(self, mapping: Mapping, keys: tuple[Text, ...], problems: Problems) -> Mapping:
        key, rest = keys[0], keys[1:]
        value = self.value
        if rest:
            inner = mapping.entries[key.value].value if key.value in mapping.entries else None
            if inner is None or (isinstance(inner, Text) and inner.is_null):
                inner = Mapping(key.place)
            if not isinstance(inner, Mapping):
                problems.add(
                    key.place, f"'{key.value}' is {describe(inner)}: nothing inside it can be set, only all of it"
                )
                return mapping
            value = self._put(inner, rest, problems)
        return Mapping(mapping.place, {**mapping.entries, key.value: KeyValue(key, value)})


def read_overrides(arguments: Sequence[str], problems: Problems) -> list[Override]:
    """Read the `--set` arguments, in their order. An argument that cannot be read is added to the problems."""
    found: list[Override] = []
    for number, argument in enumerate(arguments, 1):
        source = Source("--set", argument, number)
        match = _FORM.match(argument)
        if not match or "" in match["keys"].split("."):
            place = Place(source, 0, 0, 0, len(argument))
            problems.add(place, "this is not NODE.KEY=VALUE", "such as door/tracker.type=sort or detector.threads=2")
            continue
        node = Text(_part(source, match.start("node"), match.end("node")), match["node"])
        keys = _keys(source, match["keys"], match.start("keys"))
        if (value := read_value(source, match.end(), problems)) is not None:
            hide_if_secret(keys[-1].value, value)
            found.append(Override(node, keys, value))
    return found


def check_targets(overrides: Sequence[Override], names: Sequence[str], problems: Problems) -> None:
    """Add a problem for each override that names no node of the launch file."""
    for override in overrides:
        if override.node.value not in names:
            hint = suggest(override.node.value, names)
            problems.add(override.node.place, f"there is no node '{override.node.value}'", hint)


def _keys(source: Source, text: str, start: int) -> tuple[Text, ...]:
    keys: list[Text] = []
    for key in text.split("."):
        keys.append(Text(_part(source, start, start + len(key)), key))
        start += len(key) + 1
    if keys[0].value not in NODE_KEYS:
        keys.insert(0, Text(keys[0].place, "params"))
    return tuple(keys)


def _part(source: Source, start: int, end: int) -> Place:
    return Place(source, 0, start, 0, end)
