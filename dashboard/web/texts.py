"""The words on the pages, from one catalogue file per language."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any, Literal

import yaml

LANGUAGES = {"ar": "العربية", "fr": "Français", "en": "English"}
"""What there is a catalogue of, by its own name."""


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
        return forms[_form(self.language, n)].format(n=self.number(n), **values)

    def number(self, n: int) -> str:
        """With the language's separators between the thousands."""
        return f"{n:,}".replace(",", self("thousands"))

    @property
    def direction(self) -> Literal["ltr", "rtl"]:
        """From left to right, or from right to left."""
        return "rtl" if self.language == "ar" else "ltr"

    def item(self, key: str, index: int) -> str:
        """One of a list, such as the name of a weekday."""
        listed: list[str] = self._texts[key]
        return listed[index]

    def keys(self) -> set[str]:
        """Every key of the catalogue."""
        return set(self._texts)


def _form(language: str, n: int) -> str:
    """The form of a noun after a number (https://cldr.unicode.org/index/cldr-spec/plural-rules)."""
    if language != "ar":
        return "one" if n == 1 or (n == 0 and language == "fr") else "other"
    if n in (1, 2):
        return ("one", "two")[n - 1]
    if 3 <= n % 100 <= 10:
        return "few"
    return "many" if n % 100 >= 11 else "other"


@lru_cache
def texts(language: str = "en") -> Texts:
    """The catalogue of a language. Raises FileNotFoundError if there is none."""
    source = files("metrica.dashboard.web").joinpath(f"texts_{language}.yaml")
    return Texts(language, yaml.safe_load(source.read_text(encoding="utf-8")))
