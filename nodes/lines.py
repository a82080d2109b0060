"""Counting lines, and where points lie relative to them.

Looking from the first point of a line to the second, its right side is the IN side. Pixels: y grows downwards, so the
right of somebody who looks along (dx, dy) is (-dy, dx). The line (600, 432) -> (600, 0) looks up the picture;
its right is the right of the picture, and who walks to the right comes in.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from metrica.nodes.tracker import Float64

Point = tuple[float, float]

_AT_BORDER = 0.02
"""An end of a line nearer to the border of the picture than this part of the picture is meant to reach it."""


@dataclass(frozen=True, slots=True)
class Line:
    """A named line from `start` to `end`, pixels. Raises ValueError if that is no line."""

    name: str
    start: Point
    end: Point

    def __post_init__(self) -> None:
        if not all(math.isfinite(v) for v in (*self.start, *self.end)):
            raise ValueError(f"line '{self.name}' has a coordinate that is not a number")
        if self.start == self.end:
            x, y = self.start
            raise ValueError(
                f"line '{self.name}' starts and ends at the same point ({x:g}, {y:g}): give two different points"
            )


class Lines:
    """Several lines at once: the arithmetic of the counting rule, for N points and L lines."""

    def __init__(self, lines: Sequence[Line]) -> None:
        """Raises ValueError if two lines have one name."""
        names = [line.name for line in lines]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"two lines are called '{name}': give each line its own name")
        self.names = tuple(names)
        self._start: Float64 = np.array([line.start for line in lines], np.float64).reshape(-1, 2)
        way = np.array([line.end for line in lines], np.float64).reshape(-1, 2) - self._start
        length = np.hypot(way[:, 0], way[:, 1])
        self.right: Float64 = np.stack((-way[:, 1], way[:, 0]), axis=1) / length[:, None]
        """The direction of the IN side, [L, 2], of length 1."""
        self._way = way
        self._along: Float64 = way / length[:, None] ** 2
        self._across: Float64 = self.right.T.copy()
        self._offset: Float64 = (self._start * self.right).sum(axis=1)
        self._starts: list[list[float]] = self._start.tolist()
        self._steps: list[list[float]] = self._along.tolist()
        self._ends: Float64 = np.array([(line.start, line.end) for line in lines], np.float64).reshape(-1, 2, 2)
        self._room_at: tuple[int, int] | None = None

    def __len__(self) -> int:
        return len(self.names)

    def place(self, points: Float64) -> tuple[Float64, Float64]:
        """Of points [N, 2]: the distance to each line, [N, L] pixels, positive on the IN side; and how far along
        the line, [N, L], 0 at its start and 1 at its end.
        """
        offset = points[:, None, :] - self._start
        return (offset * self.right).sum(axis=2), (offset * self._along).sum(axis=2)

    def distances(self, points: Float64) -> Float64:
        """The distances alone, [N, L]."""
        return points @ self._across - self._offset

    def along(self, line: int, point: Point) -> float:
        """How far along one line a point is."""
        (x, y), (dx, dy) = self._starts[line], self._steps[line]
        return (point[0] - x) * dx + (point[1] - y) * dy

    def room_at(self, line: int, side: int, along: float, frame_size: tuple[int, int]) -> float:
        """`room` of one line, on its IN side (1) or its OUT side (-1)."""
        self._measure(frame_size)
        (base, slope), (other_base, other_slope) = self._sides[side][line]
        room = min(base + slope * along, other_base + other_slope * along)
        return room if room > 0 else math.inf

    def room(self, along: Float64, frame_size: tuple[int, int]) -> tuple[Float64, Float64]:
        """How far the picture goes on at right angles to the line, on the OUT side and on the IN side, pixels, [N, L].

        `along` as from `place`. Infinite where the line runs outside the picture.
        """
        self._measure(frame_size)
        return _nearest(along, self._out), _nearest(along, self._in)

    def reaches(self, line: int, along: float, frame_size: tuple[int, int]) -> bool:
        """Whether a line goes through a place `along` it: from 0 to 1, and on from an end at the picture's border.

        Who walks along the border has the feet outside the picture, beyond the end of every line that is drawn in it.
        """
        size = np.array(frame_size)
        margin = _AT_BORDER * size
        opens = ((self._ends[line] <= margin) | (self._ends[line] >= size - margin)).any(axis=1)
        return bool((along >= 0.0 or opens[0]) and (along <= 1.0 or opens[1]))

    def _measure(self, frame_size: tuple[int, int]) -> None:
        """Where the borders are, once for each size of the picture."""
        if self._room_at != frame_size:
            self._room_at = frame_size
            self._out, self._in = self._borders(-self.right, frame_size), self._borders(self.right, frame_size)
            self._sides: dict[int, list[list[list[float]]]] = {
                side: np.stack(borders, axis=2).tolist() for side, borders in ((-1, self._out), (1, self._in))
            }

    def _borders(self, normal: Float64, frame_size: tuple[int, int]) -> tuple[Float64, Float64]:
        """The distance to the two borders that lie ahead, as base [L, 2] + slope [L, 2] * along."""
        ahead = np.where(normal > 0, np.array(frame_size, np.float64), 0.0)
        with np.errstate(divide="ignore", invalid="ignore"):
            base = np.where(normal == 0, np.inf, (ahead - self._start) / normal)
            slope = np.where(normal == 0, 0.0, -self._way / normal)
        return base, slope


def _nearest(along: Float64, borders: tuple[Float64, Float64]) -> Float64:
    base, slope = borders
    room = np.minimum(base[:, 0] + slope[:, 0] * along, base[:, 1] + slope[:, 1] * along)
    return np.where(room > 0, room, np.inf)
