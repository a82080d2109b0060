"""What the box has counted on one business day: in and out for the store, each camera and each line. No clock, no file.

"Inside" is a clamp, and not the estimate of the dashboard (docs/kpis.md): the crossings of the day in order of time,
plus one for IN, minus one for OUT, and never below zero. A missed OUT stays in it until the next business day.
"""

from __future__ import annotations

from bisect import insort
from dataclasses import dataclass

from metrica.messages.crossing import Direction
from metrica.nodes.mqtt.store_day import StoreDay


@dataclass(slots=True)
class Total:
    """How often people crossed inwards and outwards."""

    entered: int = 0
    left: int = 0

    def add(self, direction: Direction) -> None:
        """Count one crossing."""
        if direction == "in":
            self.entered += 1
        else:
            self.left += 1


class DayTotals:
    """The totals of one business day.

    Args:
        day: The day. Crossings of other days are not counted.
    """

    def __init__(self, day: StoreDay) -> None:
        self.day = day
        self.store = Total()
        """Of all lines of the store."""
        self.cameras: dict[str, Total] = {}
        """By camera."""
        self.lines: dict[tuple[str, str], Total] = {}
        """By camera and line."""
        self._crossings: list[tuple[int, int]] = []
        self._inside = 0
        self._replayed = True

    def add(self, time: int, camera: str, line: str, direction: Direction) -> bool:
        """Count a crossing, in any order. Returns whether it belongs to the day. time: ns UTC."""
        if time not in self.day:
            return False
        for total in (
            self.store,
            self.cameras.setdefault(camera, Total()),
            self.lines.setdefault((camera, line), Total()),
        ):
            total.add(direction)
        step = (time, 1 if direction == "in" else -1)
        if self._replayed and (not self._crossings or self._crossings[-1][0] <= time):
            self._crossings.append(step)
            self._inside = max(0, self._inside + step[1])
        else:
            insort(self._crossings, step, key=lambda known: known[0])
            self._replayed = False
        return True

    @property
    def inside(self) -> int:
        """People inside after all crossings so far."""
        if not self._replayed:
            self._inside = 0
            for _, sign in self._crossings:
                self._inside = max(0, self._inside + sign)
            self._replayed = True
        return self._inside
