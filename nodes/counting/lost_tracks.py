"""What is decided after a track is lost: whether it has crossed a line, and when it is forgotten."""

from __future__ import annotations

import math

from metrica.nodes.counting.band import CrossingSettings
from metrica.nodes.counting.occlusion import MAX_OCCLUSION, Occlusions
from metrica.nodes.counting.passage import PassageLog
from metrica.nodes.counting.side_changes import WALKING_SPEED, side_of_origin
from metrica.nodes.counting.track_table import TrackTable
from metrica.nodes.geometry.lines import LineSet

_WALKS_ON = 0.5
"""Seconds for which a person is assumed to have walked on after the track was lost."""


class LostTracks:
    """Decides the open crossings of lost tracks, and forgets these tracks, each at its time."""

    def __init__(
        self,
        lines: LineSet,
        settings: CrossingSettings,
        table: TrackTable,
        passages: PassageLog,
        occlusions: Occlusions,
    ) -> None:
        self._lines = lines
        self._settings = settings
        self._table = table
        self._passages = passages
        self._occlusions = occlusions
        self.due = math.inf
        """When `update` has to be called next, seconds; infinite if no track is lost."""

    def add(self, rows: set[int]) -> None:
        """These tracks have just been lost."""
        last_seen = self._table.columns.last_seen
        self.due = min([self.due, *(last_seen[row] + self._settings.handover for row in rows)])

    def update(self, now: float, frame_size: tuple[int, int]) -> None:
        """Decide on the tracks that can have no successor any more, and forget those lost too long ago.

        now: the time of the frame, seconds. frame_size: width and height of the picture.
        """
        table, settings, columns = self._table, self._settings, self._table.columns
        for row in table.lost:
            if not columns.is_decided[row] and now - columns.last_seen[row] > settings.handover:
                self._decide(row, frame_size)
        occluded = max(settings.memory, MAX_OCCLUSION)
        until = {
            row: columns.last_seen[row] + (occluded if row in self._occlusions else settings.memory)
            for row in table.lost
        }
        expired = [row for row, end in until.items() if now > end]
        for row in expired:
            self._occlusions.discard(row)
        table.forget(expired)
        self.due = min(
            (
                until[row] if columns.is_decided[row] else columns.last_seen[row] + settings.handover
                for row in table.lost
            ),
            default=math.inf,
        )

    def end_all(self, frame_size: tuple[int, int]) -> None:
        """Decide on all lost tracks now, and forget all tracks."""
        for row in self._table.lost:
            if not self._table.columns.is_decided[row]:
                self._decide(row, frame_size)
        self._table.clear()
        self._occlusions.clear()
        self.due = math.inf

    def _decide(self, row: int, frame_size: tuple[int, int]) -> None:
        """Count a lost track at every line that it had already passed while it walked on, although inside the band."""
        columns, settings = self._table.columns, self._settings
        columns.is_decided[row] = True
        if columns.has_successor[row] or columns.age[row] + columns.inherited_age[row] < settings.min_age:
            return
        motion = columns.motion_of(row)
        for line in range(len(self._lines)):
            polyline = self._lines[line]
            distance = polyline.distance(motion.point)
            side = 1 if distance >= 0 else -1
            if (columns.side[row, line] or side_of_origin(motion, polyline, side, settings)) != -side:
                continue
            nearest = polyline.nearest_point(motion.point)
            speed = nearest.speed_across((motion.speed_x, motion.speed_y)) * side
            half_band = settings.half_band(motion, nearest, side, frame_size)
            if speed > WALKING_SPEED * motion.height and abs(distance) + _WALKS_ON * speed > half_band:
                self._passages.add(row, line, side, frame_size)
                columns.side[row, line] = side
