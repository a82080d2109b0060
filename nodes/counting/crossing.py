"""When does a track cross a line? The rule, without sockets and without a clock.

What every part of it is for, and the picture of a line and its band, is in docs/counting.md.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from metrica.messages import Direction
from metrica.nodes.counting.band import CrossingSettings
from metrica.nodes.counting.doors import Door, Doors
from metrica.nodes.counting.handover import hand_over_to_born, hand_over_to_double
from metrica.nodes.counting.observations import Motion, Sights
from metrica.nodes.counting.occlusion import LONGEST, Companions
from metrica.nodes.counting.track_table import TrackTable
from metrica.nodes.geometry.anchors import BELOW_CENTRE, anchors, cut_sides, remember_size
from metrica.nodes.geometry.arrays import Bool, Float32, Float64, Int32, Int64
from metrica.nodes.geometry.lines import Line, LineSet

__all__ = ["CrossingSettings", "LineCrossingRule", "Passage"]

_STRAIGHT_THROUGH = 3.0
"""Seconds in which somebody first seen inside the band must have left it, to have come from the other side."""
_WALKING = 0.15
"""Box heights per second across the line that are walking, not swaying (people walk at 0.5 to 1)."""
_STARTS_BEFORE = 0.25
"""Half bands before the line at which somebody must have been first seen."""
_GOES_ON = 0.5
"""Seconds for which a track that vanished is thought to have gone on."""
_NOTHING: Float64 = np.array(0.0)
_ENDLESS: Float64 = np.array(np.inf)


@dataclass(frozen=True, slots=True)
class Passage:
    """One track crossed one line once."""

    line: str
    """The line's name, or the door's."""
    direction: Direction
    track: int
    time_ns: int
    """When the line was passed: on the scale of the times given to `update`, nanoseconds."""


class LineCrossingRule:
    """Counts the tracks of one camera over any number of lines.

    Give it every frame's tracks in order of time. A crossing is reported once the track is surely on the other side,
    with the time at which it passed the line.
    """

    def __init__(
        self, lines: Sequence[Line], settings: CrossingSettings | None = None, doors: Sequence[Door] = ()
    ) -> None:
        """A line that is part of a door does not count by itself. Raises ValueError if two lines have one name, and
        for a door that is none."""
        self._lines = LineSet(lines)
        self._doors = Doors(doors, lines)
        self._settings = settings or CrossingSettings()
        self._table = TrackTable(len(self._lines))
        self._companions = Companions()
        self._epoch: int | None = None
        self._start_ns = 0
        self._now = 0.0
        self._due = math.inf
        """When something is to be decided next of the tracks that are lost."""
        self._frame_size = (0, 0)
        self._found: list[Passage] = []

    @property
    def remembered(self) -> int:
        """How many tracks it knows at the moment."""
        return len(self._table)

    @property
    def capacity(self) -> int:
        """How many tracks it has memory for; it grows with the tracks known at one time, not with their number."""
        return self._table.capacity

    def update(
        self,
        time_ns: int,
        epoch: int,
        boxes: Float32,
        ids: Int64,
        ages: Int32,
        frame_size: tuple[int, int],
    ) -> list[Passage]:
        """The crossings that became sure with this frame, in the order in which the lines were passed.

        time_ns: when the frame was taken. epoch: a new value means that the tracker started anew, so that its ids
        mean other people; the same holds when time runs backwards, or after a pause longer than a lost track is
        remembered. boxes [N, 4], ids [N], ages [N] as in Tracks.
        """
        now = (time_ns - self._start_ns) / 1e9
        if epoch != self._epoch or not 0 <= now - self._now <= self._settings.longest:
            self._end_all()
            self._epoch, self._start_ns, now = epoch, time_ns, 0.0
        self._now, self._frame_size = now, frame_size
        corners = np.array(boxes.T, np.float64, order="C")
        seen = corners[2:] - corners[:2]
        usable = np.count_nonzero((seen > _NOTHING) & (seen < _ENDLESS)) == seen.size
        born, gone = list[int](), set[int]()
        if not usable or not self._table.is_as_before(ids):
            good = _good(corners, seen, ids)
            corners, seen, ids, ages = corners[:, good], seen[:, good], ids[good], ages[good]
            born, gone = self._table.see(ids)
            last = self._table.columns.last
            self._due = min([self._due, *(last[row] + self._settings.handover for row in gone)])
        if len(ids):
            self._see(born, gone, corners, seen, ages)
        if gone:
            self._companions.lose(self._table, gone, now)
        if now > self._due:
            self._end_lost()
        return self._take() if self._found else []

    def flush(self) -> list[Passage]:
        """The crossings that are still open at the end of a recording; everything is forgotten."""
        self._end_all()
        self._epoch = None
        return self._take()

    def _take(self) -> list[Passage]:
        found, self._found = sorted(self._found, key=lambda p: p.time_ns), []
        return found

    def _see(self, born: list[int], gone: set[int], corners: Float64, seen: Float64, ages: Int32) -> None:
        table, below = self._table, BELOW_CENTRE[self._settings.anchor]
        cut = cut_sides(corners, self._frame_size)
        if born and table.lost:
            at = anchors(corners[:, born], seen[:, born], None if cut is None else cut[:, born], below)
            rows, places, heights = table.visible[born], at.T, seen[1, born]
            hand_over_to_born(table, rows, places, heights, self._now, self._settings.handover)
            self._companions.find(table, self._lines, rows, places, heights, self._now)
        sights = table.sights(self._now)
        sights.ages = ages
        size = remember_size(sights.size, seen, cut, sights.seconds)
        if sights.fresh is not None:
            size = np.where(sights.fresh, seen, size)
        table.move(sights, self._now, anchors(corners, size, cut, below), size)
        self._take_sides(sights)
        if gone:
            table.store()
            hand_over_to_double(table, self._lines, gone, self._now)

    def _take_sides(self, sights: Sights) -> None:
        """Where are the tracks now, and who has surely changed sides?

        In nearly every frame nearly everybody is on their own side of every line, and needs no more than two
        products; only the others are looked at one by one.
        """
        before, now = sights.distance, self._lines.distances(sights.point)
        sights.distance = now
        elsewhere = now * sights.side <= _NOTHING
        if not np.count_nonzero(elsewhere):
            return
        lines, people = elsewhere.nonzero()
        for line, i in zip(lines.tolist(), people.tolist(), strict=True):
            off = now.item(line, i)
            side = 1 if off >= 0 else -1
            if side != sights.side.item(line, i):
                known = sights.of(i)
                if known.samples < 2:
                    last = off  # seen for the first time: nothing has been passed
                elif before is None:
                    last = self._lines[line].distance(sights.point_before(i))
                else:
                    last = before.item(line, i)
                self._look_at(sights, i, line, side, known, last, off)

    def _look_at(self, sights: Sights, i: int, line: int, side: int, known: Motion, before: float, now: float) -> None:
        """Somebody who was `before` off a line is `now` off it, on a side that is not known to be theirs."""
        c, s, row, polyline = self._table.columns, self._settings, sights.rows.item(i), self._lines[line]
        passed = (before >= 0) != (now >= 0)
        if passed:
            part, along = polyline.intersection(sights.point_before(i), before, known.point, now)
            c.passed[row, line] = self._now - (1 - part) * sights.ago(i)
            c.passed_at[row, line] = along
        off, half_band = abs(now), s.half_band(known, polyline.nearest_point(known.point), side, self._frame_size)
        if off <= half_band:
            return
        if passed or c.beyond_at.item(row, line) != known.samples - 1:
            beyond, since = 1, self._now
        else:
            beyond, since = c.beyond.item(row, line) + 1, c.beyond_since.item(row, line)
        c.beyond[row, line], c.beyond_since[row, line], c.beyond_at[row, line] = beyond, since, known.samples
        settled = self._now - since >= s.settle or not c.side.item(row, line)
        if off > s.far * half_band or (settled and beyond >= s.sights):
            self._change_side(row, line, side, known, int(sights.ages[i]))

    def _change_side(self, row: int, line: int, side: int, known: Motion, age: int) -> None:
        c = self._table.columns
        if (c.side[row, line] or self._origin(known, line, side)) == -side:
            if age + c.head_start[row] < self._settings.min_age:
                return  # not old enough yet; it will still be over there in the next frame
            self._report(row, line, side)
        self._table.set_side(row, line, side)

    def _origin(self, known: Motion, line: int, side: int) -> int:
        """The side that a track came from that has none yet: first seen so near the line that it never had one.

        Known only of somebody who walks straight through. Who has been standing on the line came from either side.
        """
        polyline, elapsed = self._lines[line], known.last - known.first
        first, now = polyline.distance(known.first_point) * side, polyline.distance(known.point) * side
        if elapsed <= 0 or elapsed > _STRAIGHT_THROUGH or now - first < _WALKING * known.height * elapsed:
            return 0
        return -side if first <= -_STARTS_BEFORE * self._settings.band * known.height else 0

    def _report(self, row: int, line: int, side: int) -> None:
        """Count a crossing if it went through the line itself, not past its ends."""
        c = self._table.columns
        if not self._lines[line].extends_to(float(c.passed_at[row, line]), self._frame_size):
            c.counted[row, line] = 0
            return
        name = self._lines.names[line]
        if door := self._doors.of(line):
            name, outer, inner = door
            c.counted[row, line] = side
            first, line = (outer, inner) if side > 0 else (inner, outer)
            took = c.passed[row, line] - c.passed[row, first]
            if c.counted[row, first] != side or c.counted[row, line] != side:
                return
            if not 0 <= took <= self._settings.door_time:
                return
            c.counted[row, [outer, inner]] = 0
        direction: Direction = "in" if side > 0 else "out"
        when = self._start_ns + round(float(c.passed[row, line]) * 1e9)
        self._found.append(Passage(name, direction, self._table.id_of(row), when))

    def _end_lost(self) -> None:
        """Decide what is open of the tracks that were lost long enough ago, and forget those lost too long ago."""
        table, s = self._table, self._settings
        c = table.columns
        for row in [r for r in table.lost if not c.ended[r] and self._now - c.last[r] > s.handover]:
            self._end(row)
        behind = max(s.longest, LONGEST)
        until = {row: c.last[row] + (behind if row in self._companions else s.longest) for row in table.lost}
        over = [row for row, end in until.items() if self._now > end]
        for row in over:
            self._companions.discard(row)
        table.forget(over)
        self._due = min(
            (until[row] if c.ended[row] else c.last[row] + s.handover for row in table.lost), default=math.inf
        )

    def _end_all(self) -> None:
        """Decide what is open, and forget everybody."""
        for row in self._table.lost:
            if not self._table.columns.ended[row]:
                self._end(row)
        self._table.clear()
        self._companions.clear()
        self._due = math.inf

    def _end(self, row: int) -> None:
        """The track is gone for good. Who was past the line already and walking on has crossed it."""
        c, s = self._table.columns, self._settings
        c.ended[row] = True
        if c.taken_over[row] or c.age[row] + c.head_start[row] < s.min_age:
            return
        known = c.of(row)
        for line in range(len(self._lines)):
            polyline = self._lines[line]
            distance = polyline.distance(known.point)
            side = 1 if distance >= 0 else -1
            if (c.side[row, line] or self._origin(known, line, side)) != -side:
                continue
            nearest = polyline.nearest_point(known.point)
            speed = nearest.speed_across((known.speed_x, known.speed_y)) * side
            half_band = s.half_band(known, nearest, side, self._frame_size)
            if speed > _WALKING * known.height and abs(distance) + _GOES_ON * speed > half_band:
                self._report(row, line, side)
                c.side[row, line] = side


def _good(corners: Float64, seen: Float64, ids: Int64) -> Bool:
    """Which boxes have an area and finite numbers; and an id names one person: the first that has it counts, [N]."""
    listed = ids.tolist()
    good = np.isfinite(corners).all(axis=0) & (seen > 0).all(axis=0)
    if len(set(listed)) < len(listed):
        good &= np.array([i not in listed[:n] for n, i in enumerate(listed)])
    return np.asarray(good)
