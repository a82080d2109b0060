"""The tracks that are seen in a frame, as arrays that the counting rule reckons with."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from metrica.nodes.geometry.arrays import Bool, Float64, Index, Int32
from metrica.nodes.geometry.segments import Point

LAST, FIRST, SAMPLES = 0, 1, 2
POINT, VELOCITY, SIZE, NOISE, FIRST_POINT = (slice(i, i + 2) for i in (3, 5, 7, 9, 11))
WIDTH = 13
"""Where the parts of the motion of a track are."""


class Motion(NamedTuple):
    """The `motion` of one track, as numbers."""

    last: float
    first: float
    samples: float
    x: float
    y: float
    speed_x: float
    speed_y: float
    width: float
    height: float
    noise_x: float
    noise_y: float
    first_x: float
    first_y: float

    @property
    def point(self) -> Point:
        return self.x, self.y

    @property
    def first_point(self) -> Point:
        return self.first_x, self.first_y


class Sights:
    """The tracks seen in one frame; coordinates first, so [2, N], and the last index of every array is the track."""

    def __init__(self, rows: Index, motion: Float64, side: Float64) -> None:
        self.rows = rows
        self.motion = motion
        """[13, N]: as in Columns."""
        self.side = side
        """[L, N]: as in Columns."""
        self.before: Float64 = motion[POINT]
        """Where they were a frame ago, [2, N]; of a track never seen before that means nothing."""
        self.distance: Float64 | None = None
        """How far they were from each line when they were last seen, [L, N]; None if that is not known yet."""
        self.seconds: Float64 | float = 0.0
        """How long ago that was, [N], or one number for all."""
        self.ages: Int32 = np.zeros(len(rows), np.int32)
        """Frames since they were born, [N]."""
        self.fresh: Bool | None = None
        """Never seen before, [N]; None if that is none of them, and all have been seen twice."""
        self.last, self.first, self.samples = motion[LAST], motion[FIRST], motion[SAMPLES]
        self.point, self.velocity, self.size = motion[POINT], motion[VELOCITY], motion[SIZE]
        self.noise, self.first_point = motion[NOISE], motion[FIRST_POINT]

    def of(self, i: int) -> Motion:
        """What is known of one of them."""
        return Motion(*self.motion[:, i].tolist())

    def point_before(self, i: int) -> Point:
        """Where one of them was a frame ago."""
        return self.before.item(0, i), self.before.item(1, i)

    def ago(self, i: int) -> float:
        """How long ago one of them was seen, seconds."""
        return self.seconds if isinstance(self.seconds, float) else float(self.seconds[i])
