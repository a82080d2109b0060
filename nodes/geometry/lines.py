"""Counting lines, and where points lie relative to them.

Looking along a line from its first point to its last, its right side is the IN side. Pixels: y grows downwards, so the
right of somebody who looks along (dx, dy) is (-dy, dx). The line (600, 432) -> (600, 0) looks up the picture;
its right is the right of the picture, and who walks to the right comes in.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Self

import numpy as np

from metrica.nodes.geometry.arrays import Float64
from metrica.nodes.geometry.polyline import Polyline
from metrica.nodes.geometry.segments import Point, folds, meet

Numbers = tuple[int, ...]
"""A line as it is written: x1, y1, x2, y2, and x and y of each further point, pixels."""


@dataclass(frozen=True, slots=True, init=False)
class Line:
    """A named line through two or more points, pixels."""

    name: str
    points: tuple[Point, ...]

    def __init__(self, name: str, *points: Point) -> None:
        """Raises ValueError if that is no line."""
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "points", points)
        self._check()

    @classmethod
    def of(cls, name: str, numbers: Sequence[float]) -> Self:
        """From x1, y1, x2, y2 and as many more points as there are. Raises ValueError if that is no line."""
        if len(numbers) < 4 or len(numbers) % 2:
            raise ValueError(
                f"line '{name}' has {len(numbers)} numbers: give x and y of two or more points, as [x1, y1, x2, y2]"
            )
        return cls(name, *zip(numbers[::2], numbers[1::2], strict=True))

    @property
    def start(self) -> Point:
        return self.points[0]

    @property
    def end(self) -> Point:
        return self.points[-1]

    @property
    def numbers(self) -> tuple[float, ...]:
        """x1, y1, x2, y2, …"""
        return tuple(v for point in self.points for v in point)

    def _check(self) -> None:
        name, points = self.name, self.points
        if len(points) < 2:
            raise ValueError(f"line '{name}' has {len(points)} points: a line needs at least two")
        if not all(math.isfinite(v) for v in self.numbers):
            raise ValueError(f"line '{name}' has a coordinate that is not a number")
        if self.start == self.end:
            x, y = self.start
            raise ValueError(
                f"line '{name}' starts and ends at the same point ({x:g}, {y:g}): give two different points"
            )
        parts = list(pairwise(points))
        for (x, y), after in parts:
            if (x, y) == after:
                raise ValueError(f"line '{name}' has the point ({x:g}, {y:g}) twice in a row: give it once")
        for (before, (x, y)), (_, after) in pairwise(parts):
            if folds(before, (x, y), after):
                raise ValueError(f"line '{name}' turns back over itself at ({x:g}, {y:g}): leave that point out")
        for i, first in enumerate(parts):
            for j, second in enumerate(parts[i + 2 :], i + 2):
                if meet(*first, *second):
                    raise ValueError(
                        f"line '{name}' crosses itself: its parts {i + 1} and {j + 1} meet. "
                        "Give the points in order from one end to the other"
                    )


class LineSet:
    """Several lines at once, for N points and L lines; each of them alone is `lines[i]`."""

    def __init__(self, lines: Sequence[Line]) -> None:
        """Raises ValueError if two lines have one name."""
        names = [line.name for line in lines]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"two lines are called '{name}': give each line its own name")
        self.names = tuple(names)
        self._polylines = [Polyline(line.points) for line in lines]
        self._bent = [(i, polyline) for i, polyline in enumerate(self._polylines) if len(lines[i].points) > 2]
        start: Float64 = np.array([line.points[0] for line in lines], np.float64).reshape(-1, 2)
        way = np.array([line.points[1] for line in lines], np.float64).reshape(-1, 2) - start
        right = np.stack((-way[:, 1], way[:, 0]), axis=1) / np.hypot(way[:, 0], way[:, 1])[:, None]
        self._across: Float64 = right
        self._offset: Float64 = (start * right).sum(axis=1)[:, None]
        self._offsets = self._offset
        """The same for each point: two arrays of one shape cost half of what two shapes do."""

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, line: int) -> Polyline:
        return self._polylines[line]

    def distances(self, points: Float64) -> Float64:
        """Of points [2, N] the distance to each line, [L, N] pixels, positive on the IN side.

        A line goes on straight beyond its ends here: everybody is on one side of it or the other.
        """
        found: Float64 = np.dot(self._across, points)
        if self._offsets.shape != found.shape:
            self._offsets = np.repeat(self._offset, points.shape[1], axis=1)
        found -= self._offsets
        for i, polyline in self._bent:
            found[i] = polyline.distances(points)
        return found
