"""Photometric augmentation: random changes of light, colour, focus, noise and compression; nothing moves."""

from __future__ import annotations

from typing import cast

import cv2
import numpy as np

from metrica.models.training.pictures import Picture


def photometric(picture: Picture, rng: np.random.Generator) -> Picture:
    """The picture as another camera at another hour might have taken it, in the same size."""
    out = picture
    kind = rng.random()
    if kind < 0.12:
        out = infrared(out, rng)
    elif kind < 0.22:
        out = grey(out)
    elif kind < 0.75:
        out = hue(out, rng)
    out = curve(out, rng)
    if rng.random() < 0.2:
        out = blurred(out, rng)
    if rng.random() < 0.25:
        noise = rng.normal(0, rng.uniform(2, 14), (*out.shape[:2], 1 if rng.random() < 0.4 else 3))
        out = (out + noise).clip(0, 255).astype(np.uint8)
    if rng.random() < 0.3:
        out = compressed(out, int(rng.integers(18, 70)))
    return out


def grey(picture: Picture) -> Picture:
    """The picture without colour."""
    return cast(Picture, cv2.cvtColor(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR))


def infrared(picture: Picture, rng: np.random.Generator) -> Picture:
    """The picture in infrared, lit by the camera's own lamps: no colour, a bright middle and dark corners."""
    weights = rng.dirichlet([2.0, 2.0, 4.0]).astype(np.float32)
    light = picture.astype(np.float32) @ weights
    height, width = light.shape
    cx, cy = width * rng.uniform(0.3, 0.7), height * rng.uniform(0.3, 0.8)
    y, x = np.ogrid[:height, :width]
    distance = ((x - cx) / width) ** 2 + ((y - cy) / height) ** 2
    lit = (40 + light * rng.uniform(0.5, 0.9)) * np.exp(-distance * rng.uniform(0.5, 3.0))
    return cast(Picture, cv2.cvtColor(lit.clip(0, 255).astype(np.uint8), cv2.COLOR_GRAY2BGR))


def hue(picture: Picture, rng: np.random.Generator) -> Picture:
    """The picture with another hue, saturation and white balance."""
    space = cv2.cvtColor(picture, cv2.COLOR_BGR2HSV)
    table = (np.arange(256) + rng.uniform(-12, 12)) % 180
    space[..., 0] = cv2.LUT(space[..., 0], table.astype(np.uint8))
    space[..., 1] = cv2.LUT(space[..., 1], (np.arange(256) * rng.uniform(0.4, 1.6)).clip(0, 255).astype(np.uint8))
    out = cv2.cvtColor(space, cv2.COLOR_HSV2BGR)
    gains = rng.normal(1, 0.06, 3)
    tables = (np.arange(256)[:, None] * gains).clip(0, 255).astype(np.uint8)
    return cast(Picture, cv2.LUT(out, tables[None]))


def curve(picture: Picture, rng: np.random.Generator) -> Picture:
    """The picture with another exposure (gamma, gain and offset); one in ten as in a dark room."""
    gamma = float(np.exp(rng.normal(0, 0.25)))
    gain, offset = rng.uniform(0.75, 1.25), rng.uniform(-25, 25)
    if rng.random() < 0.1:
        gain, offset = rng.uniform(0.2, 0.5), rng.uniform(0, 15)
    values = 255 * (np.arange(256) / 255) ** gamma * gain + offset
    return cast(Picture, cv2.LUT(picture, values.clip(0, 255).astype(np.uint8)))


def blurred(picture: Picture, rng: np.random.Generator) -> Picture:
    """The picture out of focus, or blurred by motion."""
    if rng.random() < 0.5:
        return cast(Picture, cv2.GaussianBlur(picture, (0, 0), float(rng.uniform(0.5, 1.5))))
    length = int(rng.integers(3, 8))
    kernel = np.zeros((length, length), np.float32)
    middle = (length - 1) / 2
    angle = rng.uniform(0, np.pi)
    for step in np.linspace(-middle, middle, 2 * length):
        kernel[round(middle + step * np.sin(angle)), round(middle + step * np.cos(angle))] = 1
    return cast(Picture, cv2.filter2D(picture, -1, kernel / kernel.sum()))


def compressed(picture: Picture, quality: int) -> Picture:
    """The picture after JPEG compression."""
    _, code = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return cast(Picture, cv2.imdecode(code, cv2.IMREAD_COLOR))
