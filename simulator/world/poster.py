"""Draws posters: areas of colour, lines of text, and often a picture of a person, which is no person to detect."""

from __future__ import annotations

import cv2
import numpy as np

from metrica.messages import Image
from metrica.nodes.geometry.arrays import Floats
from metrica.simulator.figures.figure import Light, Stance, make_figure, placed, shade
from metrica.simulator.figures.gait import MovementStyle
from metrica.simulator.figures.looks import adult
from metrica.simulator.figures.sampling import choose
from metrica.simulator.world.camera import Camera
from metrica.simulator.world.draw import composite, render
from metrica.simulator.world.material import SIZE


def poster(rng: np.random.Generator) -> Image:
    """A random poster, [SIZE, SIZE, 3], BGR; the room stretches it to one and a half times its width."""
    fade = np.linspace(float(rng.uniform(0.6, 1)), 1, SIZE)[:, None, None]
    picture: Floats = (np.ones((SIZE, SIZE, 3)) * rng.uniform(30, 250, 3) * fade).astype(np.float32)
    for _ in range(int(rng.integers(1, 5))):
        at = tuple(int(v) for v in rng.integers(20, SIZE - 20, 2))
        axes = tuple(int(v) for v in rng.integers(12, 80, 2))
        cv2.ellipse(picture, at, axes, float(rng.uniform(0, 180)), 0, 360, rng.uniform(0, 255, 3).tolist(), -1)
    if rng.random() < 0.6:
        _draw_person(picture, rng)
    ink = rng.uniform(0, 255, 3).tolist()
    for y in range(int(rng.integers(10, 200)), SIZE - 10, 18):
        cv2.rectangle(picture, (20, y), (int(rng.integers(60, SIZE - 20)), y + 8), ink, -1)
        if rng.random() < 0.4:
            break
    done: Image = np.clip(picture, 0, 255).astype(np.uint8)
    return done


def _draw_person(picture: Floats, rng: np.random.Generator) -> None:
    """Draw a person into a poster, whole or from the waist up; too wide, because the poster is stretched in height."""
    style = MovementStyle(
        hold=choose(rng, ("", "pockets", "fold", "carry")), head_down=0.0, seed=float(rng.uniform(0, 9))
    )
    figure = make_figure(adult(rng), style)
    whole = rng.random() < 0.6
    camera = Camera(0, 3.0, 1.0 if whole else 1.35, 180, 0, 46 if whole else 24, SIZE, SIZE)
    points, normals = placed(figure, Stance(0.0, 0.0, float(rng.normal(0, 25))))
    points[:, 0] *= 1.7
    light = Light(fill_direction=(0.3, 1.0, 0.3))
    bright = shade(points, normals, light, figure.look.height)
    layer = render(camera, points, figure.mesh.triangles, figure.mesh.uv, bright, figure.textures)
    if layer:
        composite(picture, layer, np.zeros((SIZE, SIZE), np.int16), 1)
