"""A Kalman filter for all tracks at once: constant velocity, position and size measured.

The state of a track is (cx, cy, w, h, vx, vy, vw, vh), pixels and pixels per second. Neither the motion model nor the
noise mixes one coordinate with another, so the 8x8 covariance of a track consists of four 2x2 blocks, one for each
coordinate and its velocity, and zeros. Of each block, three numbers are kept: the variance of the position, the
covariance of position and velocity, and the variance of the velocity. This is the full filter, not an approximation:
tests/nodes/tracking/test_kalman.py compares it with filterpy's.

The noise is in proportion to the height of the box, as in DeepSORT (Wojke et al., ICIP 2017) and ByteTrack (Zhang et
al., ECCV 2022). Their constants are per frame at 30 frames/s; `predict` takes seconds, and one step over n frames gives
the same covariance as n steps over one frame.
"""

from __future__ import annotations

import numpy as np

from metrica.nodes.geometry.arrays import Float64
from metrica.nodes.tracking.frame_clock import REFERENCE_FPS

POSITION_NOISE = 1 / 20
"""Standard deviation of the measurement noise, and of the position's process noise in 1/30 s, in box heights."""
VELOCITY_NOISE = REFERENCE_FPS / 160
"""Standard deviation of the velocity's process noise in 1/30 s, in box heights per second."""
_FRAME = 1.0 / REFERENCE_FPS

POSITION, CROSS, VELOCITY = 0, 1, 2
"""The three numbers kept of a 2x2 block: position variance, position-velocity covariance, velocity variance."""


def start(measured: Float64) -> tuple[Float64, Float64]:
    """States [N, 8] and covariances [N, 4, 3] of tracks first seen at `measured` (cx, cy, w, h), [N, 4]."""
    mean = np.zeros((len(measured), 8))
    mean[:, :4] = measured
    covariance = np.zeros((len(measured), 4, 3))
    height = measured[:, 3:4]
    covariance[:, :, POSITION] = (2 * POSITION_NOISE * height) ** 2
    covariance[:, :, VELOCITY] = (10 * VELOCITY_NOISE * height) ** 2
    return mean, covariance


def predict(mean: Float64, covariance: Float64, seconds: float) -> None:
    """Prediction step: replace states [N, 8] and covariances [N, 4, 3], in place, by those `seconds` later."""
    frames = seconds / _FRAME
    height_squared = mean[:, 3:4] ** 2
    position_noise = POSITION_NOISE**2 * height_squared
    velocity_noise = VELOCITY_NOISE**2 * height_squared
    mean[:, :4] += seconds * mean[:, 4:]
    position, cross, velocity = covariance[:, :, POSITION], covariance[:, :, CROSS], covariance[:, :, VELOCITY]
    # What n steps of P = F P F' + Q add up to, in closed form, so that one step over several frames is exact: the
    # velocity noise of a frame reaches the position in all later frames. Sums over k = 0..n-1 of k^2 and of k.
    sum_of_squares = _FRAME**2 * (frames - 1) * frames * (2 * frames - 1) / 6
    position += (
        seconds * (2 * cross + seconds * velocity) + frames * position_noise + max(sum_of_squares, 0.0) * velocity_noise
    )
    cross += seconds * velocity + max(_FRAME * frames * (frames - 1) / 2, 0.0) * velocity_noise
    velocity += frames * velocity_noise


def correct(
    mean: Float64, covariance: Float64, measured: Float64, noise: Float64 | None = None
) -> tuple[Float64, Float64]:
    """Update step: the states [N, 8] and covariances [N, 4, 3] after one measurement of every track.

    mean, covariance: predicted; they are not changed. measured: (cx, cy, w, h), [N, 4]. noise: factor on the standard
    deviation of the measurement noise of each track, [N]; 1 without it.
    """
    position, cross, velocity = covariance[:, :, POSITION], covariance[:, :, CROSS], covariance[:, :, VELOCITY]
    innovation = measured - mean[:, :4]
    measurement_noise = POSITION_NOISE * mean[:, 3:4]
    if noise is not None:
        measurement_noise = measurement_noise * noise[:, None]
    innovation_covariance = position + measurement_noise**2
    position_gain = position / innovation_covariance
    velocity_gain = cross / innovation_covariance
    updated_mean = np.empty_like(mean)
    updated_mean[:, :4] = mean[:, :4] + position_gain * innovation
    updated_mean[:, 4:] = mean[:, 4:] + velocity_gain * innovation
    updated_covariance = np.empty_like(covariance)
    updated_covariance[:, :, POSITION] = (1 - position_gain) * position
    updated_covariance[:, :, CROSS] = (1 - position_gain) * cross
    updated_covariance[:, :, VELOCITY] = velocity - velocity_gain * cross
    return updated_mean, updated_covariance


def to_centre(boxes: Float64) -> Float64:
    """Convert boxes from corners (x1, y1, x2, y2) to centre and size (cx, cy, w, h), [N, 4]."""
    centred = np.empty((len(boxes), 4))
    size = np.subtract(boxes[:, 2:], boxes[:, :2], out=centred[:, 2:])
    np.add(boxes[:, :2], size / 2, out=centred[:, :2])
    return centred


def to_corners(states: Float64) -> Float64:
    """Convert states, (cx, cy, w, h) in their first four columns, to corners (x1, y1, x2, y2), [N, 4]."""
    boxes = np.empty((len(states), 4))
    half = states[:, 2:4] / 2
    np.subtract(states[:, :2], half, out=boxes[:, :2])
    np.add(states[:, :2], half, out=boxes[:, 2:])
    return boxes
