"""What the counting rule remembers of each track: a table with a row per track, whose rows are used again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from metrica.nodes.counting.observations import (
    FIRST_SEEN,
    LAST_SEEN,
    MOTION_ROWS,
    NOISE,
    POINT,
    SAMPLES,
    SHORTEST_INTERVAL,
    SIZE,
    VELOCITY,
    Motion,
    Observations,
)
from metrica.nodes.geometry.arrays import Bool, Float64, Index, Int64

_FIRST_ROWS = 16
"""Rows of a new table; it doubles when they are used up."""


@dataclass(slots=True)
class TrackColumns:
    """The columns of the track table, one array each, for T rows (tracks) and L lines. Seconds and pixels."""

    motion: Float64
    """The motion of each track, [T, 13]. One array, because every frame reads and writes all of it at once."""
    age: Int64
    """Age of the track in frames, [T], without the tracks that it continues."""
    inherited_age: Int64
    """Total age in frames of the tracks that this one continues, [T]; 0 if there is none."""
    has_successor: Bool
    """Whether another track continues this one, [T]."""
    is_decided: Bool
    """Whether the open crossings of a lost track have been decided, [T]."""
    side: npt.NDArray[np.int8]
    """The confirmed side of each line, [T, L]: 1 IN side, -1 OUT side, 0 unknown."""
    passed_time: Float64
    """When the track last passed the line or its extension, [T, L]; NaN for never."""
    passed_along: Float64
    """Where along the line that was, [T, L]: 0 at its start, 1 at its end, below 0 or above 1 on its extensions."""
    door_crossed: npt.NDArray[np.int8]
    """Direction in which a line of a door was last crossed, [T, L]: 1 in, -1 out; 0 if not at all, or if the whole
    door has been counted since."""
    candidate_count: Int64
    """How many observations in a row lay beyond the band on a side that is not the confirmed one, [T, L]."""
    candidate_since: Float64
    """When the first of those observations was made, [T, L]."""
    candidate_sample: Int64
    """The number (`samples`) of the last of those observations, [T, L]; -1 for never."""

    @property
    def last_seen(self) -> Float64:
        """When each track was last observed, [T]."""
        return self.motion[:, LAST_SEEN]

    @property
    def first_seen(self) -> Float64:
        """When each track was first observed, [T]; if it continues another track, when that one was."""
        return self.motion[:, FIRST_SEEN]

    @property
    def point(self) -> Float64:
        """The last position of each anchor, [T, 2]."""
        return self.motion[:, POINT]

    @property
    def velocity(self) -> Float64:
        """The velocity of each anchor, [T, 2], pixels per second."""
        return self.motion[:, VELOCITY]

    @property
    def size(self) -> Float64:
        """Width and height of the whole person, [T, 2]; 0 before the first observation."""
        return self.motion[:, SIZE]

    def motion_of(self, row: int) -> Motion:
        """The motion of one track."""
        return Motion(*self.motion[row].tolist())


def _blank_columns(rows: int, lines: int) -> TrackColumns:
    """Columns for tracks of which nothing is known yet."""

    def unknown(*shape: int) -> Float64:
        return np.full((rows, *shape), np.nan)

    def zeros(*shape: int) -> Int64:
        return np.zeros((rows, *shape), np.int64)

    motion = unknown(MOTION_ROWS)
    motion[:, SAMPLES] = 0
    for part in (VELOCITY, SIZE, NOISE):
        motion[:, part] = 0
    return TrackColumns(
        motion=motion,
        age=zeros(),
        inherited_age=zeros(),
        has_successor=np.zeros(rows, np.bool_),
        is_decided=np.zeros(rows, np.bool_),
        side=np.zeros((rows, lines), np.int8),
        passed_time=unknown(lines),
        passed_along=unknown(lines),
        door_crossed=np.zeros((rows, lines), np.int8),
        candidate_count=zeros(lines),
        candidate_since=unknown(lines),
        candidate_sample=np.full((rows, lines), -1),
    )


class TrackTable:
    """The tracks of one camera by id: those visible in the last frame, and those lost a short while ago.

    Its size depends on how many tracks are remembered at one time, not on how many there have been.
    """

    def __init__(self, lines: int) -> None:
        """lines: the number of counting lines."""
        self._lines = lines
        self._blank = _blank_columns(1, lines)
        self.clear()

    def clear(self) -> None:
        """Forget all tracks, and free their memory."""
        self.columns = _blank_columns(_FIRST_ROWS, self._lines)
        self._free = list(range(_FIRST_ROWS))
        self._rows: dict[int, int] = {}
        self._ids: dict[int, int] = {}
        self.visible: Index = np.zeros(0, np.intp)
        """The rows of the tracks in the last frame, in its order."""
        self._visible_ids = b""
        self._unchanged_frames = 0
        self._observations: Observations | None = None
        self.lost: set[int] = set()
        """The rows of the remembered tracks that were not in the last frame."""

    def __len__(self) -> int:
        """How many tracks are remembered."""
        return len(self._rows)

    @property
    def capacity(self) -> int:
        """How many rows the columns have."""
        return len(self.columns.age)

    def id_of(self, row: int) -> int:
        """The id of the track in a row."""
        return self._ids[row]

    def row_of(self, track: int) -> int | None:
        """The row of the track with this id; None if it is not remembered."""
        return self._rows.get(track)

    def has_same_ids(self, ids: Int64) -> bool:
        """Whether these are the tracks of the last frame, in the same order."""
        return ids.tobytes() == self._visible_ids

    def set_visible(self, ids: Int64) -> tuple[list[int], set[int]]:
        """Make these the visible tracks. Call this when `has_same_ids` is false; the columns are up to date after it.

        Returns the positions in `ids` of the new tracks, and the rows of the tracks that are lost from now on.
        """
        self.write_back()
        known = [self._rows.get(track) for track in ids.tolist()]
        born = [i for i, row in enumerate(known) if row is None]
        rows = np.array([self._add(int(ids[i])) if row is None else row for i, row in enumerate(known)], np.intp)
        visible = set(rows.tolist())
        gone = set(self.visible.tolist()) - visible
        self.lost = (self.lost | gone) - visible
        self.visible, self._visible_ids, self._unchanged_frames = rows, ids.tobytes(), 0
        self._observations = None
        self.columns.has_successor[rows] = self.columns.is_decided[rows] = False
        return born, gone

    def write_back(self) -> None:
        """Copy motion and age of the visible tracks into the columns, which are out of date between changes of ids."""
        if self._observations:
            self.columns.motion[self._observations.rows] = self._observations.motion.T
            self.columns.age[self._observations.rows] = self._observations.ages

    def set_side(self, row: int, line: int, side: int) -> None:
        """Set the confirmed side (1, -1 or 0) of one line."""
        self.columns.side[row, line] = side
        if self._observations:
            self._observations.side[line, self._observations.rows == row] = side

    def forget(self, rows: Iterable[int]) -> None:
        """Free the rows of lost tracks."""
        for row in rows:
            del self._rows[self._ids.pop(row)]
            self.lost.discard(row)
            self._free.append(row)

    def copy(self, source: int, target: int) -> None:
        """Copy all that is known of one track to the row of another."""
        for name in self.columns.__slots__:
            column = getattr(self.columns, name)
            column[target] = column[source]

    def _add(self, track: int) -> int:
        """Give a new track a blank row, and return it."""
        if not self._free:
            more = _blank_columns(self.capacity, self._lines)
            self._free.extend(range(self.capacity, 2 * self.capacity))
            for name in more.__slots__:
                setattr(self.columns, name, np.concatenate((getattr(self.columns, name), getattr(more, name))))
        row = self._free.pop()
        for name in self._blank.__slots__:
            getattr(self.columns, name)[row] = getattr(self._blank, name)[0]
        self._rows[track], self._ids[row] = row, track
        return row

    def observe(self, time: float) -> Observations:
        """The visible tracks as they were at their previous observation, ready for `Observations.update_motion`.

        While the ids do not change, one object serves all frames, and the columns are not touched.
        """
        observations = self._observations
        if observations:
            self._unchanged_frames += 1
            observations.elapsed = max(time - observations.last_seen.item(0), SHORTEST_INTERVAL)
            observations.new = observations.samples == 0 if self._unchanged_frames < 2 else None
            observations.previous = observations.point.copy()
            return observations
        rows = self.visible
        motion = self.columns.motion[rows].T.copy()
        observations = Observations(rows, motion, self.columns.side[rows].T.astype(np.float64))
        self._observations = observations
        observations.previous = observations.point.copy()
        observations.new = observations.samples == 0
        observations.last_seen[observations.new] = time
        observations.elapsed = np.maximum(time - observations.last_seen, SHORTEST_INTERVAL)
        return observations
