"""What the counting rule remembers of each track: one table of arrays, a row per track, rows used again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from metrica.nodes.counting.observations import (
    FIRST,
    LAST,
    NOISE,
    POINT,
    SAMPLES,
    SIZE,
    VELOCITY,
    WIDTH,
    Motion,
    Sights,
)
from metrica.nodes.geometry.arrays import Bool, Float64, Index, Int64

_VELOCITY_MEMORY = 0.3
"""Seconds over which a velocity is averaged."""
_JITTER_MEMORY = 1.0
"""Seconds over which the noise of a position is averaged."""
_SWERVE = 1.0
"""Box heights per second squared (half the acceleration) that a walker may show before it counts as noise."""
_SHORTEST = 1e-3
"""Seconds that lie at least between two frames."""
_HALF: Float64 = np.array(0.5)
_NOTHING: Float64 = np.array(0.0)
_ONE: Float64 = np.array(1.0)
# As arrays, because a Python number beside a small array costs as much again as the operation.


@dataclass(slots=True)
class Columns:
    """Row i of every array is one track; T rows, L lines. Times in seconds, places in pixels.

    What changes in every frame lies together in `motion`, which is read and written at once; its parts have names.
    """

    motion: Float64
    """[T, 13]: `last`, `first`, `samples`, `point`, `velocity`, `size`, `noise` and `first_point`."""
    age: Int64
    """Frames since it was born, without those of the tracks that it took over from."""
    head_start: Int64
    """The frames of the tracks that it took over from."""
    taken_over: Bool
    """Another track has gone on where this one was lost."""
    ended: Bool
    """It was lost so long ago that what was open has been decided."""
    side: npt.NDArray[np.int8]
    """The confirmed side of each line, [T, L]: 1 IN side, -1 OUT side, 0 not known yet."""
    passed: Float64
    """When the line (or its extension) was last passed, [T, L]; NaN for never."""
    passed_at: Float64
    """How far along the line that was, [T, L]."""
    counted: npt.NDArray[np.int8]
    """Of the lines of doors: which way it was last crossed, [T, L], 1 in, -1 out; 0 where it has not been, or where
    that has been counted already."""
    beyond: Int64
    """For how many sights in a row the track was beyond the band on a side that is not its own, [T, L],"""
    beyond_since: Float64
    """the first of them at this time,"""
    beyond_at: Int64
    """the last of them being this one of its `samples`; -1 for never."""

    @property
    def last(self) -> Float64:
        """When it was last seen."""
        return self.motion[:, LAST]

    @property
    def first(self) -> Float64:
        """When the track was first seen; of the track it took over from, if there was one."""
        return self.motion[:, FIRST]

    @property
    def point(self) -> Float64:
        """The anchor, [T, 2]."""
        return self.motion[:, POINT]

    @property
    def velocity(self) -> Float64:
        """[T, 2], pixels per second."""
        return self.motion[:, VELOCITY]

    @property
    def size(self) -> Float64:
        """Width and height of the whole person, [T, 2]; 0 before the first sight."""
        return self.motion[:, SIZE]

    def of(self, row: int) -> Motion:
        """What is known of one track."""
        return Motion(*self.motion[row].tolist())


def _empty(rows: int, lines: int) -> Columns:
    def floats(*shape: int) -> Float64:
        return np.full((rows, *shape), np.nan)

    def counts(*shape: int) -> Int64:
        return np.zeros((rows, *shape), np.int64)

    motion = floats(WIDTH)
    motion[:, SAMPLES] = 0
    for part in (VELOCITY, SIZE, NOISE):
        motion[:, part] = 0
    return Columns(
        motion=motion,
        age=counts(),
        head_start=counts(),
        taken_over=np.zeros(rows, np.bool_),
        ended=np.zeros(rows, np.bool_),
        side=np.zeros((rows, lines), np.int8),
        passed=floats(lines),
        passed_at=floats(lines),
        counted=np.zeros((rows, lines), np.int8),
        beyond=counts(lines),
        beyond_since=floats(lines),
        beyond_at=np.full((rows, lines), -1),
    )


class TrackTable:
    """Tracks by id, seen now or lost a short while ago.

    It is as large as the most tracks known at one time, whatever their number over the years.
    """

    def __init__(self, lines: int) -> None:
        self._lines = lines
        self._blank = _empty(1, lines)
        self.clear()

    def clear(self) -> None:
        """Forget all tracks, and give their memory back."""
        self.columns = _empty(16, self._lines)
        self._free = list(range(16))
        self._rows: dict[int, int] = {}
        self._ids: dict[int, int] = {}
        self.visible: Index = np.zeros(0, np.intp)
        """The rows seen in the last frame."""
        self._visible_ids = b""
        self._same = 0
        self._sights: Sights | None = None
        self.lost: set[int] = set()
        """The rows that were not."""

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def capacity(self) -> int:
        """Rows that there is memory for."""
        return len(self.columns.first)

    def id_of(self, row: int) -> int:
        return self._ids[row]

    def row_of(self, track: int) -> int | None:
        """Where the track with this id is, if it is known."""
        return self._rows.get(track)

    def is_as_before(self, ids: Int64) -> bool:
        """Whether these are the tracks of the last frame, in the same order."""
        return ids.tobytes() == self._visible_ids

    def see(self, ids: Int64) -> tuple[list[int], set[int]]:
        """From now on these are the visible ones. Which of them (positions in `ids`) are new, and the rows just lost.

        Only where that changes anything; the columns are up to date then.
        """
        self.store()
        known = [self._rows.get(track) for track in ids.tolist()]
        born = [i for i, row in enumerate(known) if row is None]
        rows = np.array([self._add(int(ids[i])) if row is None else row for i, row in enumerate(known)], np.intp)
        now = set(rows.tolist())
        gone = set(self.visible.tolist()) - now
        self.lost = (self.lost | gone) - now
        self.visible, self._visible_ids, self._same = rows, ids.tobytes(), 0
        self._sights = None
        self.columns.taken_over[rows] = self.columns.ended[rows] = False
        return born, gone

    def store(self) -> None:
        """Write what is known of the visible tracks into the columns."""
        if self._sights:
            self.columns.motion[self._sights.rows] = self._sights.motion.T
            self.columns.age[self._sights.rows] = self._sights.ages

    def set_side(self, row: int, line: int, side: int) -> None:
        """A track is now known to be on this side."""
        self.columns.side[row, line] = side
        if self._sights:
            self._sights.side[line, self._sights.rows == row] = side

    def forget(self, rows: Iterable[int]) -> None:
        """Free these rows."""
        for row in rows:
            del self._rows[self._ids.pop(row)]
            self.lost.discard(row)
            self._free.append(row)

    def copy(self, source: int, target: int) -> None:
        """Let the track of one row go on as that of another."""
        for name in self.columns.__slots__:
            column = getattr(self.columns, name)
            column[target] = column[source]

    def _add(self, track: int) -> int:
        if not self._free:
            more = _empty(self.capacity, self._lines)
            self._free.extend(range(self.capacity, 2 * self.capacity))
            for name in more.__slots__:
                setattr(self.columns, name, np.concatenate((getattr(self.columns, name), getattr(more, name))))
        row = self._free.pop()
        for name in self._blank.__slots__:
            getattr(self.columns, name)[row] = getattr(self._blank, name)[0]
        self._rows[track], self._ids[row] = row, track
        return row

    def sights(self, time: float) -> Sights:
        """The visible tracks as they were, with how long ago that was."""
        sights = self._sights
        if sights:
            self._same += 1
            sights.seconds = max(time - sights.last.item(0), _SHORTEST)
            sights.fresh = sights.samples == 0 if self._same < 2 else None
            sights.before = sights.point.copy()
            return sights
        rows = self.visible
        motion = self.columns.motion[rows].T.copy()
        sights = self._sights = Sights(rows, motion, self.columns.side[rows].T.astype(np.float64))
        sights.before = sights.point.copy()
        sights.fresh = sights.samples == 0
        sights.last[sights.fresh] = time
        sights.seconds = np.maximum(time - sights.last, _SHORTEST)
        return sights

    def move(self, sights: Sights, time: float, point: Float64, size: Float64) -> None:
        """Note where these tracks are now; size as from `geometry.remember_size`."""
        seconds, samples, fresh = sights.seconds, sights.samples, sights.fresh
        error = point - sights.before
        error -= seconds * sights.velocity
        surprise = error * error
        swerve = (_SWERVE * seconds * seconds) * size[1]
        swerve *= swerve
        surprise -= swerve
        np.maximum(surprise, _NOTHING, out=surprise)
        surprise *= _HALF  # half of the surprise is the last position's, half this one's
        surprise -= sights.noise
        if fresh is None:
            surprise *= np.maximum(seconds / (seconds + _JITTER_MEMORY), _ONE / samples)
            error *= 1 / (seconds + _VELOCITY_MEMORY)
        else:
            surprise *= np.maximum(seconds / (seconds + _JITTER_MEMORY), 1 / np.maximum(samples, 1))
            surprise[:, samples < 2] = 0.0
            error *= np.where(samples == 1, 1 / seconds, 1 / (seconds + _VELOCITY_MEMORY))
            error[:, fresh] = 0.0
            sights.first[fresh] = time
            sights.first_point[:, fresh] = point[:, fresh]
        sights.noise += surprise
        sights.velocity += error
        samples += _ONE
        sights.last[:] = time
        sights.point[:] = point
        sights.size[:] = size
