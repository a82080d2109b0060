"""Text fields of messages that leave the box: long enough for a name, too short for a picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

MAX_TEXT = 200
"""The most characters in a text field: too few for a picture, a template of a face, or a page of text."""


@dataclass(frozen=True, slots=True)
class TextSpec:
    """The greatest length that a text field declares."""

    length: int
    """The most characters in the text."""

    def fits(self, value: Any) -> bool:
        """Whether a value is a text of at most this length."""
        return isinstance(value, str) and len(value) <= self.length

    def __str__(self) -> str:
        return f"a text of {self.length} characters at most"


ShortText = Annotated[str, TextSpec(MAX_TEXT)]
"""A name or an id, of 200 characters at most."""
