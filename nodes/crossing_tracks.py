"""What the counting rule remembers of each track: one table of arrays, a row per track, rows used again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from metrica.nodes.association import Index
from metrica.nodes.tracker import Bool, Float64, Int64

_VELOCITY_MEMORY = 0.3
"""Seconds over which a velocity is averaged."""
_JITTER_MEMORY = 1.0
"""Seconds over which the noise of a position is averaged."""
_SWERVE = 1.0
"""Box heights per second squared (half the acceleration) that a walker may show before it counts as noise."""


_LAST, _FIRST, _SAMPLES = 0, 1, 2
_POINT, _VELOCITY, _SIZE, _NOISE = slice(3, 5), slice(5, 7), slice(7, 9), slice(9, 11)
_WIDTH = 11


@dataclass(slots=True)
class Columns:
    """Row i of every array is one track; T rows, L lines. Times in seconds, places in pixels.

    What changes in every frame lies together in `motion`, which is read and written at once; its parts have names.
    """

    motion: Float64
    """[T, 11]: `last`, `first`, `samples`, `point`, `velocity`, `size` and `noise`."""
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
    distance: Float64
    """The last distance to each line, positive on the IN side, [T, L]."""
    first_distance: Float64
    """The distance at first sight, [T, L]."""
    passed: Float64
    """When the line (or its extension) was last passed, [T, L]; NaN for never."""
    passed_at: Float64
    """How far along the line that was, [T, L]."""
    beyond: Int64
    """For how many sights in a row the track has been beyond the band on a side that is not its own, [T, L]."""

    @property
    def last(self) -> Float64:
        """When it was last seen."""
        return self.motion[:, _LAST]

    @property
    def first(self) -> Float64:
        """When the track was first seen; of the track it took over from, if there was one."""
        return self.motion[:, _FIRST]

    @property
    def point(self) -> Float64:
        """The anchor, [T, 2]."""
        return self.motion[:, _POINT]

    @property
    def velocity(self) -> Float64:
        """[T, 2], pixels per second."""
        return self.motion[:, _VELOCITY]

    @property
    def size(self) -> Float64:
        """Width and height of the whole person, [T, 2]; 0 before the first sight."""
        return self.motion[:, _SIZE]

    @property
    def noise(self) -> Float64:
        """Variance of the anchor around its motion in x and in y, pixels squared, [T, 2]."""
        return self.motion[:, _NOISE]


@dataclass(slots=True)
class Sights:
    """The tracks seen in one frame: what was known of them, and what is known now. Row i of all is one track."""

    rows: Index
    before: Float64
    """Their `motion` as it was, [N, 11]."""
    fresh: Bool
    """Never seen before, [N]."""
    young: bool
    """Some have been seen less than twice before."""

    @property
    def last(self) -> Float64:
        return self.before[:, _LAST]

    @property
    def point(self) -> Float64:
        return self.before[:, _POINT]

    @property
    def size(self) -> Float64:
        return self.before[:, _SIZE]


def _empty(rows: int, lines: int) -> Columns:
    def floats(*shape: int) -> Float64:
        return np.full((rows, *shape), np.nan)

    def counts(*shape: int) -> Int64:
        return np.zeros((rows, *shape), np.int64)

    motion = floats(_WIDTH)
    motion[:, _SAMPLES] = 0
    for part in (_VELOCITY, _SIZE, _NOISE):
        motion[:, part] = 0
    return Columns(
        motion=motion,
        age=counts(),
        head_start=counts(),
        taken_over=np.zeros(rows, np.bool_),
        ended=np.zeros(rows, np.bool_),
        side=np.zeros((rows, lines), np.int8),
        distance=floats(lines),
        first_distance=floats(lines),
        passed=floats(lines),
        passed_at=floats(lines),
        beyond=counts(lines),
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

    def see(self, ids: Int64) -> tuple[Index, list[int], set[int]]:
        """The rows of these tracks; which of them (positions in `ids`) are new; and the rows that were just lost."""
        raw = ids.tobytes()
        if raw == self._visible_ids:
            return self.visible, [], set()
        known = [self._rows.get(track) for track in ids.tolist()]
        born = [i for i, row in enumerate(known) if row is None]
        rows = np.array([self._add(int(ids[i])) if row is None else row for i, row in enumerate(known)], np.intp)
        now = set(rows.tolist())
        gone = set(self.visible.tolist()) - now
        self.lost = (self.lost | gone) - now
        self.visible, self._visible_ids = rows, raw
        self.columns.taken_over[rows] = self.columns.ended[rows] = False
        return rows, born, gone

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

    def before(self, rows: Index) -> Sights:
        """What is known of these tracks so far."""
        motion = self.columns.motion[rows]
        samples = motion[:, _SAMPLES]
        return Sights(rows, motion, samples == 0, bool(samples.min() < 2))

    def move(self, sights: Sights, time: float, point: Float64, size: Float64) -> None:
        """Note where these tracks are now; size as from `geometry.remember_size`."""
        old, new = sights.before, np.empty_like(sights.before)
        velocity, noise, samples = old[:, _VELOCITY], old[:, _NOISE], old[:, _SAMPLES, None]
        seconds = np.maximum(time - old[:, _LAST, None], 1e-3)
        error = point - old[:, _POINT] - velocity * seconds
        swerve = _SWERVE * size[:, 1:] * (seconds * seconds)
        # Half of the surprise is the last position's, half this one's.
        surprise = np.maximum(error * error - swerve * swerve, 0.0) / 2
        learn = np.maximum(seconds / (seconds + _JITTER_MEMORY), 1 / np.maximum(samples, 1))
        new[:, _LAST], new[:, _FIRST], new[:, _SAMPLES] = time, old[:, _FIRST], old[:, _SAMPLES] + 1
        new[:, _POINT], new[:, _SIZE] = point, size
        new[:, _VELOCITY] = velocity + error / (seconds + _VELOCITY_MEMORY)
        new[:, _NOISE] = noise + learn * (surprise - noise)
        if sights.young:
            once = samples[:, 0] == 1
            new[once, _VELOCITY] = (velocity + error / seconds)[once]
            new[sights.fresh, _FIRST], new[sights.fresh, _VELOCITY] = time, 0.0
            unsure = samples[:, 0] < 2
            new[unsure, _NOISE] = noise[unsure]
        self.columns.motion[sights.rows] = new
