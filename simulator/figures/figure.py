"""A person as it is drawn: mesh and texture, placed in the world and shaded."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import cv2
import numpy as np

from metrica.messages import Image
from metrica.nodes.geometry.arrays import Floats
from metrica.simulator.figures.body import body_mesh, pushed_mesh
from metrica.simulator.figures.gait import MovementStyle, bone_matrices, joint_angles
from metrica.simulator.figures.looks import Look
from metrica.simulator.figures.mesh import Mesh, rotated
from metrica.simulator.figures.texture import paint_texture


@dataclass(frozen=True, slots=True)
class Light:
    """How people are lit. Directions point to the light; strengths are parts of usual brightness."""

    ambient: float = 0.55
    """Strength of the light from everywhere."""
    key: float = 0.5
    """Strength of the main light, which casts the shadows."""
    key_direction: tuple[float, float, float] = (0.2, -0.3, 0.93)
    fill: float = 0.25
    """Strength of the second light."""
    fill_direction: tuple[float, float, float] = (0.0, -1.0, 0.25)
    """By default from the door."""
    tint: tuple[float, float, float] = (1.0, 1.0, 1.0)
    """Colour of the light: factors on blue, green and red."""
    shadow: float = 0.35
    """Share of the light that a shadow takes away."""
    shadow_blur: float = 0.10
    """Softness of a shadow's edge, metres."""


@dataclass(frozen=True, slots=True)
class Stance:
    """Where a person stands, and the state of the movement."""

    x: float
    """Metres."""
    y: float
    """Metres."""
    heading: float
    """Degrees clockwise from +y."""
    phase: float = 0.0
    """Phase of the gait, radians."""
    speed: float = 0.0
    """Metres per second."""
    time: float = 0.0
    """Seconds, for the slow movements."""
    floor: float = 0.0
    """Height of the surface under the feet, metres."""


@dataclass(slots=True)
class Figure:
    """All that is needed to draw one person."""

    look: Look
    style: MovementStyle
    mesh: Mesh = field(repr=False)
    textures: list[Image] = field(repr=False)
    """The texture in full, half and quarter size."""
    pushed: Mesh | None = field(default=None, repr=False)
    """A pram or trolley that the person pushes; it uses the same textures."""


def make_figure(look: Look, style: MovementStyle, pushes: str = "") -> Figure:
    """Make mesh and textures; takes some milliseconds. pushes: pram, trolley or empty."""
    texture = paint_texture(look)
    textures = [texture]
    for _ in range(2):
        textures.append(
            np.asarray(cv2.resize(textures[-1], None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), np.uint8)
        )
    return Figure(look, style, body_mesh(look), textures, pushed_mesh(pushes, look.height) if pushes else None)


def placed(figure: Figure, stance: Stance) -> tuple[Floats, Floats]:
    """Points (metres) and normals of a figure in the world, [V, 3] each."""
    turns = joint_angles(stance.phase, stance.speed, figure.style, stance.time)
    points, normals = figure.mesh.posed(bone_matrices(turns, figure.look.height))
    at = np.array([stance.x, stance.y, stance.floor], np.float32)
    return rotated(points, stance.heading) + at, rotated(normals, stance.heading)


def placed_pushed(mesh: Mesh, stance: Stance) -> tuple[Floats, Floats]:
    """Points and normals of a pushed mesh in the world: it follows the person, and has no bones."""
    at = np.array([stance.x, stance.y, stance.floor], np.float32)
    return rotated(mesh.points, stance.heading) + at, rotated(mesh.normals, stance.heading)


def shade(points: Floats, normals: Floats, light: Light, height: float, level: float = 1.0) -> Floats:
    """Brightness of each point, [V], about 1. height: of the person, metres; level: brightness of the place."""
    up = 0.76 + 0.24 * normals[:, 2]
    key = np.maximum(0.0, normals @ _unit(light.key_direction))
    fill = np.maximum(0.0, normals @ _unit(light.fill_direction))
    # Less light reaches the legs.
    low = 1 - 0.22 * np.clip(1 - points[:, 2] / (0.45 * height), 0, 1)
    bright: Floats = level * (light.ambient * up + light.key * key + light.fill * fill) * low
    return bright.astype(np.float32)


def project_shadow(points: Floats, light: Light) -> Floats:
    """The points projected onto the floor along the key light, [V, 3]."""
    x, y, z = light.key_direction
    z = max(z, 0.25)
    flat = points.copy()
    flat[:, 0] -= points[:, 2] * (x / z)
    flat[:, 1] -= points[:, 2] * (y / z)
    flat[:, 2] = 0.004
    return flat


def _unit(direction: tuple[float, float, float]) -> Floats:
    length = math.sqrt(sum(c * c for c in direction)) or 1.0
    return np.array([c / length for c in direction], np.float32)
