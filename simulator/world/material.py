"""Random textures for the room: floors, walls, goods on shelves, the street outside."""

from __future__ import annotations

import cv2
import numpy as np

from metrica.messages import Image
from metrica.nodes.geometry.arrays import Floats
from metrica.simulator.figures.filters import enlarge, gaussian_blur

SIZE = 256
"""Width and height of a texture, pixels."""


def _noise(rng: np.random.Generator, sigma: float, amount: float, sigma_y: float | None = None) -> Floats:
    """Smooth noise around 1, [SIZE, SIZE, 1], with standard deviation `amount`; sigma: its scale in pixels."""
    # Smooth noise is made small and enlarged, which is faster.
    wide, tall = (SIZE // max(1, int(s / 1.5)) for s in (sigma, sigma_y or sigma))
    raw = rng.standard_normal((tall, wide), np.float32)
    pad = 4
    raw = gaussian_blur(np.pad(raw, pad, mode="wrap"), sigma * wide / SIZE, (sigma_y or sigma) * tall / SIZE)
    even = enlarge(raw[pad:-pad, pad:-pad], SIZE, SIZE)
    smooth: Floats = (1 + amount * even / max(float(even.std()), 1e-6)).astype(np.float32)
    return smooth[:, :, None]


def _done(picture: Floats) -> Image:
    done: Image = np.clip(picture, 0, 255).astype(np.uint8)
    return done


def _flat(colour: tuple[float, float, float]) -> Floats:
    return np.full((SIZE, SIZE, 3), colour, np.float32)


def floor(rng: np.random.Generator) -> Image:
    """Tiles, boards, concrete, carpet or terrazzo; two metres wide."""
    grey = float(rng.uniform(60, 215))
    tone = np.array([grey, grey, grey]) + rng.normal(0, 6, 3) + [-8, 0, 8]
    picture: Floats = (_flat((1, 1, 1)) * tone).astype(np.float32)
    kind = int(rng.integers(5))
    if kind == 0:
        n = int(rng.choice([2, 4, 5, 8]))
        side = SIZE / n
        for i in range(n):
            for j in range(n):
                a, b, c, d = (round(v * side) for v in (i, i + 1, j, j + 1))
                picture[a:b, c:d] *= rng.normal(1, 0.03) * (0.75 if (i + j) % 2 and grey > 150 and n == 4 else 1)
        for i in range(n):
            picture[round(i * side)] *= 0.72
            picture[:, round(i * side)] *= 0.72
        picture *= _noise(rng, 8, 0.03)
    elif kind == 1:
        picture = _flat((60, 95, 140)) * rng.uniform(0.6, 1.4)
        for i in range(0, SIZE, 16):
            picture[i : i + 16] *= rng.normal(1, 0.08)
            picture[i] *= 0.6
            cut = int(rng.integers(SIZE))
            picture[i : i + 16, cut : cut + 1] *= 0.6
        picture *= _noise(rng, 20, 0.07, 0.8)
    elif kind == 2:
        picture *= _noise(rng, 18, 0.08) * _noise(rng, 2, 0.02)
    elif kind == 3:
        picture *= np.array(rng.uniform(0.5, 1.1, 3)) * _noise(rng, 0.8, 0.10) * _noise(rng, 10, 0.04)
    else:
        picture *= np.where(_noise(rng, 1.6, 1.0) > 2.0, rng.uniform(0.5, 0.8), 1.0) * _noise(rng, 20, 0.03)
    return _done(picture)


def wall(rng: np.random.Generator) -> Image:
    """Paint, panels or bricks; three metres wide."""
    tone = rng.uniform(110, 235) + rng.normal(0, 10, 3)
    picture = _flat((1, 1, 1)) * tone * _noise(rng, 25, 0.02) * _noise(rng, 1, 0.008)
    kind = int(rng.integers(4))
    if kind == 0:
        for x in range(0, SIZE, 64):
            picture[:, x : x + 2] *= 0.7
    elif kind == 1:
        picture *= np.array([0.75, 0.85, 1.0]) * 0.8
        for row, y in enumerate(range(0, SIZE, 8)):
            picture[y] *= 0.7
            for x in range((row % 2) * 10, SIZE, 20):
                picture[y : y + 8, x : x + 19] *= rng.normal(1, 0.06)
                picture[y : y + 8, x] *= 0.75
    return _done(picture)


def ceiling(rng: np.random.Generator) -> Image:
    """Panels of 60 cm; 1.2 metres wide."""
    picture = _flat((1, 1, 1)) * rng.uniform(150, 225) * _noise(rng, 0.7, 0.02)
    picture[::128] *= 0.75
    picture[:, ::128] *= 0.75
    return _done(picture)


def wood(rng: np.random.Generator) -> Image:
    """A board of wood, metal or lacquer."""
    tone = np.array(
        ((60, 100, 150), (200, 200, 200), (50, 50, 52), (150, 170, 190), (90, 70, 60))[int(rng.integers(5))]
    )
    return _done(_flat((1, 1, 1)) * tone * rng.uniform(0.7, 1.2) * _noise(rng, 30, 0.06, 1.0))


def goods(rng: np.random.Generator) -> Image:
    """A full shelf: boxes, bottles, folded clothes or books side by side; a metre wide, 40 cm high."""
    picture = _flat((25, 27, 30))
    kind = int(rng.integers(4))
    x = 0
    while x < SIZE:
        colour = rng.uniform(20, 235, 3) if rng.random() < 0.7 else np.full(3, rng.uniform(30, 230))
        wide, times = int(rng.integers(*((10, 36), (9, 18), (40, 70), (4, 12))[kind])), int(rng.integers(1, 5))
        tall = int(rng.integers(120, 245))
        for _ in range(times):
            x2 = min(SIZE, x + wide)
            if kind == 1:  # bottles
                cv2.rectangle(picture, (x + 1, SIZE - tall + 50), (x2 - 2, SIZE), colour.tolist(), -1)
                m = (x + x2) // 2
                cv2.rectangle(picture, (m - 2, SIZE - tall), (m + 2, SIZE - tall + 50), (colour * 0.8).tolist(), -1)
                cv2.rectangle(
                    picture,
                    (x + 1, SIZE - tall // 2),
                    (x2 - 2, SIZE - tall // 4),
                    rng.uniform(120, 250, 3).tolist(),
                    -1,
                )
            elif kind == 2:  # folded
                for y in range(SIZE, SIZE - tall, -22):
                    c = np.clip(colour * rng.uniform(0.6, 1.3), 0, 255)
                    cv2.rectangle(picture, (x + 2, y - 20), (x2 - 3, y), c.tolist(), -1)
                    cv2.line(picture, (x + 2, y - 20), (x2 - 3, y - 20), (c * 0.6).tolist(), 2)
            else:
                cv2.rectangle(picture, (x, SIZE - tall), (x2 - 1, SIZE), colour.tolist(), -1)
                mark = rng.uniform(0, 255, 3).tolist()
                cv2.rectangle(picture, (x + 2, SIZE - tall + 20), (x2 - 3, SIZE - tall + 20 + tall // 4), mark, -1)
                cv2.line(picture, (x2 - 1, SIZE - tall), (x2 - 1, SIZE), (colour * 0.4).tolist(), 1)
            x += wide
            if x >= SIZE:
                break
    picture[:40] *= np.linspace(0.4, 1, 40)[:, None, None]
    return _done(picture * _noise(rng, 1, 0.03))


def street(rng: np.random.Generator) -> Image:
    """The street seen through the door: facades, a strip of sky, parked cars, out of focus."""
    picture = _flat((1, 1, 1)) * rng.uniform(120, 210) + rng.normal(0, 12, 3)
    sky = int(rng.integers(20, 90))
    picture[:sky] = np.array([235, 225, 215]) * rng.uniform(0.8, 1.05)
    x = 0
    while x < SIZE:
        wide = int(rng.integers(30, 90))
        tone = rng.uniform(60, 210) + rng.normal(0, 14, 3)
        picture[max(0, sky - int(rng.integers(-20, 25))) :, x : x + wide] = tone
        for wx in range(x + 6, x + wide - 8, 16):
            for wy in range(sky + 12, 170, 28):
                picture[wy : wy + 16, wx : wx + 9] = tone * rng.uniform(0.3, 0.7)
        picture[175:220, x + 4 : x + wide - 4] = tone * rng.uniform(0.3, 1.2, 3)
        x += wide
    picture[222:] = rng.uniform(90, 150)
    for _ in range(int(rng.integers(0, 4))):
        cx, colour = int(rng.integers(0, SIZE)), rng.uniform(20, 220, 3).tolist()
        cv2.rectangle(picture, (cx - 34, 205), (cx + 34, 226), colour, -1)
        cv2.rectangle(picture, (cx - 20, 190), (cx + 18, 206), (60, 60, 60), -1)
        for wheel in (-20, 20):
            cv2.circle(picture, (cx + wheel, 228), 7, (30, 30, 30), -1)
    return _done(gaussian_blur(picture.astype(np.float32), 1.5))


def pavement(rng: np.random.Generator) -> Image:
    """Paving slabs outside; two metres wide."""
    picture = _flat((1, 1, 1)) * rng.uniform(110, 190) * _noise(rng, 6, 0.05) * _noise(rng, 0.8, 0.04)
    picture[::64] *= 0.7
    picture[:, ::64] *= 0.7
    return _done(picture)
