"""When does a track cross a line? The rule, without sockets and without a clock.

docs/counting.md says what each part is for, and shows a line and its band. What is decided while a track is seen is in
`side_changes`, what is decided after it was lost in `lost_tracks`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from metrica.nodes.counting.band import CrossingSettings
from metrica.nodes.counting.doors import Door, Doors
from metrica.nodes.counting.handover import hand_over_to_duplicates, hand_over_to_new
from metrica.nodes.counting.lost_tracks import LostTracks
from metrica.nodes.counting.occlusion import Occlusions
from metrica.nodes.counting.passage import Passage, PassageLog
from metrica.nodes.counting.side_changes import SideChanges
from metrica.nodes.counting.track_table import TrackTable
from metrica.nodes.geometry.anchors import BELOW_CENTRE, anchors, cut_sides, remember_size
from metrica.nodes.geometry.arrays import Bool, Float32, Float64, Int32, Int64
from metrica.nodes.geometry.lines import Line, LineSet

__all__ = ["CrossingSettings", "LineCrossingRule", "Passage"]

_ZERO: Float64 = np.array(0.0)
_INFINITY: Float64 = np.array(np.inf)


class LineCrossingRule:
    """Counts the tracks of one camera over any number of lines.

    Give it the tracks of every frame in order of time. It reports a passage once the track is surely on the other side,
    with the time at which the track passed the line.
    """

    def __init__(
        self, lines: Sequence[Line], settings: CrossingSettings | None = None, doors: Sequence[Door] = ()
    ) -> None:
        """A line that is part of a door is not counted by itself.

        Raises ValueError if two lines have the same name, or if a door is not valid.
        """
        self._lines = LineSet(lines)
        self._settings = settings or CrossingSettings()
        self._table = TrackTable(len(self._lines))
        self._passages = PassageLog(self._lines, Doors(doors, lines), self._settings, self._table)
        self._occlusions = Occlusions()
        self._side_changes = SideChanges(self._lines, self._settings, self._table, self._passages)
        self._lost_tracks = LostTracks(self._lines, self._settings, self._table, self._passages, self._occlusions)
        self._epoch: int | None = None
        self._start_ns = 0
        self._now = 0.0
        self._frame_size = (0, 0)

    @property
    def remembered(self) -> int:
        """How many tracks are remembered at the moment."""
        return len(self._table)

    @property
    def capacity(self) -> int:
        """How many tracks there is memory for. It grows with the tracks at one time, not with all that ever were."""
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
        """The passages that this frame makes sure, in the order in which the lines were passed.

        time_ns: when the frame was taken. epoch: a new value means that the tracker has restarted and its ids mean
        other people; all tracks are forgotten then, also when time runs backwards, and after a pause longer than a
        lost track is remembered. boxes [N, 4], ids [N], ages [N]: as in the message Tracks; boxes without an area and
        ids given twice are ignored. frame_size: width and height of the picture.
        """
        now = (time_ns - self._start_ns) / 1e9
        if epoch != self._epoch or not 0 <= now - self._now <= self._settings.memory:
            self._lost_tracks.end_all(self._frame_size)
            self._epoch, self._start_ns, now = epoch, time_ns, 0.0
            self._passages.start_ns = time_ns
        self._now, self._frame_size = now, frame_size
        corners = np.array(boxes.T, np.float64, order="C")
        seen = corners[2:] - corners[:2]
        usable = np.count_nonzero((seen > _ZERO) & (seen < _INFINITY)) == seen.size
        born, gone = list[int](), set[int]()
        if not usable or not self._table.has_same_ids(ids):
            good = _usable(corners, seen, ids)
            corners, seen, ids, ages = corners[:, good], seen[:, good], ids[good], ages[good]
            born, gone = self._table.set_visible(ids)
            self._lost_tracks.add(gone)
        if len(ids):
            self._observe(born, gone, corners, seen, ages)
        if gone:
            self._occlusions.add_lost(self._table, gone, now)
        if now > self._lost_tracks.due:
            self._lost_tracks.update(now, frame_size)
        return self._passages.take() if self._passages else []

    def flush(self) -> list[Passage]:
        """The passages of lost tracks that are still open at the end of a recording. All tracks are forgotten."""
        self._lost_tracks.end_all(self._frame_size)
        self._epoch = None
        return self._passages.take()

    def _observe(self, born: list[int], gone: set[int], corners: Float64, seen: Float64, ages: Int32) -> None:
        """Let new tracks continue lost ones, then move the visible tracks and look which have changed sides.

        born: which of the visible tracks are new. gone: the rows just lost. corners [4, N]: the boxes. seen [2, N]:
        their widths and heights. ages [N], frames.
        """
        table, below = self._table, BELOW_CENTRE[self._settings.anchor]
        cut = cut_sides(corners, self._frame_size)
        if born and table.lost:
            points = anchors(corners[:, born], seen[:, born], None if cut is None else cut[:, born], below).T
            rows, heights = table.visible[born], seen[1, born]
            hand_over_to_new(table, rows, points, heights, self._now, self._settings.handover)
            self._occlusions.hand_over_to_new(table, self._lines, rows, points, heights, self._now)
        observations = table.observe(self._now)
        observations.ages = ages
        size = remember_size(observations.size, seen, cut, observations.elapsed)
        if observations.new is not None:
            size = np.where(observations.new, seen, size)
        observations.update_motion(self._now, anchors(corners, size, cut, below), size)
        self._side_changes.update(observations, self._now, self._frame_size)
        if gone:
            table.write_back()
            hand_over_to_duplicates(table, self._lines, gone, self._now)


def _usable(corners: Float64, seen: Float64, ids: Int64) -> Bool:
    """Which boxes [4, N] have finite numbers, an area, and an id that no earlier box has, [N]."""
    listed = ids.tolist()
    usable = np.isfinite(corners).all(axis=0) & (seen > 0).all(axis=0)
    if len(set(listed)) < len(listed):
        usable &= np.array([i not in listed[:n] for n, i in enumerate(listed)])
    return np.asarray(usable)
