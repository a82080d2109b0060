"""Sentences that may leave the box: without addresses, which may hold a password, and without the names of users."""

from __future__ import annotations

import re

# All of it up to a blank: a password may hold any other sign. What ends the sentence, or quotes it, stays.
_ADDRESS = re.compile(r"\b[A-Za-z][A-Za-z0-9+.-]*://\S*?(?=[.,;:!?'\"»)]*(?:\s|$))")
_HOME = re.compile(r"/(?:home|Users)/[^/\s'\"]+|/root\b")
_LONGEST = 300


def cleaned(sentence: str) -> str:
    """Return the sentence on one line, with addresses and home folders replaced, 300 characters at most."""
    line = " ".join("".join(c if c.isprintable() else " " for c in sentence[: 8 * _LONGEST]).split())
    line = _HOME.sub("~", _ADDRESS.sub("(address)", line))
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"
