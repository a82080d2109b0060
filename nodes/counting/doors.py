"""Strict doors: two lines, an outer and an inner one, that must both be passed, in order, by one person.

Who only looks in, or walks along the door between the lines, is not counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from metrica.nodes.geometry.lines import Line
from metrica.nodes.geometry.polyline import Polyline


@dataclass(frozen=True, slots=True)
class Door:
    """A named door, of the lines with these names. IN passes the outer line first, OUT the inner one."""

    name: str
    outer: str
    inner: str


class Doors:
    """The doors of a camera. Tells of each line which door it is of, and the number of its two lines."""

    def __init__(self, doors: Sequence[Door], lines: Sequence[Line]) -> None:
        """Raises ValueError for a door that is none, or that has a line of another one."""
        self._of: dict[int, tuple[str, int, int]] = {}
        names = [line.name for line in lines]
        for door in doors:
            _check(door, doors, lines)
            outer, inner = names.index(door.outer), names.index(door.inner)
            for line in (outer, inner):
                if line in self._of:
                    raise ValueError(f"line '{names[line]}' is part of two doors: '{self._of[line][0]}', '{door.name}'")
                self._of[line] = (door.name, outer, inner)

    def of(self, line: int) -> tuple[str, int, int] | None:
        """The door that a line is part of: its name, its outer line and its inner one."""
        return self._of.get(line)


def _check(door: Door, doors: Sequence[Door], lines: Sequence[Line]) -> None:
    known = {line.name: line for line in lines}
    for name in (door.outer, door.inner):
        if name not in known:
            raise ValueError(
                f"door '{door.name}' names the line '{name}', which there is not: there are {', '.join(known)}"
            )
    if door.outer == door.inner:
        raise ValueError(f"door '{door.name}' has one line twice: give its outer line and its inner line")
    if door.name in known:
        raise ValueError(f"door '{door.name}' is called like a line: give it another name")
    if sum(other.name == door.name for other in doors) > 1:
        raise ValueError(f"two doors are called '{door.name}': give each its own name")
    outer, inner = known[door.outer], known[door.inner]
    inside = all(Polyline(outer.points).distance(point) > 0 for point in inner.points)
    outside = all(Polyline(inner.points).distance(point) < 0 for point in outer.points)
    if not (inside and outside):
        raise ValueError(
            f"door '{door.name}': its inner line '{inner.name}' does not lie on the IN side of its outer line "
            f"'{outer.name}'. Draw both in the same direction, so that who comes in passes the outer one first"
        )
