"""What a camera does to a picture: exposure, night mode, vignette, blur, noise and compression."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from metrica.messages import Image
from metrica.nodes.geometry.arrays import Floats
from metrica.simulator.figures.filters import gaussian_blur
from metrica.simulator.figures.sampling import choose


@dataclass(frozen=True, slots=True)
class CameraEffects:
    """The properties of one camera's optics, sensor and compression."""

    gain: float = 1.0
    """Exposure, 1 is usual."""
    contrast: float = 1.0
    """Contrast about middle grey; 1 leaves it as it is."""
    warmth: float = 0.0
    """White balance: above 0 redder, below 0 bluer."""
    vignette: float = 0.12
    """Share of the light that the corners of the picture lose."""
    blur: float = 0.4
    """Standard deviation of the optical blur, pixels; up to 0.3 there is none."""
    noise: float = 2.5
    """Standard deviation of the sensor's noise, in grey levels of 255."""
    quality: int = 75
    """Quality of the JPEG compression, 1 to 100; 0 leaves it out."""
    night: bool = False
    """Infrared: a grey picture, lit in the middle."""
    drift: float = 0.04
    """Share by which the exposure rises and falls over minutes."""
    sharpen: float = 0.0
    """Strength of the sharpening (unsharp mask)."""


def random_effects(rng: np.random.Generator, night: float = 0.12) -> CameraEffects:
    """Random properties; `night` is the probability of night mode."""
    dark = bool(rng.random() < night)
    return CameraEffects(
        gain=float(np.exp(rng.normal(0.0, 0.14))),
        contrast=float(rng.uniform(0.8, 1.2)),
        warmth=float(rng.normal(0, 0.05)),
        vignette=float(rng.uniform(0, 0.3)),
        blur=float(rng.uniform(0.2, 0.9)),
        noise=float(rng.uniform(0.5, 4) if not dark else rng.uniform(3, 9)),
        quality=choose(rng, (0, int(rng.integers(25, 60)), int(rng.integers(60, 95))), (1, 2, 3)),
        night=dark,
        drift=float(rng.uniform(0, 0.08)),
        sharpen=float(max(0.0, rng.uniform(-0.6, 0.9))),
    )


class Sensor:
    """Turns painted scenes into the pictures of one camera. The same seed gives the same noise."""

    def __init__(self, effects: CameraEffects, width: int, height: int, seed: int) -> None:
        self.effects = effects
        self._seed = seed
        rng = np.random.default_rng(seed)
        grain = rng.standard_normal((height + 64, width + 64, 1 if effects.night else 3), np.float32)
        # A sensor mixes the colours of neighbouring elements, so the noise of the three colours is correlated.
        grain = 0.6 * grain + 0.5 * grain[:, :, :1]
        self._pool = (
            np.repeat(grain, 3, axis=2)[:, :, :3] * np.float32(effects.noise)
            if effects.night
            else grain * np.float32(effects.noise)
        )
        y, x = np.mgrid[0:height, 0:width].astype(np.float32)
        r = ((x - width / 2) ** 2 + (y - height / 2) ** 2) / (width**2 + height**2) * 4
        shading = 1 - effects.vignette * r
        if effects.night:
            shading *= 0.55 + 0.75 * np.exp(-r / 0.35)
        balance = np.array([1 - effects.warmth, 1.0, 1 + effects.warmth], np.float32)
        self._shading = (shading[:, :, None] * balance * effects.gain).astype(np.float32)

    def picture(self, scene: Floats, number: int, time: float) -> Image:
        """The picture of a scene [H, W, 3], 0 to 255, as frame `number` at `time` (seconds)."""
        effects = self.effects
        rng = np.random.default_rng((self._seed, number))
        light = 1 + effects.drift * (math.sin(time / 37) + 0.5 * math.sin(time / 11.3)) * 0.7
        image = scene * self._shading
        image *= np.float32(light)
        if effects.night:
            grey = image @ np.array([0.25, 0.45, 0.30], np.float32)
            image = np.repeat(grey[:, :, None], 3, axis=2)
        if effects.blur > 0.3:
            image = gaussian_blur(image, effects.blur)
        if effects.sharpen > 0.05:
            image = image + effects.sharpen * (image - gaussian_blur(image, 1.2))
        if effects.contrast != 1:
            image = image * effects.contrast + 118 * (1 - effects.contrast)
        if effects.noise > 0:
            h, w = image.shape[:2]
            y, x = (int(v) for v in rng.integers(0, 64, 2))
            image += self._pool[y : y + h, x : x + w]
        exposed: Image = np.clip(image, 0, 255).astype(np.uint8)
        if effects.quality:
            _, data = cv2.imencode(".jpg", exposed, [cv2.IMWRITE_JPEG_QUALITY, effects.quality])
            exposed = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)
        return exposed
