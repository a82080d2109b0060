"""Counting lines, and the signed distances of points from them.

The IN side of a line is on the right when you look from its first point to its last. In pixels y grows downwards, so
the right-hand normal of a direction (dx, dy) is (-dy, dx). Example: the line (600, 432) -> (600, 0) points up the
picture, its IN side is the right half of the picture, and a person who walks to the right comes in.
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
from metrica.nodes.geometry.segments import Point, segments_intersect, turns_back

Numbers = tuple[int, ...]
"""A line as it is written in a launch file: x1, y1, x2, y2, then x and y of each further point; pixels."""


@dataclass(frozen=True, slots=True, init=False)
class Line:
    """A named line through two or more points, pixels."""

    name: str
    """Name of the line, unique for its camera."""
    points: tuple[Point, ...]
    """Points in order from one end to the other, pixels."""

    def __init__(self, name: str, *points: Point) -> None:
        """Make a line through `points`.

        Raises ValueError if there are fewer than two, if one is not finite, if two in a row are equal, if both ends
        are the same, or if the line turns back over itself or crosses itself.
        """
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "points", points)
        self._check()

    @classmethod
    def of(cls, name: str, numbers: Sequence[float]) -> Self:
        """Make a line from flat numbers: x1, y1, x2, y2, and x and y of each further point.

        Raises ValueError if the count is odd or below 4, and for the same reasons as the constructor.
        """
        if len(numbers) < 4 or len(numbers) % 2:
            raise ValueError(
                f"line '{name}' has {len(numbers)} numbers: give x and y of two or more points, as [x1, y1, x2, y2]"
            )
        return cls(name, *zip(numbers[::2], numbers[1::2], strict=True))

    @property
    def start(self) -> Point:
        """First point."""
        return self.points[0]

    @property
    def end(self) -> Point:
        """Last point."""
        return self.points[-1]

    @property
    def numbers(self) -> tuple[float, ...]:
        """All points as flat numbers: x1, y1, x2, y2, ..."""
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
        segments = list(pairwise(points))
        for (x, y), after in segments:
            if (x, y) == after:
                raise ValueError(f"line '{name}' has the point ({x:g}, {y:g}) twice in a row: give it once")
        for (before, (x, y)), (_, after) in pairwise(segments):
            if turns_back(before, (x, y), after):
                raise ValueError(f"line '{name}' turns back over itself at ({x:g}, {y:g}): leave that point out")
        for i, first in enumerate(segments):
            for j, second in enumerate(segments[i + 2 :], i + 2):
                if segments_intersect(*first, *second):
                    raise ValueError(
                        f"line '{name}' crosses itself: its parts {i + 1} and {j + 1} meet. "
                        "Give the points in order from one end to the other"
                    )


class LineSet:
    """The lines of one camera, for computing the distances of N points from all L of them in one call.

    `lines[i]` is the `Polyline` of line i; `lines.names[i]` is its name.
    """

    def __init__(self, lines: Sequence[Line]) -> None:
        """Raises ValueError if two lines have the same name."""
        names = [line.name for line in lines]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"two lines are called '{name}': give each line its own name")
        self.names = tuple(names)
        """Names of the lines, in the order in which they were given."""
        self._polylines = [Polyline(line.points) for line in lines]
        self._bent = [(i, polyline) for i, polyline in enumerate(self._polylines) if len(lines[i].points) > 2]
        """Lines of more than two points, with their numbers; `distances` treats them one by one."""
        start: Float64 = np.array([line.points[0] for line in lines], np.float64).reshape(-1, 2)
        direction = np.array([line.points[1] for line in lines], np.float64).reshape(-1, 2) - start
        normal = np.stack((-direction[:, 1], direction[:, 0]), axis=1)
        normal /= np.hypot(direction[:, 0], direction[:, 1])[:, None]
        # A straight line as normal . p = offset (Hesse normal form); normal . p - offset is the signed distance of p.
        self._normal: Float64 = normal
        self._offset: Float64 = (start * normal).sum(axis=1)[:, None]
        self._offset_per_point = self._offset
        """`_offset` repeated for each point, [L, N]: subtracting arrays of one shape takes half the time."""

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, line: int) -> Polyline:
        return self._polylines[line]

    def distances(self, points: Float64) -> Float64:
        """Signed distances of points [2, N] from each line, [L, N] pixels, positive on the IN side.

        A line is extended straight beyond its ends, so every point is on one side of it or the other.
        """
        found: Float64 = np.dot(self._normal, points)
        if self._offset_per_point.shape != found.shape:
            self._offset_per_point = np.repeat(self._offset, points.shape[1], axis=1)
        found -= self._offset_per_point
        for i, polyline in self._bent:
            found[i] = polyline.distances(points)
        return found
