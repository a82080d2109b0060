"""A few OpenCV filters typed for float32 pictures; the rooms `figures` and `world` use them."""

from __future__ import annotations

import cv2
import numpy as np

from metrica.nodes.geometry.arrays import Floats


def shrink(picture: Floats, width: int, height: int) -> Floats:
    """Shrink a picture: to half or less by the mean of the pixels, to more than half by interpolation."""
    how = cv2.INTER_AREA if picture.shape[0] >= 2 * height else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(picture, (width, height), interpolation=how), np.float32)


def enlarge(picture: Floats, width: int, height: int) -> Floats:
    """Enlarge a picture by linear interpolation."""
    return np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)


def gaussian_blur(picture: Floats, sigma: float, sigma_y: float = 0.0) -> Floats:
    """Blur a picture. sigma: standard deviation in pixels; sigma_y: in the other direction, 0: the same."""
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma, sigmaY=sigma_y), np.float32)


def convolve(picture: Floats, kernel: Floats) -> Floats:
    """Convolve a picture with a kernel; beyond the border everything is 0."""
    return np.asarray(cv2.filter2D(picture, -1, kernel, borderType=cv2.BORDER_CONSTANT), np.float32)
