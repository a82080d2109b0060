"""When does a track cross a line? The rule, without sockets and without a clock.

What every part of it is for, and the picture of a line and its band, is in docs/counting.md.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from metrica.messages import Direction
from metrica.nodes.association import Index
from metrica.nodes.crossing_handover import hand_over_to_born, hand_over_to_double
from metrica.nodes.crossing_tracks import Sights, TrackTable
from metrica.nodes.geometry import BELOW_CENTRE, Anchor, anchors, cut_sides, remember_size
from metrica.nodes.lines import Line, Lines
from metrica.nodes.segments import Point
from metrica.nodes.tracker import Bool, Float32, Float64, Int32, Int64

_TALLEST = 0.5
"""Of the height of the picture: somebody taller (right before the camera) counts as this tall for the band."""
_FINEST = 0.01
"""Of the width of the picture: half the band is never less. A detector sees the picture shrunk to some hundred pixels,
and this is a few of those, by which the box of somebody far away may be off for long."""
_NARROWEST = 0.15
"""The band next to the border of the picture is at least this part of what it would be elsewhere."""
_STRAIGHT_THROUGH = 3.0
"""Seconds in which somebody first seen inside the band must have left it, to have come from the other side."""
_WALKING = 0.15
"""Box heights per second across the line that are walking, not swaying (people walk at 0.5 to 1)."""
_STARTS_BEFORE = 0.25
"""Half bands before the line at which somebody must have been first seen."""
_GOES_ON = 0.5
"""Seconds for which a track that vanished is thought to have gone on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CrossingSettings:
    """Lengths in heights of the person's box, times in seconds."""

    anchor: Anchor = "bottom_center"
    min_age: int = 2
    """Frames; a younger track does not count yet."""
    band: float = 0.1
    """Half the width of the band around a line in which nobody has a side."""
    jitters: float = 3.0
    """The band is also at least so many standard deviations of the track's own noise wide, on each side."""
    widest: float = 0.35
    """But half of it is never more than this."""
    sights: int = 2
    """So many sights in a row beyond the band confirm a side;"""
    far: float = 2.0
    """one is enough beyond so many half bands (people jump far at 2 frames/s)."""
    handover: float = 1.5
    """How long after a track was lost another one may go on for it."""
    lifetime: float = 3.0
    """How long a lost track is remembered, should its id come back."""


@dataclass(frozen=True, slots=True)
class Passage:
    """One track crossed one line once."""

    line: str
    direction: Direction
    track: int
    time_ns: int
    """When the line was passed: on the scale of the times given to `update`, nanoseconds."""


