"""Text fields of what leaves the box: short, so that they can name something but hold nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

MAX_TEXT = 200
"""Characters in a name at most: too few for a picture, a template of a face, or a page of text."""


@dataclass(frozen=True, slots=True)
class TextSpec:
    """What a short text field must be."""

    length: int

    def fits(self, value: Any) -> bool:
        return isinstance(value, str) and len(value) <= self.length

    def __str__(self) -> str:
        return f"a text of {self.length} characters at most"


ShortText = Annotated[str, TextSpec(MAX_TEXT)]
"""A name or an id, of 200 characters at most."""
