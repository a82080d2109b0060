"""The two substitutions of a launch file, `$(env NAME)` and `$(camera.key)`; there is no expression language.

A substitution that is the whole value is replaced by what it names, which may be a list or a mapping. A substitution
inside a longer text must name a text. `$$(` is written for a plain `$(`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping as AbstractMapping
from collections.abc import Sequence
from dataclasses import dataclass, field

from metrica.launch.reading.problems import Problems, suggest
from metrica.launch.reading.source import Place
from metrica.launch.reading.tree import Items, KeyValue, Mapping, Text, Tree, describe
from metrica.secrets import register_address, register_environment

_OPEN = re.compile(r"\$?\$\(")
_ENV = re.compile(r"env\s+([A-Za-z_][A-Za-z0-9_]*)")
_CAMERA = re.compile(r"camera\.([^\s()]+)")


@dataclass(frozen=True)
class Scope:
    """What substitutions may name: environment variables and, in a per-camera node, the keys of its camera."""

    environment: AbstractMapping[str, str]
    """Environment variable -> its value, for `$(env NAME)`."""
    camera: str = ""
    """Name of the camera that the node belongs to; empty for a node under `nodes`."""
    values: Mapping | None = None
    """The camera's keys in the launch file, for `$(camera.key)`; None for a node under `nodes`."""
    problems: Problems = field(default_factory=Problems)
    """Where a substitution that fails is added."""

    def resolve(self, tree: Tree) -> Tree | None:
        """The tree with all substitutions done; None if one failed, which has then been added to `problems`."""
        if isinstance(tree, Text):
            return self._text(tree)
        if isinstance(tree, Items):
            items = [self.resolve(item) for item in tree.items]
            kept = tuple(item for item in items if item is not None)
            return Items(tree.place, kept) if len(kept) == len(items) else None
        entries = {key: (entry.key, self.resolve(entry.value)) for key, entry in tree.entries.items()}
        kept_entries = {key: KeyValue(name, value) for key, (name, value) in entries.items() if value is not None}
        return Mapping(tree.place, kept_entries) if len(kept_entries) == len(entries) else None

    def _text(self, text: Text) -> Tree | None:
        parts: list[str] = []
        at, good = 0, True
        while found := _OPEN.search(text.value, at):
            parts.append(text.value[at : found.start()])
            if found[0] == "$$(":
                parts.append("$(")
                at = found.end()
                continue
            end = text.value.find(")", found.end()) + 1
            place = _part(text, found.start(), end or len(text.value))
            if not end:
                self.problems.add(place, "this substitution has no closing ')'")
                return None
            value = self._look_up(text.value[found.end() : end - 1].strip(), place)
            if text.value == text.value[found.start() : end]:
                return value
            if isinstance(value, Text):
                parts.append(value.value)
            elif value is not None:
                what = text.value[found.start() : end]
                self.problems.add(place, f"{what} is {describe(value)} and must be a value of its own")
            good &= isinstance(value, Text)
            at = end
        if not good:
            return None
        if not parts:
            return text
        register_address(whole := "".join(parts) + text.value[at:])
        return Text(text.place, whole, plain=False)

    def _look_up(self, inner: str, place: Place) -> Tree | None:
        if match := _ENV.fullmatch(inner):
            return self._env(match[1], place)
        if match := _CAMERA.fullmatch(inner):
            return self._camera_key(match[1], place)
        self.problems.add(
            place, f"there is no substitution $({inner}), only $(env NAME) and $(camera.key)", _suggest_form(inner)
        )
        return None

    def _env(self, name: str, place: Place) -> Tree | None:
        if name not in self.environment:
            self.problems.add(
                place,
                f"the environment variable {name} is not set",
                suggest(name, sorted(self.environment)) or f"set it: {name}=… metrica-launch …",
            )
            return None
        register_environment({name: self.environment[name]})
        return Text(place, self.environment[name], plain=False)

    def _camera_key(self, key: str, place: Place) -> Tree | None:
        if self.values is None:
            self.problems.add(place, "$(camera.…) has a meaning only in nodes under 'per_camera'")
            return None
        if key in self.values.entries:
            # What a camera says may itself name an environment variable, but not the camera again.
            return Scope(self.environment, problems=self.problems).resolve(self.values.entries[key].value)
        if key == "name":
            return Text(place, self.camera, plain=False)
        self.problems.add(
            place, f"camera '{self.camera}' has no key '{key}'", suggest(key, ["name", *self.values.entries])
        )
        return None


def _part(text: Text, start: int, end: int) -> Place:
    """The place of a part of a text. If the text spans lines or has escapes, the place of the whole text."""
    place = text.place
    shift = place.column + (0 if text.plain else 1)
    if place.line != place.end_line or place.source.lines[place.line][shift : shift + len(text.value)] != text.value:
        return place
    return Place(place.source, place.line, shift + start, place.line, shift + end)


def _suggest_form(inner: str) -> str:
    words: Sequence[str] = re.split(r"[\s.]+", inner)
    if words[0].lower() in ("env", "environment", "environ"):
        return f"did you mean '$(env {words[1] if len(words) > 1 else 'NAME'})'?"
    if words[0].lower().startswith("cam"):
        return f"did you mean '$(camera.{words[1] if len(words) > 1 else 'key'})'?"
    return f"did you mean '$(env {inner})'?" if inner.isupper() else ""


__all__ = ["Scope"]
