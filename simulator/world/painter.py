"""One picture: people over the empty room, with their shadows, and what can be seen of each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from metrica.nodes.geometry.arrays import Floats, Int32
from metrica.simulator.figures.figure import Figure, Light, Stance, placed, placed_pushed, project_shadow, shade
from metrica.simulator.world.backdrop import FINE, Backdrop
from metrica.simulator.world.camera import Camera
from metrica.simulator.world.draw import Layer, cast_shadow, composite, motion_blur, render

Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class DrawnFigure:
    """A person in the picture."""

    number: int
    """Its place in what was given to `paint`."""
    box: Box
    """x1, y1, x2, y2 of the whole person, clipped to the picture."""
    visible: float
    """What part of the whole person can be seen: not hidden, and not beyond the border."""


class Painter:
    """Draws people before a backdrop. Not safe for several threads."""

    def __init__(self, camera: Camera, backdrop: Backdrop, light: Light, shutter: float = 0.02) -> None:
        """shutter: seconds that a picture is exposed, for motion blur."""
        self.camera = camera
        self.backdrop = backdrop
        self.light = light
        self.shutter = shutter
        self._owner = np.zeros((camera.height, camera.width), np.int16)
        pane = backdrop.glass
        self._glass = None if pane is None else (pane[::FINE, ::FINE] < 59.0).astype(np.float32)

    def paint(
        self, people: Sequence[tuple[Figure, Stance]], brightness: Sequence[float]
    ) -> tuple[Floats, list[DrawnFigure]]:
        """The picture [H, W, 3], 0 to 255 and beyond where it is too bright, and those in it.

        brightness: how bright it is where each person stands.
        """
        picture = self.backdrop.picture.copy()
        self._owner.fill(-1)
        posed = [placed(figure, stance) for figure, stance in people]
        camera, light = self.camera, self.light
        for (figure, _), (points, _) in zip(people, posed, strict=True):
            flat = project_shadow(points, light)
            cast_shadow(
                camera, picture, flat, figure.mesh.triangles, light.shadow, light.shadow_blur, self.backdrop.ground
            )
        drawn: list[tuple[float, int, Layer]] = []
        for number, ((figure, stance), (points, normals)) in enumerate(zip(people, posed, strict=True)):
            bright = shade(points, normals, light, figure.look.height, brightness[number])
            mesh = figure.mesh
            layer = self._layer(points, bright, figure, mesh.triangles, mesh.uv, stance)
            if layer:
                drawn.append((layer.depth, number, layer))
            if figure.pushed:
                spots, facing = placed_pushed(figure.pushed, stance)
                bright = shade(spots, facing, light, figure.look.height, brightness[number])
                layer = self._layer(spots, bright, figure, figure.pushed.triangles, figure.pushed.uv, stance)
                if layer:
                    drawn.append((layer.depth, -2, layer))
        drawn.sort(key=lambda d: -d[0])
        for _, number, layer in drawn:
            composite(picture, layer, self._owner, number)
        seen: list[DrawnFigure] = []
        for _, number, layer in drawn:
            if number >= 0 and (found := self._seen(number, layer)):
                seen.append(found)
        return picture, sorted(seen, key=lambda s: s.number)

    def _layer(
        self, points: Floats, bright: Floats, figure: Figure, triangles: Int32,
        uv: Floats, stance: Stance,
    ) -> Layer | None:  # fmt: skip
        layer = render(self.camera, points, triangles, uv, bright, figure.textures, self.backdrop.depth, FINE)
        if layer is None:
            return None
        if self.light.tint != (1.0, 1.0, 1.0):
            layer.colour *= np.array(self.light.tint, np.float32)
        if stance.y < 0 and self._glass is not None:
            h, w = layer.alpha.shape
            through = 1 - 0.25 * self._glass[layer.y : layer.y + h, layer.x : layer.x + w]
            layer.alpha *= through
            layer.colour *= cv2.merge((through, through, through))
        if stance.speed > 0.1 and self.shutter > 0:
            a, way = math.radians(stance.heading), stance.speed * self.shutter
            ends = np.array(
                [[stance.x, stance.y, 1.0], [stance.x + math.sin(a) * way, stance.y + math.cos(a) * way, 1.0]],
                np.float32,
            )
            moved = self.camera.project(ends)
            dx, dy = float(moved[1, 0] - moved[0, 0]), float(moved[1, 1] - moved[0, 1])
            motion_blur(layer, dx, dy)
        return layer

    def _seen(self, number: int, layer: Layer) -> DrawnFigure | None:
        x1, y1, x2, y2 = layer.box
        box = (max(0.0, x1), max(0.0, y1), min(float(self.camera.width), x2), min(float(self.camera.height), y2))
        if box[2] - box[0] < 1 or box[3] - box[1] < 1:
            return None
        h, w = layer.alpha.shape
        mine = self._owner[layer.y : layer.y + h, layer.x : layer.x + w] == number
        inside = (box[2] - box[0]) * (box[3] - box[1]) / max((x2 - x1) * (y2 - y1), 1e-6)
        visible = min(1.0, float(mine.sum()) / max(layer.area, 1.0)) * inside
        return DrawnFigure(number, box, visible)
