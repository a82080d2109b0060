"""What is decided while a track is seen: on which side of each line it is, and whether it has crossed one."""

from __future__ import annotations

import numpy as np

from metrica.nodes.counting.band import CrossingSettings
from metrica.nodes.counting.observations import Motion, Observations
from metrica.nodes.counting.passage import PassageLog
from metrica.nodes.counting.track_table import TrackTable
from metrica.nodes.geometry.arrays import Float64
from metrica.nodes.geometry.lines import LineSet
from metrica.nodes.geometry.polyline import Polyline

WALKING_SPEED = 0.15
"""Speed across the line above which a person walks and does not sway, box heights per second (people walk at 0.5
to 1)."""
_MAX_TIME_IN_BAND = 3.0
"""Seconds within which a track first seen inside the band must leave it, to have come from the other side."""
_STARTS_BEFORE = 0.25
"""A track must be first seen at least this many half bands before the line, to have come from the other side."""
_ZERO: Float64 = np.array(0.0)


class SideChanges:
    """Follows on which side of each line the visible tracks are, and counts a track that has changed sides."""

    def __init__(self, lines: LineSet, settings: CrossingSettings, table: TrackTable, passages: PassageLog) -> None:
        self._lines = lines
        self._settings = settings
        self._table = table
        self._passages = passages
        self._now = 0.0
        self._frame_size = (0, 0)

    def update(self, observations: Observations, now: float, frame_size: tuple[int, int]) -> None:
        """Compare the tracks' positions in a new frame with the sides that they were on.

        now: the time of the frame, seconds. frame_size: width and height of the picture.

        In nearly every frame nearly every track is on its own side of every line. A matrix product and a comparison
        find the others, which are examined one by one.
        """
        previous, current = observations.distance, self._lines.distances(observations.point)
        observations.distance = current
        elsewhere = current * observations.side <= _ZERO
        if not np.count_nonzero(elsewhere):
            return
        self._now, self._frame_size = now, frame_size
        lines, tracks = elsewhere.nonzero()
        for line, i in zip(lines.tolist(), tracks.tolist(), strict=True):
            distance = current.item(line, i)
            side = 1 if distance >= 0 else -1
            if side != observations.side.item(line, i):
                motion = observations.motion_of(i)
                if motion.samples < 2:
                    before = distance  # the first observation of a track passes nothing
                elif previous is None:
                    before = self._lines[line].distance(observations.previous_point(i))
                else:
                    before = previous.item(line, i)
                self._examine(observations, i, line, side, motion, before, distance)

    def _examine(
        self, observations: Observations, i: int, line: int, side: int, motion: Motion, before: float, distance: float
    ) -> None:
        """Note whether track i has passed a line, and whether the side that it is on is confirmed now.

        side: where the track is, which is not its confirmed side. before, distance: its signed distances from the line
        at the previous observation and at this one, pixels.
        """
        columns, settings = self._table.columns, self._settings
        row, polyline = observations.rows.item(i), self._lines[line]
        passed = (before >= 0) != (distance >= 0)
        if passed:
            part, along = polyline.intersection(observations.previous_point(i), before, motion.point, distance)
            columns.passed_time[row, line] = self._now - (1 - part) * observations.elapsed_of(i)
            columns.passed_along[row, line] = along
        away = abs(distance)
        half_band = settings.half_band(motion, polyline.nearest_point(motion.point), side, self._frame_size)
        if away <= half_band:
            return
        if passed or columns.candidate_sample.item(row, line) != motion.samples - 1:
            count, since = 1, self._now
        else:
            count, since = columns.candidate_count.item(row, line) + 1, columns.candidate_since.item(row, line)
        columns.candidate_count[row, line], columns.candidate_since[row, line] = count, since
        columns.candidate_sample[row, line] = motion.samples
        long_enough = self._now - since >= settings.confirm_time or not columns.side.item(row, line)
        if away > settings.clear_factor * half_band or (long_enough and count >= settings.confirm_observations):
            self._confirm(row, line, side, motion, int(observations.ages[i]))

    def _confirm(self, row: int, line: int, side: int, motion: Motion, age: int) -> None:
        """Set the side of a track, and count a crossing if it came from the other side.

        age: that of the track in frames, without the tracks that it continues. A track that crossed but is too young
        keeps its old side, so that the next frame finds it on the wrong side again.
        """
        columns = self._table.columns
        origin = columns.side[row, line] or side_of_origin(motion, self._lines[line], side, self._settings)
        if origin == -side:
            if age + columns.inherited_age[row] < self._settings.min_age:
                return
            self._passages.add(row, line, side, self._frame_size)
        self._table.set_side(row, line, side)


def side_of_origin(motion: Motion, polyline: Polyline, side: int, settings: CrossingSettings) -> int:
    """The side that a track came from which has no confirmed side, because it was first seen inside the band.

    side: where it is now, 1 or -1. Returns -side if it was first seen before the line and walked straight through,
    otherwise 0: a person who stands on the line may have come from either side.
    """
    elapsed = motion.last_seen - motion.first_seen
    first, now = polyline.distance(motion.first_point) * side, polyline.distance(motion.point) * side
    if elapsed <= 0 or elapsed > _MAX_TIME_IN_BAND or now - first < WALKING_SPEED * motion.height * elapsed:
        return 0
    return -side if first <= -_STARTS_BEFORE * settings.band * motion.height else 0
