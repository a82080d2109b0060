"""The camera of the simulated entrance: a pinhole somewhere above the floor.

World: metres, x to the right and y into the shop as seen from the door, z up, the floor at 0. OpenCV's rasteriser looks
along -z with y up, as OpenGL does, and its picture's centre lies in the middle of the buffer it draws into.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from metrica.nodes.geometry.arrays import Floats

NEAR, FAR = 0.05, 60.0


@dataclass(frozen=True, slots=True)
class View:
    """A part of the picture to draw, in its own resolution: `world2cam` and `fov_y` for the rasteriser."""

    world2cam: Floats
    fov_y: float
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Camera:
    """Where the camera hangs and looks.

    yaw: degrees, 0 looks along +y (into the shop), 180 at the door from inside. tilt: degrees below the horizon, 90 is
    straight down. fov: horizontal field of view, degrees.
    """

    x: float
    y: float
    z: float
    yaw: float
    tilt: float
    fov: float
    width: int
    height: int
    roll: float = 0.0

    @property
    def focal(self) -> float:
        """Pixels."""
        return self.width / 2 / math.tan(math.radians(self.fov) / 2)

    @property
    def place(self) -> Floats:
        return np.array([self.x, self.y, self.z], np.float32)

    def axes(self) -> Floats:
        """Rows: right, up and backwards, in the world, [3, 3]."""
        return _axes(self.yaw, self.tilt, self.roll)

    def world2cam(self) -> Floats:
        """[4, 4]."""
        matrix = np.eye(4, dtype=np.float32)
        matrix[:3, :3] = self.axes()
        matrix[:3, 3] = -matrix[:3, :3] @ self.place
        return matrix

    def project(self, points: Floats) -> Floats:
        """World points [N, 3] to x, y in pixels and the depth in metres, [N, 3]; the depth may be negative."""
        seen = (points - self.place) @ self.axes().T
        depth = -seen[:, 2]
        scale = self.focal / np.where(np.abs(depth) < 1e-6, 1e-6, depth)
        found = np.empty((3, len(points)), np.float32)  # coordinates first: each is contiguous
        found[0] = self.width / 2 + seen[:, 0] * scale
        found[1] = self.height / 2 - seen[:, 1] * scale
        found[2] = depth
        return found.T

    def rays(self, step: float = 1.0) -> Floats:
        """The direction from the camera through each pixel, of depth 1, [H / step, W / step, 3]."""
        rows, columns = round(self.height / step), round(self.width / step)
        x = ((np.arange(columns, dtype=np.float32) + 0.5) * (self.width / columns) - self.width / 2) / self.focal
        y = (self.height / 2 - (np.arange(rows, dtype=np.float32) + 0.5) * (self.height / rows)) / self.focal
        right, up, back = self.axes()
        flat: Floats = x[None, :, None] * right + y[:, None, None] * up - back
        return flat.astype(np.float32)

    def view(self, x: int, y: int, width: int, height: int, scale: float = 1.0) -> View:
        """The rectangle of these pixels, drawn `scale` times as fine."""
        matrix = self.world2cam()
        # The rasteriser's picture is centred: shear the scene so that the rectangle's middle lies straight ahead.
        dx = (x + width / 2 - self.width / 2) / self.focal
        dy = (self.height / 2 - y - height / 2) / self.focal
        matrix[0] += dx * matrix[2]
        matrix[1] += dy * matrix[2]
        fov = 2 * math.atan(height / 2 / self.focal)
        return View(matrix, fov, round(width * scale), round(height * scale))

    def floor_at(self, x: float, y: float) -> tuple[float, float]:
        """Where on the floor a pixel lies, metres; may lie behind the camera if the pixel is above the horizon."""
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
    c, s = math.cos(roll), math.sin(roll)
    axes = np.array([c * right + s * up, c * up - s * right, -forward], np.float32)
    axes.flags.writeable = False  # it is given to everybody who asks
    return axes
