"""Read lines from the command line."""

from __future__ import annotations

import re
from collections.abc import Sequence

from metrica.errors import ParameterError
from metrica.nodes.geometry.lines import Numbers
from metrica.nodes.geometry.visible import visible_share_of_line
from metrica.topics import check_name

_NUMBER = r"\s*[-+]?\d+\s*"
_LINE = re.compile(rf"(?:([^=]*)=)?({_NUMBER},{_NUMBER}(?:,{_NUMBER},{_NUMBER})+)")


def read_lines(texts: Sequence[str]) -> dict[str, Numbers]:
    """Read lines by name from texts: `x1,y1,x2,y2` or `NAME=x1,y1,x2,y2`, with two or more points.

    If a text has no name, its line is `main` if it is the first text, `line2` if it is the second, and so on.
    Raises ParameterError for a text that is no line, and a name given twice.
    """
    lines: dict[str, Numbers] = {}
    for number, text in enumerate(texts, 1):
        found = _LINE.fullmatch(text.strip())
        if not found:
            raise ParameterError(
                "line",
                f"'{text}' is not a line: write its two points in pixels as x1,y1,x2,y2, such as 600,432,600,0 "
                "(with x and y of each further point if it bends)",
            )
        name = (found[1] or "").strip() or ("main" if number == 1 else f"line{number}")
        check_name(name, "name for a line")
        if name in lines:
            raise ParameterError("line", f"two lines are called '{name}': give each its own, as NAME=x1,y1,x2,y2")
        lines[name] = tuple(int(number) for number in found[2].split(","))
    return lines


def outside(lines: dict[str, Numbers], width: int, height: int) -> list[str]:
    """The names of the lines that lie completely outside a picture of this size, pixels."""

    def share(numbers: Numbers) -> float:
        return visible_share_of_line(list(zip(numbers[::2], numbers[1::2], strict=True)), (width, height))

    return [name for name, numbers in lines.items() if not share(numbers)]
