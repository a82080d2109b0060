"""A person at a place: the mesh in its pose, and how bright each point is."""

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
    """How a place is lit. Directions point to where the light comes from."""

    ambient: float = 0.55
    key: float = 0.5
    key_direction: tuple[float, float, float] = (0.2, -0.3, 0.93)
    fill: float = 0.25
    fill_direction: tuple[float, float, float] = (0.0, -1.0, 0.25)
    """From the door."""
    tint: tuple[float, float, float] = (1.0, 1.0, 1.0)
    """Blue, green, red."""
    shadow: float = 0.35
    shadow_blur: float = 0.10
    """How soft a shadow's edge is, metres."""


@dataclass(frozen=True, slots=True)
class Stance:
    """Where a person is and how it moves: metres, degrees clockwise from +y, the phase of the gait, m/s."""

    x: float
    y: float
    heading: float
    phase: float = 0.0
    speed: float = 0.0
    time: float = 0.0
    floor: float = 0.0


@dataclass(slots=True)
class Figure:
    """What is drawn of one person (or of what it pushes)."""

    look: Look
    style: MovementStyle
    mesh: Mesh = field(repr=False)
    textures: list[Image] = field(repr=False)
    """The texture, and it made smaller: each half of the one before."""
    pushed: Mesh | None = field(default=None, repr=False)


def make_figure(look: Look, style: MovementStyle, pushes: str = "") -> Figure:
    """Builds mesh and texture, some milliseconds."""
    texture = paint_texture(look)
    textures = [texture]
    for _ in range(2):
        textures.append(
            np.asarray(cv2.resize(textures[-1], None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), np.uint8)
        )
    return Figure(look, style, body_mesh(look), textures, pushed_mesh(pushes, look.height) if pushes else None)


def placed(figure: Figure, stance: Stance) -> tuple[Floats, Floats]:
    """Points and normals of a figure in the world, [V, 3] each."""
    turns = joint_angles(stance.phase, stance.speed, figure.style, stance.time)
    points, normals = figure.mesh.posed(bone_matrices(turns, figure.look.height))
    at = np.array([stance.x, stance.y, stance.floor], np.float32)
    return rotated(points, stance.heading) + at, rotated(normals, stance.heading)


def placed_pushed(mesh: Mesh, stance: Stance) -> tuple[Floats, Floats]:
    """The same of what is pushed: it only follows."""
    at = np.array([stance.x, stance.y, stance.floor], np.float32)
    return rotated(mesh.points, stance.heading) + at, rotated(mesh.normals, stance.heading)


def shade(points: Floats, normals: Floats, light: Light, height: float, level: float = 1.0) -> Floats:
    """Brightness of each point, [V], around 1."""
    up = 0.76 + 0.24 * normals[:, 2]
    key = np.maximum(0.0, normals @ _unit(light.key_direction))
    fill = np.maximum(0.0, normals @ _unit(light.fill_direction))
    # Little light reaches between the legs and under the arms.
    low = 1 - 0.22 * np.clip(1 - points[:, 2] / (0.45 * height), 0, 1)
    bright: Floats = level * (light.ambient * up + light.key * key + light.fill * fill) * low
    return bright.astype(np.float32)


def project_shadow(points: Floats, light: Light) -> Floats:
    """The points as the key light throws them onto the floor, [V, 3]."""
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
