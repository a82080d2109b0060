"""Lines as they are written on a command line."""

from __future__ import annotations

import re
from collections.abc import Sequence

import cv2

from metrica.errors import ParameterError
from metrica.topics import check_name

Ends = tuple[int, int, int, int]
_NUMBER = r"\s*([-+]?\d+)\s*"
_LINE = re.compile(rf"(?:([^=]*)=)?{_NUMBER},{_NUMBER},{_NUMBER},{_NUMBER}")


def read_lines(texts: Sequence[str]) -> dict[str, Ends]:
    """Lines by name, from `x1,y1,x2,y2` or `NAME=x1,y1,x2,y2`; the first without a name is `main`, others line2, …

    Raises ParameterError for a text that is no line, and a name given twice.
    """
    lines: dict[str, Ends] = {}
    for number, text in enumerate(texts, 1):
        found = _LINE.fullmatch(text.strip())
        if not found:
            raise ParameterError(
                "line", f"'{text}' is not a line: write its two points in pixels as x1,y1,x2,y2, such as 600,432,600,0"
            )
        name = (found[1] or "").strip() or ("main" if number == 1 else f"line{number}")
        check_name(name, "name for a line")
        if name in lines:
            raise ParameterError("line", f"two lines are called '{name}': give each its own, as NAME=x1,y1,x2,y2")
        lines[name] = (int(found[2]), int(found[3]), int(found[4]), int(found[5]))
    return lines


def outside(lines: dict[str, Ends], width: int, height: int) -> list[str]:
    """The names of the lines of which no part lies in a picture of this size, pixels."""
    return [
        name
        for name, (x1, y1, x2, y2) in lines.items()
        if not cv2.clipLine((0, 0, width, height), (x1, y1), (x2, y2))[0]
    ]
