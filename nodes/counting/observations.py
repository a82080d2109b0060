"""The tracks observed in one frame, and the estimate of their motion: position, velocity, size and noise."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from metrica.nodes.geometry.arrays import Bool, Float64, Index, Int32
from metrica.nodes.geometry.segments import Point

LAST_SEEN, FIRST_SEEN, SAMPLES = 0, 1, 2
"""Rows of a motion array that hold one number per track."""
POINT, VELOCITY, SIZE, NOISE, FIRST_POINT = (slice(i, i + 2) for i in (3, 5, 7, 9, 11))
"""Rows of a motion array that hold an x and a y, or a width and a height, per track."""
MOTION_ROWS = 13
"""How many numbers a motion array holds per track."""

SHORTEST_INTERVAL = 1e-3
"""Seconds; two frames that are closer in time count as this far apart, so that no speed becomes infinite."""
VELOCITY_MEMORY = 0.3
"""Time constant of the average of the velocity, seconds."""
NOISE_MEMORY = 1.0
"""Time constant of the average of the noise, seconds."""
SWERVE = 1.0
"""Half the acceleration that a walking person may show before it counts as noise, box heights per second squared."""

# An operation on a small array and a Python number takes twice as long as one on two arrays.
_HALF: Float64 = np.array(0.5)
_ZERO: Float64 = np.array(0.0)
_ONE: Float64 = np.array(1.0)


class Motion(NamedTuple):
    """The motion of one track as plain numbers, in the order of a motion array. Pixels and seconds."""

    last_seen: float
    """When the track was last observed."""
    first_seen: float
    """When the track was first observed."""
    samples: float
    """How often the track was observed."""
    x: float
    """Last position of the anchor."""
    y: float
    """Last position of the anchor."""
    speed_x: float
    """Velocity of the anchor, pixels per second."""
    speed_y: float
    """Velocity of the anchor, pixels per second."""
    width: float
    """Width of the whole person."""
    height: float
    """Height of the whole person."""
    noise_x: float
    """Variance of the anchor's position, pixels squared."""
    noise_y: float
    """Variance of the anchor's position, pixels squared."""
    first_x: float
    """First position of the anchor."""
    first_y: float
    """First position of the anchor."""

    @property
    def point(self) -> Point:
        """Last position of the anchor."""
        return self.x, self.y

    @property
    def first_point(self) -> Point:
        """First position of the anchor."""
        return self.first_x, self.first_y


class Observations:
    """The N tracks observed in one frame.

    The track is the last index of every array, so points are [2, N]: the rows are contiguous in memory then, which
    halves the cost of an operation on a few dozen tracks.
    """

    def __init__(self, rows: Index, motion: Float64, side: Float64) -> None:
        """See the attributes of the same names. `motion` is kept and changed in place."""
        self.rows = rows
        """The row of each track in the track table, [N]."""
        self.motion = motion
        """The motion of each track, [13, N]; `last_seen`, `point` and so on are views of it."""
        self.side = side
        """The confirmed side of each line, [L, N]: 1 IN side, -1 OUT side, 0 unknown."""
        self.previous: Float64 = motion[POINT]
        """The position of each track when it was observed before this frame, [2, N]; meaningless for a new track."""
        self.distance: Float64 | None = None
        """The signed distance of each track from each line at its last observation, [L, N] pixels; None if unknown."""
        self.elapsed: Float64 | float = 0.0
        """Seconds since each track was observed before this frame, [N]; one number if it is the same for all."""
        self.ages: Int32 = np.zeros(len(rows), np.int32)
        """Age of each track, frames, [N]."""
        self.new: Bool | None = None
        """Which tracks are observed for the first time, [N]; None if all have been observed twice or more."""
        self.last_seen, self.first_seen, self.samples = motion[LAST_SEEN], motion[FIRST_SEEN], motion[SAMPLES]
        self.point, self.velocity, self.size = motion[POINT], motion[VELOCITY], motion[SIZE]
        self.noise, self.first_point = motion[NOISE], motion[FIRST_POINT]

    def motion_of(self, i: int) -> Motion:
        """The motion of track i."""
        return Motion(*self.motion[:, i].tolist())

    def previous_point(self, i: int) -> Point:
        """The position of track i at its previous observation."""
        return self.previous.item(0, i), self.previous.item(1, i)

    def elapsed_of(self, i: int) -> float:
        """Seconds since the previous observation of track i."""
        return float(self.elapsed[i]) if isinstance(self.elapsed, np.ndarray) else self.elapsed

    def update_motion(self, time: float, point: Float64, size: Float64) -> None:
        """Update the motion of every track with its new position [2, N] and size [2, N], pixels.

        The velocity is an exponential average. The noise is the variance of the difference between the position that
        the velocity predicts and the observed one; what an acceleration of a walking person explains is left out.
        tests/nodes/counting/test_observations.py has the same calculation written for one track at a time.
        """
        elapsed, samples, new = self.elapsed, self.samples, self.new
        error = point - self.previous
        error -= elapsed * self.velocity
        variance = error * error
        swerve = (SWERVE * elapsed * elapsed) * size[1]
        swerve *= swerve
        variance -= swerve
        np.maximum(variance, _ZERO, out=variance)
        variance *= _HALF  # two noisy positions take part in the difference: this one and the previous one
        variance -= self.noise
        if new is None:
            variance *= np.maximum(elapsed / (elapsed + NOISE_MEMORY), _ONE / samples)
            error *= 1 / (elapsed + VELOCITY_MEMORY)
        else:
            variance *= np.maximum(elapsed / (elapsed + NOISE_MEMORY), 1 / np.maximum(samples, 1))
            variance[:, samples < 2] = 0.0
            error *= np.where(samples == 1, 1 / elapsed, 1 / (elapsed + VELOCITY_MEMORY))
            error[:, new] = 0.0
            self.first_seen[new] = time
            self.first_point[:, new] = point[:, new]
        self.noise += variance
        self.velocity += error
        samples += _ONE
        self.last_seen[:] = time
        self.point[:] = point
        self.size[:] = size
