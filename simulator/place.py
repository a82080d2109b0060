"""Makes a place from a seed: the room, its light, the camera, and the line at which people are counted."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from metrica.errors import ParameterError
from metrica.nodes.geometry.anchors import Anchor
from metrica.simulator.address import SceneSettings, read_sim_address
from metrica.simulator.figures.figure import Light
from metrica.simulator.world.camera import Camera
from metrica.simulator.world.effects import CameraEffects
from metrica.simulator.world.room import Room, build_room


@dataclass(frozen=True, slots=True)
class Place:
    """A room with its camera and its counting line."""

    room: Room
    camera: Camera
    light: Light
    effects: CameraEffects
    line_y: float
    """y of the line on the floor, metres inside the door."""
    reach: float
    """Half the length of the line on the floor: from x = -reach to x = reach, metres."""
    line: tuple[int, int, int, int]
    """The line in the picture, x1, y1, x2, y2 in pixels; crossing from its left to its right is IN."""
    anchor: Anchor
    """The point of a box that must cross the line: `center` for a camera that looks straight down."""


def make_place(settings: SceneSettings) -> Place:
    """The place of these settings. Raises ParameterError if the camera does not see the line."""
    # Room, camera and light each have their own random numbers: a change to one leaves the others as they are.
    room = build_room(np.random.default_rng((settings.seed, 1)), settings.kind)
    camera, line_y = _camera(room, settings, np.random.default_rng((settings.seed, 4)))
    rng = np.random.default_rng((settings.seed, 5))
    room.outside = float(rng.uniform(0.1, 0.25)) if settings.night else max(room.outside, 0.85)
    room.ambient = float(rng.uniform(0.66, 0.8))
    camera = replace(
        camera,
        z=camera.z if math.isnan(settings.camera_height) else settings.camera_height,
        tilt=camera.tilt if math.isnan(settings.tilt) else settings.tilt,
        fov=camera.fov if math.isnan(settings.fov) else settings.fov,
    )
    if camera.z > room.height - 0.05:
        room.height = camera.z + 0.2
    reach = room.door + 0.35
    line = _line(camera, line_y, reach)
    angle = rng.uniform(0, 2 * math.pi)
    light = Light(
        ambient=float(rng.uniform(0.6, 0.8)),
        key=float(rng.uniform(0.25, 0.5)),
        key_direction=(0.4 * math.cos(angle), 0.4 * math.sin(angle), 0.9),
        fill=float(rng.uniform(0.1, 0.35)) if not settings.night else 0.05,
        shadow=float(rng.uniform(0.2, 0.4)),
        shadow_blur=float(rng.uniform(0.06, 0.14)),
    )
    effects = CameraEffects(
        gain=float(rng.uniform(0.9, 1.1)),
        warmth=float(rng.normal(0, 0.03)),
        vignette=float(rng.uniform(0.05, 0.2)),
        blur=float(rng.uniform(0.3, 0.6)),
        noise=float(rng.uniform(1.5, 3.0)) if not settings.night else float(rng.uniform(4, 7)),
        quality=int(rng.integers(55, 85)),
        night=bool(settings.night),
    )
    return Place(room, camera, light, effects, line_y, reach, line, "center" if camera.tilt > 60 else "bottom_center")


def check_address(uri: str) -> None:
    """Check a sim:// address without drawing anything. Raises ParameterError if it cannot be simulated."""
    make_place(read_sim_address(uri))


def _camera(room: Room, settings: SceneSettings, rng: np.random.Generator) -> tuple[Camera, float]:
    """The camera for a kind of place, and how many metres inside the door the line lies."""
    size = (settings.width, settings.height)
    if settings.kind == "ceiling":
        z = float(rng.uniform(3.6, min(4.5, room.height - 0.1)))
        line_y = float(rng.uniform(1.2, 1.5))
        tilt = float(rng.uniform(80, 88))
        # The line lies under the camera: there people are seen from above, and boxes lean to no side.
        y = line_y + 0.1
        return Camera(
            float(rng.normal(0, 0.2)), y, z, 180 + float(rng.normal(0, 4)), tilt, float(rng.uniform(88, 100)), *size
        ), line_y
    line_y = float(rng.uniform(0.9, 1.3))
    far = room.kind == "shopfront"
    y = float(rng.uniform(5.2, 6.6)) + (0.8 if far else 0.0)
    z = float(rng.uniform(2.4, min(3.1, room.height - 0.1)))
    x = float(rng.uniform(-1.6, 1.6))
    # The camera looks at a point a little above the middle of the line.
    away = math.hypot(x, y - line_y)
    yaw = math.degrees(math.atan2(-x, line_y - y)) + float(rng.normal(0, 3))
    tilt = math.degrees(math.atan2(z - 0.75, away)) + float(rng.normal(0, 1.5))
    fov = float(rng.uniform(64, 78)) + (8 if far else 0)
    return Camera(x, y, z, yaw, tilt, fov, *size, float(rng.normal(0, 1))), line_y


def _line(camera: Camera, line_y: float, reach: float) -> tuple[int, int, int, int]:
    """The line in the picture, its ends in the order that makes walking into the shop IN."""
    ends = np.array([[-reach, line_y, 0], [reach, line_y, 0], [0, line_y, 0], [0, line_y + 0.4, 0]], np.float32)
    start, end, middle, inside = camera.project(ends)
    if min(start[2], end[2]) < 0.3 or not (0 <= middle[0] < camera.width and 0 <= middle[1] < camera.height):
        raise ParameterError(
            "uri", "'uri' asks for a camera that does not see the door: change its 'tilt', 'fov' or 'camera_height'"
        )
    right = (-(end[1] - start[1]), end[0] - start[0])
    if right[0] * (inside[0] - middle[0]) + right[1] * (inside[1] - middle[1]) < 0:
        start, end = end, start
    x1, y1, x2, y2 = (round(float(v)) for v in (*start[:2], *end[:2]))
    return x1, y1, x2, y2