class LineCrossingRule:
    """Counts the tracks of one camera over any number of lines.

    Give it every frame's tracks in order of time. A crossing is reported once the track is surely on the other side,
    with the time at which it passed the line.
    """

    def __init__(self, lines: Sequence[Line], settings: CrossingSettings | None = None) -> None:
        """Raises ValueError if two lines have one name."""
        self._lines = Lines(lines)
        self._settings = settings or CrossingSettings()
        self._table = TrackTable(len(self._lines))
        self._epoch: int | None = None
        self._start_ns = 0
        self._now = 0.0
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
        longest = max(self._settings.lifetime, self._settings.handover)
        if epoch != self._epoch or not 0 <= now - self._now <= longest:
            self._end_all()
            self._table.clear()
            self._epoch, self._start_ns, now = epoch, time_ns, 0.0
        self._now, self._frame_size = now, frame_size
        corners = boxes.astype(np.float64)
        listed = ids.tolist()
        fine = np.isfinite(corners).all() and (corners[:, 2:] > corners[:, :2]).all()
        if not fine or len(set(listed)) < len(listed):
            good = np.isfinite(corners).all(axis=1) & (corners[:, 2:] > corners[:, :2]).all(axis=1)
            # An id names one person: the first row that has it counts.
            good &= np.array([i not in listed[:n] for n, i in enumerate(listed)])
            corners, ids, ages = corners[good], ids[good], ages[good]
        rows, born, gone = self._table.see(ids)
        if len(ids):
            self._see(rows, born, gone, corners, ages, frame_size)
        self._end_lost()
        return self._take()

    def flush(self) -> list[Passage]:
        """The crossings that are still open at the end of a recording; everything is forgotten."""
        self._end_all()
        self._table.clear()
        self._epoch = None
        return self._take()

    def _take(self) -> list[Passage]:
        found, self._found = sorted(self._found, key=lambda p: p.time_ns), []
        return found

    def _see(
        self,
        rows: Index,
        born: list[int],
        gone: set[int],
        corners: Float64,
        ages: Int32,
        frame_size: tuple[int, int],
    ) -> None:
        table, below = self._table, BELOW_CENTRE[self._settings.anchor]
        cut = cut_sides(corners, frame_size)
        if born and table.lost:
            size = corners[born, 2:] - corners[born, :2]
            at = anchors(corners[born], size, cut[born], below)
            hand_over_to_born(table, rows[born], at, size[:, 1], self._now, self._settings.handover)
        sights = table.before(rows)
        seconds = self._now - sights.last
        size = remember_size(
            sights.size, corners, cut, np.where(sights.fresh, 0.0, seconds) if sights.young else seconds
        )
        point = anchors(corners, size, cut, below)
        table.move(sights, self._now, point, size)
        table.columns.age[rows] = ages
        self._take_sides(sights, point, frame_size)
        if gone:
            hand_over_to_double(table, self._lines, gone, self._now)

    def _take_sides(self, sights: Sights, point: Float64, frame_size: tuple[int, int]) -> None:
        """Where are the tracks now, and who has surely changed sides?

        In nearly every frame nearly everybody is where they were, so that only the few who are not are looked at one
        by one.
        """
        c, s, rows = self._table.columns, self._settings, sights.rows
        distance, previous = self._lines.distances(point), c.distance[rows]
        right = distance >= 0
        passed = (previous >= 0) != right
        if sights.young:
            passed[sights.fresh] = False
            c.first_distance[rows[sights.fresh]] = distance[sights.fresh]
        for i, line in _pairs(passed):
            self._pass_line(sights, i, line, float(previous[i, line]), float(distance[i, line]), point[i])
        c.distance[rows] = distance
        beyond = c.beyond[rows]
        c.beyond[rows] = 0
        for i, line in _pairs((right * 2 - 1) != c.side[rows]):
            row, side, off = int(rows[i]), 1 if right[i, line] else -1, abs(float(distance[i, line]))
            half_band = self._half_band(row, line, side, frame_size)
            if off <= half_band:
                continue
            sights_beyond = 1 if passed[i, line] else int(beyond[i, line]) + 1
            c.beyond[row, line] = sights_beyond
            if sights_beyond >= s.sights or off > s.far * half_band:
                self._change_side(row, line, side)

    def _pass_line(self, sights: Sights, i: int, line: int, before: float, now: float, point: Float64) -> None:
        """Note when and where a track passed a line, between the sight before and this one (distances and place)."""
        c, row = self._table.columns, sights.rows[i]
        part, along = self._lines[line].passed(_point(sights.point[i]), before, _point(point), now)
        c.passed[row, line] = sights.last[i] + part * (self._now - sights.last[i])
        c.passed_at[row, line] = along

    def _half_band(self, row: int, line: int, side: int, frame_size: tuple[int, int]) -> float:
        """How far from a line a track has a side: by its height, its noise, and the room there is."""
        c, s = self._table.columns, self._settings
        height = min(float(c.size[row, 1]), _TALLEST * frame_size[1])
        spot = self._lines[line].spot(_point(c.point[row]))
        x, y = spot.right
        noise_x, noise_y = c.noise[row].tolist()
        noise = math.sqrt(noise_x * x * x + noise_y * y * y)
        wide = max(min(max(s.jitters * noise, s.band * height), s.widest * height), _FINEST * frame_size[0])
        return min(wide, max(spot.room(side, frame_size) / 2, _NARROWEST * wide))

    def _change_side(self, row: int, line: int, side: int) -> None:
        c = self._table.columns
        origin = c.side[row, line] or self._origin(row, line, side)
        if origin == -side:
            if c.age[row] + c.head_start[row] < self._settings.min_age:
                return  # not old enough yet; it will still be over there in the next frame
            self._report(row, line, side)
        c.side[row, line], c.beyond[row, line] = side, 0

    def _origin(self, row: int, line: int, side: int) -> int:
        """The side that a track came from that has none yet: first seen so near the line that it never had one.

        Known only of somebody who walks straight through. Who has been standing on the line came from either side.
        """
        c = self._table.columns
        height, first, now = c.size[row, 1], c.first_distance[row, line] * side, c.distance[row, line] * side
        elapsed = c.last[row] - c.first[row]
        if elapsed <= 0 or elapsed > _STRAIGHT_THROUGH or now - first < _WALKING * height * elapsed:
            return 0
        return -side if first <= -_STARTS_BEFORE * self._settings.band * height else 0

    def _report(self, row: int, line: int, side: int) -> None:
        """Count a crossing if it went through the line itself, not past its ends."""
        c = self._table.columns
        if not self._lines[line].reaches(float(c.passed_at[row, line]), self._frame_size):
            return
        direction: Direction = "in" if side > 0 else "out"
        when = self._start_ns + round(float(c.passed[row, line]) * 1e9)
        self._found.append(Passage(self._lines.names[line], direction, self._table.id_of(row), when))

    def _end_lost(self) -> None:
        """Decide what is open of the tracks that were lost long enough ago, and forget those lost too long ago."""
        table, s = self._table, self._settings
        if not table.lost:
            return
        c = table.columns
        for row in [r for r in table.lost if not c.ended[r] and self._now - c.last[r] > s.handover]:
            self._end(row)
        longest = max(s.lifetime, s.handover)
        table.forget([r for r in table.lost if self._now - c.last[r] > longest])

    def _end_all(self) -> None:
        for row in self._table.lost:
            if not self._table.columns.ended[row]:
                self._end(row)

    def _end(self, row: int) -> None:
        """The track is gone for good. Who was past the line already and walking on has crossed it."""
        c, s = self._table.columns, self._settings
        c.ended[row] = True
        if c.taken_over[row] or c.age[row] + c.head_start[row] < s.min_age:
            return
        height = c.size[row, 1]
        velocity, point = c.velocity[row].tolist(), _point(c.point[row])
        for line in range(len(self._lines)):
            side = 1 if c.distance[row, line] >= 0 else -1
            speed = self._lines[line].spot(point).speed(velocity) * side
            off = abs(c.distance[row, line])
            origin = c.side[row, line] or self._origin(row, line, side)
            if origin == -side and speed > _WALKING * height and off + _GOES_ON * speed > s.band * height:
                self._report(row, line, side)
                c.side[row, line] = side


def _point(row: Float64) -> Point:
    x, y = row.tolist()
    return x, y


def _pairs(which: Bool) -> Iterable[tuple[int, int]]:
    """The places where a matrix is true."""
    if not which.any():
        return ()
    i, j = which.nonzero()
    return zip(i.tolist(), j.tolist(), strict=True)
