"""The filter for all tracks at once is the full Kalman filter: filterpy gives the same numbers, track by track."""

from __future__ import annotations

import numpy as np
from filterpy.kalman import KalmanFilter
from hypothesis import given
from hypothesis import strategies as st

from metrica.nodes.geometry.arrays import Float64
from metrica.nodes.tracking import kalman
from metrica.nodes.tracking.frame_clock import REFERENCE_FPS

FRAME = 1 / REFERENCE_FPS


def dense(blocks: Float64) -> Float64:
    """The covariance matrix of one track, [8, 8], as filterpy has it, from the numbers that ours keeps, [4, 3]."""
    full = np.zeros((8, 8))
    i = np.arange(4)
    full[i, i] = blocks[:, kalman.POSITION]
    full[i, i + 4] = full[i + 4, i] = blocks[:, kalman.CROSS]
    full[i + 4, i + 4] = blocks[:, kalman.VELOCITY]
    return full


def reference(mean: Float64, blocks: Float64) -> KalmanFilter:
    """filterpy's filter of one track with this state [8] and covariance [4, 3]."""
    kf = KalmanFilter(dim_x=8, dim_z=4)
    kf.H = np.eye(4, 8)
    kf.x, kf.P = mean.reshape(8, 1).copy(), dense(blocks)
    return kf


def frame_step(kf: KalmanFilter) -> None:
    """One step of 1/30 s with the noise of DeepSORT and ByteTrack, which goes by the height of the box."""
    transition = np.eye(8) + FRAME * np.eye(8, k=4)
    height = kf.x[3, 0]
    noise = np.repeat([(height / 20) ** 2, (height * REFERENCE_FPS / 160) ** 2], 4)
    kf.predict(F=transition, Q=np.diag(noise))


def test_prediction_and_update_agree_with_filterpy() -> None:
    rng = np.random.default_rng(1)
    boxes = np.column_stack((rng.uniform(0, 1000, (7, 2)), rng.uniform(20, 300, (7, 2))))
    mean, covariance = kalman.start(boxes)
    filters = [reference(m, c) for m, c in zip(mean, covariance, strict=True)]
    assert all(np.array_equal(kf.H, np.hstack((np.eye(4), np.zeros((4, 4))))) for kf in filters)
    for _ in range(25):
        kalman.predict(mean, covariance, FRAME)
        measured = mean[:, :4] + rng.normal(0, 5, (7, 4))
        for kf, box in zip(filters, measured, strict=True):
            frame_step(kf)
            kf.update(box, R=np.eye(4) * (kf.x[3, 0] / 20) ** 2)
        mean, covariance = kalman.correct(mean, covariance, measured)
        for kf, m, c in zip(filters, mean, covariance, strict=True):
            np.testing.assert_allclose(m, kf.x[:, 0], rtol=1e-9, atol=1e-9)
            np.testing.assert_allclose(dense(c), kf.P, rtol=1e-9, atol=1e-9)


@given(st.integers(1, 40))
def test_one_long_step_equals_as_many_frames(frames: int) -> None:
    mean, covariance = kalman.start(np.array([[100.0, 200.0, 50.0, 120.0]]))
    mean[0, 4:7] = 30.0, -12.0, 2.0  # the height, which scales the noise, stays as it is
    long_mean, long_covariance = mean.copy(), covariance.copy()
    for _ in range(frames):
        kalman.predict(mean, covariance, FRAME)
    kalman.predict(long_mean, long_covariance, frames * FRAME)
    np.testing.assert_allclose(long_mean, mean, rtol=1e-9)
    np.testing.assert_allclose(long_covariance, covariance, rtol=1e-9)


@given(st.floats(0.001, 10.0), st.floats(1.0, 2000.0))
def test_a_covariance_stays_positive_definite_whatever_the_step(seconds: float, height: float) -> None:
    mean, covariance = kalman.start(np.array([[0.0, 0.0, height / 2, height]]))
    for _ in range(5):
        kalman.predict(mean, covariance, seconds)
        mean, covariance = kalman.correct(mean, covariance, mean[:, :4].copy())
        assert (np.linalg.eigvalsh(dense(covariance[0])) > 0).all()


def test_corners_and_centres_are_two_ways_to_write_a_box() -> None:
    boxes = np.array([[10.0, 20.0, 50.0, 100.0], [-5.0, 0.0, 5.0, 1.0]])
    np.testing.assert_allclose(kalman.to_corners(kalman.to_centre(boxes)), boxes)
