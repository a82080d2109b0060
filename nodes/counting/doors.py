"""Strict doors: one person must cross two lines, an outer and an inner one, in order.

A person who only looks in, or who walks along the door between the lines, is not counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from metrica.nodes.geometry.lines import Line
from metrica.nodes.geometry.polyline import Polyline


@dataclass(frozen=True, slots=True)
class Door:
    """A named door. IN crosses its outer line first, OUT its inner line."""

    name: str
    """The name that its passages get."""
    outer: str
    """The name of the outer line."""
    inner: str
    """The name of the inner line."""


class DoorLines(NamedTuple):
    """A door with the numbers of its lines instead of their names."""

    name: str
    """The name of the door."""
    outer: int
    """The number of the outer line."""
    inner: int
    """The number of the inner line."""


class Doors:
    """The doors of one camera, to be found by the number of one of their lines."""

    def __init__(self, doors: Sequence[Door], lines: Sequence[Line]) -> None:
        """Raises ValueError if a door is not valid, or if two doors have a line in common."""
        self._by_line: dict[int, DoorLines] = {}
        names = [line.name for line in lines]
        for door in doors:
            _check(door, doors, lines)
            outer, inner = names.index(door.outer), names.index(door.inner)
            for line in (outer, inner):
                if other := self._by_line.get(line):
                    raise ValueError(f"line '{names[line]}' is part of two doors: '{other.name}', '{door.name}'")
                self._by_line[line] = DoorLines(door.name, outer, inner)

    def door_of(self, line: int) -> DoorLines | None:
        """The door that a line is part of; None if there is none."""
        return self._by_line.get(line)


def _check(door: Door, doors: Sequence[Door], lines: Sequence[Line]) -> None:
    """Raises ValueError if a door does not consist of two lines, the inner one on the IN side of the outer one."""
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
