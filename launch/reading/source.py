"""The text of a launch file, and places in it that an error can point at."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from rich.cells import cell_len

from metrica.secrets import hide

# The line ends of YAML, so that our line numbers agree with PyYAML's.
_LINE_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
_UNPRINTABLE = dict.fromkeys((*range(9), *range(10, 32), *range(127, 160)), "�")
_PASSWORD_IN_URL = re.compile(r"(?<=://)(?P<user>[^:@/\s]*:)(?P<password>\S*)(?=@)")
# In a file that is not YAML nobody knows where a value ends: at the last '@' of the line, or with the line.
_PASSWORD_TO_THE_LAST_AT = re.compile(r"(?<=://)(?P<user>[^:@/\s]*:)(?P<password>.*)(?=@)")
_REST_BEHIND_SECRET_KEY = re.compile(
    r"(?i)(?P<user>[\w.-]*(?:passw|secret|token)[\w.-]*[\"']?\s*[:=]\s*)(?P<password>.+)"
)


@dataclass(eq=False)
class Source:
    """One text that was read: the launch file, or one `--set` argument.

    What is `hidden` in it (a secret) is printed as asterisks.
    """

    name: str
    """How errors call this source: the path of the launch file as it was given, or `--set`."""
    text: str
    """The whole text, as it was read."""
    argument: int = 0
    """The number of the `--set` argument, from 1; 0 for the launch file."""
    lines: list[str] = field(init=False)
    """The lines of the text, without line ends, split where YAML splits them."""
    is_broken: bool = False
    """Whether the text could not be read, so that it is not known which part of a line is a secret."""
    _hidden: list[Place] = field(default_factory=list["Place"])

    def __post_init__(self) -> None:
        self.lines = _LINE_BREAK.split(self.text)

    def hide(self, place: Place) -> None:
        """Print asterisks instead of the characters at this place."""
        self._hidden.append(place)

    def shown(self, line: int) -> str:
        """A line that is safe to print on a terminal: secrets and control characters replaced, columns unchanged."""
        shown = hide_passwords(hide(self.lines[line], keep_length=True))
        if self.is_broken:
            shown = _stars(_REST_BEHIND_SECRET_KEY, _stars(_PASSWORD_TO_THE_LAST_AT, shown))
        shown = shown.translate(_UNPRINTABLE)
        for place in self._hidden:
            start, end = place.columns_on(line)
            shown = shown[:start] + "*" * (end - start) + shown[end:]
        return shown


@dataclass(frozen=True, slots=True)
class Place:
    """A range of characters in a source, at which an error can point."""

    source: Source
    """The text that the place is in."""
    line: int = -1
    """Number of the first line, from 0; -1 means the source as a whole."""
    column: int = 0
    """Column of the first character, from 0, on `line`."""
    end_line: int = -1
    """Number of the last line, from 0."""
    end_column: int = 0
    """Column after the last character, from 0, on `end_line`."""

    def columns_on(self, line: int) -> tuple[int, int]:
        """The columns (start, end) of a line that this place covers; start and end are equal if it covers none."""
        if not self.line <= line <= self.end_line:
            return 0, 0
        length = len(self.source.lines[line])
        start = self.column if line == self.line else 0
        return start, self.end_column if line == self.end_line else length

    def describe(self) -> str:
        """`store.yaml:7:16`, as compilers write it."""
        if self.source.argument:
            return f"{self.source.name} {self.source.shown(0)}"
        if self.line < 0:
            return self.source.name
        return f"{self.source.name}:{self.line + 1}:{self.column + 1}"

    def excerpt(self, hint: str = "") -> list[str]:
        """The line, and below it a caret under each cell of the place; tabs and wide letters keep their width."""
        if not 0 <= self.line < len(self.source.lines):
            return [f"        {hint}"] if hint else []
        text = self.source.shown(self.line)
        start, end = self.columns_on(self.line)
        indent = "".join(c if c == "\t" else " " * cell_len(c) for c in text[:start])
        carets = "^" * max(1, cell_len(text[start:end].rstrip()))
        number = "      " if self.source.argument else f"{self.line + 1:5} "
        return [f"{number}| {text}", f"      | {indent}{carets} {hint}".rstrip()]


def hide_passwords(text: str) -> str:
    """The text with the password of any URL in it replaced by as many asterisks."""
    return _stars(_PASSWORD_IN_URL, text)


def _stars(pattern: re.Pattern[str], text: str) -> str:
    return pattern.sub(lambda m: m["user"] + "*" * len(m["password"]), text)
