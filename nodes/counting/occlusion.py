"""Occlusion by a companion: who is hidden behind whom, and which new track is the hidden person seen again.

Two people who walk together, one behind the other, are one box for seconds. That is far longer than a lost track waits
for a successor. But while the person in front (the occluder) is followed, the hidden one is known to be beside them.
"""

from __future__ import annotations

import math

from metrica.nodes.counting.track_table import TrackColumns, TrackTable
from metrica.nodes.geometry.arrays import Float64, Index
from metrica.nodes.geometry.lines import LineSet
from metrica.nodes.geometry.segments import Point

MAX_OCCLUSION = 5.0
"""Seconds after which a hidden person is no longer expected to reappear beside the occluder."""
_MIN_FOLLOWED = 1.0
"""Seconds for which both must have been followed before: a track that comes and goes in front of a person is a second
box on that person."""
_MIN_COVERED = 0.5
"""Fraction of the lost track's box that the occluder's box must cover."""
_MAX_SPEED_DIFFERENCE = 0.5
"""By how much the velocities of two who walk together may differ, box heights per second."""
_NEAR = 0.4
"""Distance from the occluder within which the hidden person is seen again, box heights."""
_MAX_HEIGHT_RATIO = 1.2
"""The larger of the two heights is at most this many times the smaller. A box around half a person is a second box on
the occluder."""


class Occlusions:
    """The lost tracks that are hidden behind a visible one. All rows are those of a track table."""

    def __init__(self) -> None:
        self._occluders: dict[int, int] = {}
        """The track id of the occluder for the row of each hidden track."""

    def __contains__(self, row: int) -> bool:
        """Whether the track in this row is hidden."""
        return row in self._occluders

    def clear(self) -> None:
        """Forget all hidden tracks."""
        self._occluders.clear()

    def discard(self, row: int) -> None:
        """Forget one hidden track, if it is one."""
        self._occluders.pop(row, None)

    def add_lost(self, table: TrackTable, gone: set[int], now: float) -> None:
        """Find out which of the tracks that were just lost are hidden behind a visible one, and by whom.

        gone: the rows of the lost tracks. now: the time of the frame, seconds.
        """
        columns = table.columns
        for row in gone:
            self.discard(row)
            if columns.has_successor[row] or not _was_followed(columns, row):
                continue
            point = _predicted_point(columns, row, now)
            occluders = [other for other in table.visible.tolist() if _is_occluder(columns, other, row, point)]
            if occluders:
                nearest = min(occluders, key=lambda other: math.dist(point, columns.point[other]))
                self._occluders[row] = table.id_of(nearest)

    def hand_over_to_new(
        self, table: TrackTable, lines: LineSet, rows: Index, points: Float64, heights: Float64, now: float
    ) -> None:
        """Let new tracks beside an occluder continue the track that it hides, unless they continue another one already.

        rows [N]: the rows of the new tracks; points [N, 2]: their anchors; heights [N]: their box heights.
        """
        columns = table.columns
        for row in list(self._occluders):
            expired = now - columns.last_seen[row] > MAX_OCCLUSION
            if row not in table.lost or columns.has_successor[row] or expired:
                self.discard(row)
        for row, (x, y), height in zip(rows.tolist(), points.tolist(), heights.tolist(), strict=True):
            if columns.inherited_age[row]:
                continue
            for hidden, track in reversed(self._occluders.items()):
                occluder = table.row_of(track)
                if occluder is None or occluder in table.lost:
                    continue
                occluder_height = columns.size[occluder, 1]
                distance = math.dist((x, y), _predicted_point(columns, occluder, now))
                similar = _similar(height, occluder_height) and _similar(height, columns.size[hidden, 1])
                if distance <= _NEAR * occluder_height and similar:
                    _continue(columns, lines, hidden, occluder, row, (x, y), now)
                    self.discard(hidden)
                    break


def _predicted_point(columns: TrackColumns, row: int, now: float) -> Point:
    """Where a track that was observed in the last frame should be now."""
    x, y = (columns.point[row] + (now - columns.last_seen[row]) * columns.velocity[row]).tolist()
    return x, y


def _was_followed(columns: TrackColumns, row: int) -> bool:
    """Whether a track was followed for long enough to be a person of its own."""
    return bool(columns.last_seen[row] - columns.first_seen[row] >= _MIN_FOLLOWED)


def _is_occluder(columns: TrackColumns, other: int, row: int, point: Point) -> bool:
    """Whether the visible track `other` walks with the lost track `row`, and covers it.

    point: where the lost track should be now. Both points are the same anchor of their boxes, so that the overlap of
    the boxes is the same whichever anchor it is.
    """
    (x, y), (width, height) = point, columns.size[row].tolist()
    (other_x, other_y), (other_width, other_height) = columns.point[other].tolist(), columns.size[other].tolist()
    common_width = min(x + width / 2, other_x + other_width / 2) - max(x - width / 2, other_x - other_width / 2)
    common_height = min(y, other_y) - max(y - height, other_y - other_height)
    covers = max(common_width, 0.0) * max(common_height, 0.0) >= _MIN_COVERED * width * height
    speed_difference = math.dist(columns.velocity[row], columns.velocity[other])
    together = speed_difference <= _MAX_SPEED_DIFFERENCE * other_height
    return covers and together and _similar(height, other_height) and _was_followed(columns, other)


def _similar(a: float, b: float) -> bool:
    """Whether two heights may be those of one person."""
    return max(a, b) <= _MAX_HEIGHT_RATIO * min(a, b)


def _continue(
    columns: TrackColumns, lines: LineSet, hidden: int, occluder: int, row: int, point: Point, now: float
) -> None:
    """Let the new track in `row`, at `point`, continue the hidden one.

    At a line that the person passed while hidden, the time is that of the occluder, or `now` if the occluder has not
    passed it.
    """
    for column in (columns.side, columns.door_crossed, columns.passed_time, columns.passed_along):
        column[row] = column[hidden]
    columns.inherited_age[row] = columns.age[hidden] + columns.inherited_age[hidden]
    columns.has_successor[hidden] = True
    x, y = columns.point[hidden].tolist()
    for line in columns.side[hidden].nonzero()[0].tolist():
        polyline = lines[line]
        if (polyline.distance(point) >= 0) == (polyline.distance((x, y)) >= 0):
            continue
        if columns.passed_time[occluder, line] > columns.last_seen[hidden]:
            columns.passed_time[row, line] = columns.passed_time[occluder, line]
            columns.passed_along[row, line] = columns.passed_along[occluder, line]
        else:
            columns.passed_time[row, line], columns.passed_along[row, line] = now, polyline.nearest_point(point).along
