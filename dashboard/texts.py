"""The words on the pages, from one catalogue file per language."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

import yaml


@dataclass(frozen=True, slots=True)
class Texts:
    """One language's words. An unknown key is a KeyError: a page never shows a hole."""

    language: str
    _texts: dict[str, Any]

    def __call__(self, key: str, **values: object) -> str:
        """The text, with its {names} filled in."""
        text: str = self._texts[key]
        return text.format(**values)

    def many(self, key: str, n: int, **values: object) -> str:
        """The text in the form that suits the number, which is {n} in it."""
        forms: dict[str, str] = self._texts[key]
        return forms["one" if n == 1 else "other"].format(n=f"{n:,}", **values)

    def item(self, key: str, index: int) -> str:
        """One of a list, such as the name of a weekday."""
        listed: list[str] = self._texts[key]
        return listed[index]

    def keys(self) -> set[str]:
        """Every key of the catalogue."""
        return set(self._texts)


@lru_cache
def texts(language: str = "en") -> Texts:
    """The catalogue of a language. Raises FileNotFoundError if there is none."""
    source = files("metrica.dashboard").joinpath(f"texts_{language}.yaml")
    return Texts(language, yaml.safe_load(source.read_text(encoding="utf-8")))
