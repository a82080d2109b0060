"""The texts of the pages, from one YAML file per language."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any, Literal

import yaml

LANGUAGES = {"ar": "العربية", "fr": "Français", "en": "English"}
"""The languages of the pages: code and own name."""


@dataclass(frozen=True, slots=True)
class Texts:
    """The texts of one language, by key. An unknown key raises KeyError."""

    language: str
    """Its code, as in `LANGUAGES`."""
    _texts: dict[str, Any]

    def __call__(self, key: str, **values: object) -> str:
        """Return a text with its {placeholders} filled in."""
        text: str = self._texts[key]
        return text.format(**values)

    def many(self, key: str, n: int, **values: object) -> str:
        """Return a text in its plural form for `n`; the placeholder {n} is the number."""
        forms: dict[str, str] = self._texts[key]
        return forms[_plural_form(self.language, n)].format(n=self.number(n), **values)

    def number(self, n: int) -> str:
        """Return a number with the language's separator between the thousands."""
        return f"{n:,}".replace(",", self("thousands"))

    @property
    def direction(self) -> Literal["ltr", "rtl"]:
        """The direction of writing."""
        return "rtl" if self.language == "ar" else "ltr"

    def item(self, key: str, index: int) -> str:
        """Return one item of a list of texts, such as the name of a weekday."""
        listed: list[str] = self._texts[key]
        return listed[index]

    def keys(self) -> set[str]:
        """Return every key of the file."""
        return set(self._texts)


def _plural_form(language: str, n: int) -> str:
    """Return the plural form of a noun after a number (https://cldr.unicode.org/index/cldr-spec/plural-rules)."""
    if language != "ar":
        return "one" if n == 1 or (n == 0 and language == "fr") else "other"
    if n in (1, 2):
        return ("one", "two")[n - 1]
    if 3 <= n % 100 <= 10:
        return "few"
    return "many" if n % 100 >= 11 else "other"


@lru_cache
def texts(language: str = "en", catalogue: Literal["texts", "alerts"] = "texts") -> Texts:
    """Read the texts of a language: those of the pages, or those of alerts. Raises FileNotFoundError."""
    source = files("metrica.dashboard.texts").joinpath(f"{catalogue}_{language}.yaml")
    return Texts(language, yaml.safe_load(source.read_text(encoding="utf-8")))
