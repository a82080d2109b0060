"""When a tracker loses a person and finds them under a new id: which new track continues which lost track.

Both functions change the track table in place: the new track gets the sides and the history of the lost one.
"""

from __future__ import annotations

import math

import numpy as np

from metrica.nodes.counting.track_table import TrackColumns, TrackTable
from metrica.nodes.geometry.arrays import Float64, Index
from metrica.nodes.geometry.association import assign
from metrica.nodes.geometry.lines import LineSet

_NEAR = 0.25
"""Distance within which a person is found again at once, box heights."""
_DRIFT = 0.3
"""What is added to that distance for each second since the loss, box heights per second."""
_MAX_HEIGHT_RATIO = 1.6
"""The larger of the heights of two tracks of one person is at most this many times the smaller."""
_MAX_OVERLAP = 0.5
"""Seconds for which two tracks may have followed one person before the older one ends."""


def hand_over_to_new(
    table: TrackTable, rows: Index, points: Float64, heights: Float64, now: float, handover: float
) -> None:
    """Let new tracks continue tracks that were lost up to `handover` seconds ago, where place and height fit.

    rows [N]: the rows of the new tracks; points [N, 2]: their anchors; heights [N]: their box heights.
    """
    columns = table.columns
    lost = np.array(
        [r for r in table.lost if now - columns.last_seen[r] <= handover and not columns.has_successor[r]], np.intp
    )
    if not lost.size:
        return
    elapsed = now - columns.last_seen[lost]
    # The person may have stopped, walked on, or anything between, so the new position is compared with the whole
    # segment from where the person was lost to where they would be by now.
    way = columns.velocity[lost] * elapsed[:, None]
    offset = points[None, :, :] - columns.point[lost][:, None, :]
    length_squared = (way**2).sum(axis=1)
    part = np.clip((offset * way[:, None, :]).sum(axis=2) / np.maximum(length_squared, 1e-9)[:, None], 0.0, 1.0)
    distance = np.linalg.norm(offset - part[:, :, None] * way[:, None, :], axis=2)
    lost_heights = columns.size[lost, 1][:, None]
    taller, smaller = np.maximum(lost_heights, heights), np.minimum(lost_heights, heights)
    gate = smaller * (_NEAR + _DRIFT * elapsed[:, None])
    similarity = np.where(taller <= _MAX_HEIGHT_RATIO * smaller, 1 - distance / gate, 0.0)
    for i, j in zip(*assign(similarity, 0.0), strict=True):
        _continue(table, int(lost[i]), int(rows[j]))


def _continue(table: TrackTable, lost: int, row: int) -> None:
    """Let the track in `row` continue the track in `lost`."""
    columns = table.columns
    table.copy(lost, row)
    columns.inherited_age[row] = columns.age[lost] + columns.inherited_age[lost]
    columns.has_successor[row] = columns.is_decided[row] = False
    columns.has_successor[lost] = True


def hand_over_to_duplicates(table: TrackTable, lines: LineSet, gone: set[int], now: float) -> None:
    """Where a track ends beside a track that has just begun, take both for one person: hand over the sides.

    gone: the rows of the tracks that were just lost. Only sides that the younger track does not have are handed over.
    """
    columns = table.columns
    young = [r for r in table.visible.tolist() if now - columns.first_seen[r] <= _MAX_OVERLAP]
    for lost in gone:
        near = [r for r in young if _distance(columns, r, lost) <= _NEAR * columns.size[lost, 1]]
        if not near or columns.has_successor[lost]:
            continue
        row = min(near, key=lambda r: _distance(columns, r, lost))
        crossed = columns.door_crossed
        crossed[row] = np.where(crossed[row] == 0, crossed[lost], crossed[row])
        given = (columns.side[row] == 0) & (columns.side[lost] != 0)
        if not given.any():
            continue
        # The person passed a line that lies between the two tracks just now, otherwise when the older track did.
        x, y = columns.point[row].tolist()
        along = [lines[line].nearest_point((x, y)).along for line in range(len(lines))]
        distance = lines.distances(columns.point[[row, lost]].T)
        between = (distance[:, 0] >= 0) != (distance[:, 1] >= 0)
        unknown = given & np.isnan(columns.passed_time[row])
        for line in given.nonzero()[0].tolist():
            table.set_side(row, line, int(columns.side[lost, line]))
        for column, value in ((columns.passed_time, now), (columns.passed_along, along)):
            column[row] = np.where(unknown, np.where(between, value, column[lost]), column[row])
        columns.has_successor[lost] = True


def _distance(columns: TrackColumns, a: int, b: int) -> float:
    """The distance between the positions of two tracks, pixels."""
    return math.dist(columns.point[a], columns.point[b])
