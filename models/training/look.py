"""The look of a picture: light, colour, lens, sensor and compression, changed anew each time a sample is seen."""

from __future__ import annotations

from typing import cast

import cv2
import numpy as np

from metrica.models.training.pictures import Picture


def photometric(picture: Picture, chance: np.random.Generator) -> Picture:
    """A picture as another camera at another hour might have taken it; the same size, nothing moves."""
    out = picture
    kind = chance.random()
    if kind < 0.12:
        out = infrared(out, chance)
    elif kind < 0.22:
        out = grey(out)
    elif kind < 0.75:
        out = hue(out, chance)
    out = curve(out, chance)
    if chance.random() < 0.2:
        out = blurred(out, chance)
    if chance.random() < 0.25:
        noise = chance.normal(0, chance.uniform(2, 14), (*out.shape[:2], 1 if chance.random() < 0.4 else 3))
        out = (out + noise).clip(0, 255).astype(np.uint8)
    if chance.random() < 0.3:
        out = compressed(out, int(chance.integers(18, 70)))
    return out


def grey(picture: Picture) -> Picture:
    """Without colour."""
    return cast(Picture, cv2.cvtColor(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR))


def infrared(picture: Picture, chance: np.random.Generator) -> Picture:
    """Lit by a camera's own lamps at night: no colour, cloth and skin alike, a bright middle, dark corners."""
    weights = chance.dirichlet([2.0, 2.0, 4.0]).astype(np.float32)
    light = picture.astype(np.float32) @ weights
    height, width = light.shape
    cx, cy = width * chance.uniform(0.3, 0.7), height * chance.uniform(0.3, 0.8)
    y, x = np.ogrid[:height, :width]
    distance = ((x - cx) / width) ** 2 + ((y - cy) / height) ** 2
    lit = (40 + light * chance.uniform(0.5, 0.9)) * np.exp(-distance * chance.uniform(0.5, 3.0))
    return cast(Picture, cv2.cvtColor(lit.clip(0, 255).astype(np.uint8), cv2.COLOR_GRAY2BGR))


def hue(picture: Picture, chance: np.random.Generator) -> Picture:
    """Colours turned, washed out or deepened, and the white balance moved."""
    space = cv2.cvtColor(picture, cv2.COLOR_BGR2HSV)
    table = (np.arange(256) + chance.uniform(-12, 12)) % 180
    space[..., 0] = cv2.LUT(space[..., 0], table.astype(np.uint8))
    space[..., 1] = cv2.LUT(space[..., 1], (np.arange(256) * chance.uniform(0.4, 1.6)).clip(0, 255).astype(np.uint8))
    out = cv2.cvtColor(space, cv2.COLOR_HSV2BGR)
    gains = chance.normal(1, 0.06, 3)
    tables = (np.arange(256)[:, None] * gains).clip(0, 255).astype(np.uint8)
    return cast(Picture, cv2.LUT(out, tables[None]))


def curve(picture: Picture, chance: np.random.Generator) -> Picture:
    """Exposure: gamma, gain and offset; now and then a dark room."""
    gamma = float(np.exp(chance.normal(0, 0.25)))
    gain, offset = chance.uniform(0.75, 1.25), chance.uniform(-25, 25)
    if chance.random() < 0.1:
        gain, offset = chance.uniform(0.2, 0.5), chance.uniform(0, 15)
    values = 255 * (np.arange(256) / 255) ** gamma * gain + offset
    return cast(Picture, cv2.LUT(picture, values.clip(0, 255).astype(np.uint8)))


def blurred(picture: Picture, chance: np.random.Generator) -> Picture:
    """Out of focus, or moved while exposed."""
    if chance.random() < 0.5:
        return cast(Picture, cv2.GaussianBlur(picture, (0, 0), float(chance.uniform(0.5, 1.5))))
    length = int(chance.integers(3, 8))
    kernel = np.zeros((length, length), np.float32)
    middle = (length - 1) / 2
    angle = chance.uniform(0, np.pi)
    for step in np.linspace(-middle, middle, 2 * length):
        kernel[round(middle + step * np.sin(angle)), round(middle + step * np.cos(angle))] = 1
    return cast(Picture, cv2.filter2D(picture, -1, kernel / kernel.sum()))


def compressed(picture: Picture, quality: int) -> Picture:
    """Through JPEG and back."""
    _, code = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return cast(Picture, cv2.imdecode(code, cv2.IMREAD_COLOR))
