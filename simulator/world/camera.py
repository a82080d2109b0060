"""A pinhole camera above the floor.

World coordinates are metres: x to the right and y into the shop as seen from the street, z up; the floor is z = 0 and
the middle of the door is the origin. The camera's own axes are those of OpenGL, which OpenCV's rasteriser uses: it
looks along -z, y is up. The rasteriser puts the optical axis in the middle of the buffer that it draws into.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from metrica.nodes.geometry.arrays import Floats

NEAR = 0.05
"""Metres: nothing nearer to the camera is drawn."""
FAR = 60.0
"""Metres: nothing farther from the camera is drawn; also the depth of a pixel that shows nothing."""


@dataclass(frozen=True, slots=True)
class View:
    """The rasteriser's settings for drawing a part of the picture in a resolution of its own."""

    world2cam: Floats
    """Matrix from world to camera coordinates, [4, 4]."""
    fov_y: float
    """Vertical field of view, radians."""
    width: int
    """Pixels of the buffer to draw into."""
    height: int
    """Pixels of the buffer to draw into."""


@dataclass(frozen=True, slots=True)
class Camera:
    """Where a camera hangs, where it looks, and the size of its pictures."""

    x: float
    """Metres."""
    y: float
    """Metres."""
    z: float
    """Metres above the floor."""
    yaw: float
    """Degrees: 0 looks into the shop (along +y), 180 looks at the door from inside."""
    tilt: float
    """Degrees below the horizon: 90 looks straight down."""
    fov: float
    """Horizontal field of view, degrees."""
    width: int
    """Of the picture, pixels."""
    height: int
    """Of the picture, pixels."""
    roll: float = 0.0
    """Rotation about the optical axis, degrees."""

    @property
    def focal(self) -> float:
        """Focal length, pixels."""
        return self.width / 2 / math.tan(math.radians(self.fov) / 2)

    @property
    def place(self) -> Floats:
        """x, y, z of the camera, [3]."""
        return np.array([self.x, self.y, self.z], np.float32)

    def axes(self) -> Floats:
        """The camera's axes in world coordinates, [3, 3]; rows: right, up, backwards. Read-only."""
        return _axes(self.yaw, self.tilt, self.roll)

    def world2cam(self) -> Floats:
        """Matrix from world to camera coordinates, [4, 4]."""
        matrix = np.eye(4, dtype=np.float32)
        matrix[:3, :3] = self.axes()
        matrix[:3, 3] = -matrix[:3, :3] @ self.place
        return matrix

    def project(self, points: Floats) -> Floats:
        """Project world points [N, 3] to x, y (pixels) and depth (metres; negative behind the camera), [N, 3]."""
        seen = (points - self.place) @ self.axes().T
        depth = -seen[:, 2]
        scale = self.focal / np.where(np.abs(depth) < 1e-6, 1e-6, depth)
        projected = np.empty((3, len(points)), np.float32)  # coordinates first, so that each is contiguous
        projected[0] = self.width / 2 + seen[:, 0] * scale
        projected[1] = self.height / 2 - seen[:, 1] * scale
        projected[2] = depth
        return projected.T

    def rays(self, step: float = 1.0) -> Floats:
        """The direction from the camera through each pixel, scaled to a depth of 1, [H / step, W / step, 3]."""
        rows, columns = round(self.height / step), round(self.width / step)
        x = ((np.arange(columns, dtype=np.float32) + 0.5) * (self.width / columns) - self.width / 2) / self.focal
        y = (self.height / 2 - (np.arange(rows, dtype=np.float32) + 0.5) * (self.height / rows)) / self.focal
        right, up, back = self.axes()
        flat: Floats = x[None, :, None] * right + y[:, None, None] * up - back
        return flat.astype(np.float32)

    def view(self, x: int, y: int, width: int, height: int, scale: float = 1.0) -> View:
        """The view of the rectangle of pixels from x, y, drawn in `scale` times the resolution."""
        matrix = self.world2cam()
        # The rasteriser's picture is centred: shear the scene so that the rectangle's middle lies on the optical axis.
        dx = (x + width / 2 - self.width / 2) / self.focal
        dy = (self.height / 2 - y - height / 2) / self.focal
        matrix[0] += dx * matrix[2]
        matrix[1] += dy * matrix[2]
        fov = 2 * math.atan(height / 2 / self.focal)
        return View(matrix, fov, round(width * scale), round(height * scale))

    def floor_at(self, x: float, y: float) -> tuple[float, float]:
        """The point of the floor that a pixel shows, x and y in metres. Meaningless for a pixel above the horizon."""
        right, up, back = self.axes()
        ray = right * ((x - self.width / 2) / self.focal) + up * ((self.height / 2 - y) / self.focal) - back
        along = -self.z / min(float(ray[2]), -1e-6)
        return self.x + along * float(ray[0]), self.y + along * float(ray[1])


@lru_cache(maxsize=64)
def _axes(yaw: float, tilt: float, roll: float) -> Floats:
    yaw, tilt, roll = (math.radians(a) for a in (yaw, tilt, roll))
    forward = np.array([math.sin(yaw) * math.cos(tilt), math.cos(yaw) * math.cos(tilt), -math.sin(tilt)])
    right = np.array([math.cos(yaw), -math.sin(yaw), 0.0])
    up = np.cross(right, forward)
    cos, sin = math.cos(roll), math.sin(roll)
    axes = np.array([cos * right + sin * up, cos * up - sin * right, -forward], np.float32)
    axes.flags.writeable = False  # the cache gives the same array to all callers
    return axes
