"""When a tracker loses a person and finds the same one under a new id: who goes on for whom.

Both functions change the table of tracks in place: the successor gets the side, the motion and the history of
the track that it goes on for.
"""

from __future__ import annotations

import numpy as np

from metrica.nodes.counting.track_table import TrackTable
from metrica.nodes.geometry.arrays import Float64, Index
from metrica.nodes.geometry.association import assign
from metrica.nodes.geometry.lines import LineSet

_NEAR = 0.25
"""Box heights within which a person is found again at once,"""
_DRIFT = 0.3
"""and so many more for each second that has passed."""
_SIMILAR = 1.6
"""The larger of the two heights is at most so many times the smaller."""
_DOUBLE = 0.5
"""Seconds for which two tracks may have followed one person before the older one ends."""


def hand_over_to_born(
    table: TrackTable, rows: Index, points: Float64, heights: Float64, now: float, longest: float
) -> None:
    """Let new tracks go on for tracks lost up to `longest` seconds ago, where time, place and motion fit.

    rows [N]: of the new tracks; their anchors [N, 2] and box heights [N].
    """
    c = table.columns
    lost = np.array([r for r in table.lost if now - c.last[r] <= longest and not c.taken_over[r]], np.intp)
    if not lost.size:
        return
    gap = now - c.last[lost]
    # The person may have walked on, stopped, or anything between: the distance to that stretch of way counts.
    way = c.velocity[lost] * gap[:, None]
    offset = points[None, :, :] - c.point[lost][:, None, :]
    length = (way**2).sum(axis=1)
    part = np.clip((offset * way[:, None, :]).sum(axis=2) / np.maximum(length, 1e-9)[:, None], 0.0, 1.0)
    away = np.linalg.norm(offset - part[:, :, None] * way[:, None, :], axis=2)
    lost_heights = c.size[lost, 1][:, None]
    taller, smaller = np.maximum(lost_heights, heights), np.minimum(lost_heights, heights)
    gate = smaller * (_NEAR + _DRIFT * gap[:, None])
    fit = np.where(taller <= _SIMILAR * smaller, 1 - away / gate, 0.0)
    for i, j in zip(*assign(fit, 0.0), strict=True):
        _go_on(table, int(lost[i]), int(rows[j]))


def _go_on(table: TrackTable, lost: int, row: int) -> None:
    c = table.columns
    table.copy(lost, row)
    c.head_start[row] = c.age[lost] + c.head_start[lost]
    c.taken_over[row] = c.ended[row] = False
    c.taken_over[lost] = True


def hand_over_to_double(table: TrackTable, lines: LineSet, gone: set[int], now: float) -> None:
    """Where a track ends beside a young one that never had a side, both were one person: give it the side."""
    c = table.columns
    young = [r for r in table.visible.tolist() if now - c.first[r] <= _DOUBLE]
    for lost in gone:
        near = [r for r in young if np.hypot(*(c.point[r] - c.point[lost])) <= _NEAR * c.size[lost, 1]]
        if not near or c.taken_over[lost]:
            continue
        row = min(near, key=lambda r: float(np.hypot(*(c.point[r] - c.point[lost]))))
        c.counted[row] = np.where(c.counted[row] == 0, c.counted[lost], c.counted[row])
        given = (c.side[row] == 0) & (c.side[lost] != 0)
        if not given.any():
            continue
        # When did the person pass the line? Between the two tracks, or while only the older one was there.
        x, y = c.point[row].tolist()
        along = [lines[line].nearest_point((x, y)).along for line in range(len(lines))]
        distance = lines.distances(c.point[[row, lost]].T)
        between = (distance[:, 0] >= 0) != (distance[:, 1] >= 0)
        unknown = given & np.isnan(c.passed[row])
        for line in given.nonzero()[0].tolist():
            table.set_side(row, line, int(c.side[lost, line]))
        c.passed[row] = np.where(unknown, np.where(between, now, c.passed[lost]), c.passed[row])
        c.passed_at[row] = np.where(unknown, np.where(between, along, c.passed_at[lost]), c.passed_at[row])
        c.taken_over[lost] = True
