"""What the counting rule finds, and the last test before a change of sides is counted: line ends and doors."""

from __future__ import annotations

from dataclasses import dataclass

from metrica.messages import Direction
from metrica.nodes.counting.band import CrossingSettings
from metrica.nodes.counting.doors import Doors
from metrica.nodes.counting.track_table import TrackTable
from metrica.nodes.geometry.lines import LineSet


@dataclass(frozen=True, slots=True)
class Passage:
    """One track crossed one line, or one door, once: the result of the counting rule.

    The node `line_counter` makes the message `Crossing` of it. The rule is pure and cannot: a message also needs a
    header, a camera, an id that is unique for ever, and a time on the calendar.
    """

    line: str
    """The name of the line, or of the door."""
    direction: Direction
    """Whether the track went in or out."""
    track: int
    """The temporary id of the track."""
    time_ns: int
    """When the line was passed, nanoseconds, on the time scale of `LineCrossingRule.update`."""


class PassageLog:
    """Turns changes of sides into passages, and keeps these until they are taken."""

    def __init__(self, lines: LineSet, doors: Doors, settings: CrossingSettings, table: TrackTable) -> None:
        self.start_ns = 0
        """When the time of the track table is 0, nanoseconds."""
        self._lines = lines
        self._doors = doors
        self._settings = settings
        self._table = table
        self._found: list[Passage] = []

    def __len__(self) -> int:
        """How many passages have not been taken yet."""
        return len(self._found)

    def take(self) -> list[Passage]:
        """The passages since the last call, in the order of their times."""
        found, self._found = sorted(self._found, key=lambda p: p.time_ns), []
        return found

    def add(self, row: int, line: int, side: int, frame_size: tuple[int, int]) -> None:
        """Count that a track has gone to this side (1 or -1) of a line.

        Nothing is counted if it went past an end of the line, nor at a line of a door until the other line of the door
        has been crossed before it, in the same direction and within `door_time`.
        """
        columns = self._table.columns
        if not self._lines[line].extends_to(float(columns.passed_along[row, line]), frame_size):
            columns.door_crossed[row, line] = 0
            return
        name = self._lines.names[line]
        if door := self._doors.door_of(line):
            name = door.name
            columns.door_crossed[row, line] = side
            first, line = (door.outer, door.inner) if side > 0 else (door.inner, door.outer)
            if columns.door_crossed[row, first] != side or columns.door_crossed[row, line] != side:
                return
            duration = columns.passed_time[row, line] - columns.passed_time[row, first]
            if not 0 <= duration <= self._settings.door_time:
                return
            columns.door_crossed[row, [door.outer, door.inner]] = 0
        direction: Direction = "in" if side > 0 else "out"
        time_ns = self.start_ns + round(float(columns.passed_time[row, line]) * 1e9)
        self._found.append(Passage(name, direction, self._table.id_of(row), time_ns))
