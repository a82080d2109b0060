"""One Kalman step for all tracks at once: constant velocity, position measured.

The state of a track is (cx, cy, w, h, vx, vy, vw, vh), pixels and pixels per second. Motion and noise never mix
one coordinate with another, so the 8x8 covariance of a track is exactly four 2x2 blocks, one for each coordinate
and its velocity; a block is kept as its three different numbers (position, position-velocity, velocity). That is
the full filter, not an approximation of it: tests/nodes/tracking/test_kalman.py compares it with filterpy's.

Noise as in DeepSORT and ByteTrack (Wojke et al. 2017, Zhang et al. 2022): in proportion to the height of the box.
Their constants are per frame; here `predict` takes the time that has passed, and a step over n frames gives
the covariance that n steps over one frame would give.
"""

from __future__ import annotations

import numpy as np

from metrica.nodes.geometry.arrays import Float64
from metrica.nodes.tracking.tracker import REFERENCE_FPS

POSITION_NOISE = 1 / 20
"""Standard deviation of a position, measured or drifting over one frame of 1/30 s, in box heights."""
VELOCITY_NOISE = REFERENCE_FPS / 160
"""Standard deviation of what a velocity changes by in 1/30 s, in box heights per second."""
_FRAME = 1.0 / REFERENCE_FPS

POSITION, CROSS, VELOCITY = 0, 1, 2
"""The three numbers of a block of the covariance."""


def start(measured: Float64) -> tuple[Float64, Float64]:
    """Means [N, 8] and covariances [N, 4, 3] of tracks first seen at `measured` (cx, cy, w, h), [N, 4]."""
    mean = np.zeros((len(measured), 8))
    mean[:, :4] = measured
    covariance = np.zeros((len(measured), 4, 3))
    height = measured[:, 3:4]
    covariance[:, :, POSITION] = (2 * POSITION_NOISE * height) ** 2
    covariance[:, :, VELOCITY] = (10 * VELOCITY_NOISE * height) ** 2
    return mean, covariance


def predict(mean: Float64, covariance: Float64, seconds: float) -> None:
    """Move all tracks on by `seconds`, in place."""
    steps = seconds / _FRAME
    variance = mean[:, 3:4] ** 2
    drift = POSITION_NOISE**2 * variance
    kick = VELOCITY_NOISE**2 * variance
    mean[:, :4] += seconds * mean[:, 4:]
    position, cross, velocity = covariance[:, :, POSITION], covariance[:, :, CROSS], covariance[:, :, VELOCITY]
    # The sums over n single steps F Q F' in closed form, so that frames that were dropped change nothing.
    squares = _FRAME**2 * (steps - 1) * steps * (2 * steps - 1) / 6
    position += seconds * (2 * cross + seconds * velocity) + steps * drift + max(squares, 0.0) * kick
    cross += seconds * velocity + max(_FRAME * steps * (steps - 1) / 2, 0.0) * kick
    velocity += steps * kick


def correct(
    mean: Float64, covariance: Float64, measured: Float64, noise: Float64 | None = None
) -> tuple[Float64, Float64]:
    """Means and covariances after a measurement of every track, (cx, cy, w, h) [N, 4].

    `noise` [N]: by how many times the usual standard deviation each measurement may be off.
    """
    position, cross, velocity = covariance[:, :, POSITION], covariance[:, :, CROSS], covariance[:, :, VELOCITY]
    innovation = measured - mean[:, :4]
    spread = POSITION_NOISE * mean[:, 3:4]
    if noise is not None:
        spread = spread * noise[:, None]
    total = position + spread**2
    gain = position / total
    velocity_gain = cross / total
    better = np.empty_like(mean)
    better[:, :4] = mean[:, :4] + gain * innovation
    better[:, 4:] = mean[:, 4:] + velocity_gain * innovation
    surer = np.empty_like(covariance)
    surer[:, :, POSITION] = (1 - gain) * position
    surer[:, :, CROSS] = (1 - gain) * cross
    surer[:, :, VELOCITY] = velocity - velocity_gain * cross
    return better, surer


def to_centre(boxes: Float64) -> Float64:
    """x1, y1, x2, y2 [N, 4] as cx, cy, w, h [N, 4]."""
    states = np.empty((len(boxes), 4))
    size = np.subtract(boxes[:, 2:], boxes[:, :2], out=states[:, 2:])
    np.add(boxes[:, :2], size / 2, out=states[:, :2])
    return states


def to_corners(states: Float64) -> Float64:
    """cx, cy, w, h in the first four columns, [N, 4 or more], as x1, y1, x2, y2 [N, 4]."""
    boxes = np.empty((len(states), 4))
    half = states[:, 2:4] / 2
    np.subtract(states[:, :2], half, out=boxes[:, :2])
    np.add(states[:, :2], half, out=boxes[:, 2:])
    return boxes
