"""A few OpenCV functions with the types of what the simulator gives them: float32 in, float32 out."""

from __future__ import annotations

import cv2
import numpy as np

from metrica.nodes.geometry.arrays import Floats


def shrink(picture: Floats, width: int, height: int) -> Floats:
    """Made shrink: by the mean of the pixels, or between them where it is less than to a half."""
    how = cv2.INTER_AREA if picture.shape[0] >= 2 * height else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(picture, (width, height), interpolation=how), np.float32)


def enlarge(picture: Floats, width: int, height: int) -> Floats:
    """Enlarged smoothly."""
    return np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)


def gaussian_blur(picture: Floats, sigma: float, sigma_y: float = 0.0) -> Floats:
    """Gaussian blur."""
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma, sigmaY=sigma_y), np.float32)


def convolve(picture: Floats, kernel: Floats) -> Floats:
    """Convolved, with nothing beyond the border."""
    return np.asarray(cv2.filter2D(picture, -1, kernel, borderType=cv2.BORDER_CONSTANT), np.float32)
