"""Who is lost behind a companion has walked on with that one, and is found again beside them.

Two who walk together, one behind the other, are one box for seconds: far longer than anybody is looked for alone. As
long as the one in front is followed, it is known where the other one is.
"""

from __future__ import annotations

import math

from metrica.nodes.counting.track_table import Columns, TrackTable
from metrica.nodes.geometry.arrays import Float64, Index
from metrica.nodes.geometry.lines import LineSet
from metrica.nodes.geometry.segments import Point

LONGEST = 5.0
"""Seconds after which somebody behind a companion is looked for no longer."""
_KNOWN = 1.0
"""Seconds for which both must have been followed: what comes and goes before a person is a second box on them."""
_COVERED = 0.5
"""The part of the box that the companion's covers when somebody is lost behind it."""
_ABREAST = 0.5
"""Box heights per second by which the two may differ, to walk together."""
_BESIDE = 0.4
"""Box heights from the companion within which somebody is found again."""
_ALIKE = 1.2
"""The larger of two heights is at most so many times the smaller; half a person is a second box on the companion."""


class Companions:
    """Rows of a table of tracks that were lost behind somebody who is seen."""

    def __init__(self) -> None:
        self._behind: dict[int, int] = {}
        """The track id of the companion."""

    def __contains__(self, row: int) -> bool:
        return row in self._behind

    def clear(self) -> None:
        self._behind.clear()

    def discard(self, row: int) -> None:
        self._behind.pop(row, None)

    def lose(self, table: TrackTable, gone: set[int], now: float) -> None:
        """These rows were just lost: who of them is behind somebody?"""
        c = table.columns
        for row in gone:
            self.discard(row)
            if c.taken_over[row] or not _is_known(c, row):
                continue
            at = _place(c, row, now)
            beside = [other for other in table.visible.tolist() if _walks_behind(c, row, at, other)]
            if beside:
                nearest = min(beside, key=lambda other: math.dist(at, c.point[other]))
                self._behind[row] = table.id_of(nearest)

    def find(
        self, table: TrackTable, lines: LineSet, rows: Index, points: Float64, heights: Float64, now: float
    ) -> None:
        """Let new tracks that nobody else has gone on as go on for those who were lost behind somebody beside them.

        rows [N]: of the new tracks; their anchors [N, 2] and box heights [N].
        """
        c = table.columns
        for row in list(self._behind):
            if row not in table.lost or c.taken_over[row] or now - c.last[row] > LONGEST:
                self.discard(row)
        for row, (x, y), height in zip(rows.tolist(), points.tolist(), heights.tolist(), strict=True):
            if c.head_start[row]:
                continue
            for lost, track in reversed(self._behind.items()):
                beside = table.row_of(track)
                if beside is None or beside in table.lost:
                    continue
                tall = c.size[beside, 1]
                near = math.dist((x, y), _place(c, beside, now)) <= _BESIDE * tall
                if near and _alike(height, tall) and _alike(height, c.size[lost, 1]):
                    _go_on(c, lines, lost, beside, row, (x, y), now)
                    self.discard(lost)
                    break


def _place(c: Columns, row: int, now: float) -> Point:
    """Where a track that was seen a frame ago should be now."""
    x, y = (c.point[row] + (now - c.last[row]) * c.velocity[row]).tolist()
    return x, y


def _is_known(c: Columns, row: int) -> bool:
    return bool(c.last[row] - c.first[row] >= _KNOWN)


def _walks_behind(c: Columns, row: int, at: Point, other: int) -> bool:
    (x, y), (width, height) = at, c.size[row].tolist()
    (other_x, other_y), (other_width, tall) = c.point[other].tolist(), c.size[other].tolist()
    # The anchors are the same point of both boxes, so that they do for the boxes' middles or feet.
    wide = min(x + width / 2, other_x + other_width / 2) - max(x - width / 2, other_x - other_width / 2)
    high = min(y, other_y) - max(y - height, other_y - tall)
    covered = max(wide, 0.0) * max(high, 0.0) >= _COVERED * width * height
    abreast = math.dist(c.velocity[row], c.velocity[other]) <= _ABREAST * tall
    return covered and abreast and _alike(height, tall) and _is_known(c, other)


def _alike(a: float, b: float) -> bool:
    return max(a, b) <= _ALIKE * min(a, b)


def _go_on(c: Columns, lines: LineSet, lost: int, beside: int, row: int, point: Point, now: float) -> None:
    """The new track gets the sides of the lost one, and the companion's time at a line passed while it was lost."""
    for column in (c.side, c.counted, c.passed, c.passed_at):
        column[row] = column[lost]
    c.head_start[row] = c.age[lost] + c.head_start[lost]
    c.taken_over[lost] = True
    for line in c.side[lost].nonzero()[0].tolist():
        before = lines[line].distance((c.point[lost, 0], c.point[lost, 1]))
        if (lines[line].distance(point) >= 0) == (before >= 0):
            continue
        if c.passed[beside, line] > c.last[lost]:
            c.passed[row, line], c.passed_at[row, line] = c.passed[beside, line], c.passed_at[beside, line]
        else:
            c.passed[row, line], c.passed_at[row, line] = now, lines[line].nearest_point(point).along
