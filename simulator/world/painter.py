"""Paints one picture: people over the empty room, with their shadows, and how much of each person is visible."""

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
"""x1, y1, x2, y2 in pixels."""


@dataclass(frozen=True, slots=True)
class DrawnFigure:
    """A figure in a painted picture."""

    index: int
    """Its index in the list that was given to `paint`."""
    box: Box
    """x1, y1, x2, y2 in pixels: the whole figure, hidden parts included, clipped to the picture."""
    visible: float
    """The share of the figure that can be seen, 0 to 1: neither hidden nor beyond the border."""


class Painter:
    """Paints people in front of a backdrop. Not safe for several threads."""

    def __init__(self, camera: Camera, backdrop: Backdrop, light: Light, shutter: float = 0.02) -> None:
        """shutter: exposure time in seconds; it sets the motion blur."""
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
        """Paint figures, and return the picture [H, W, 3] and the figures that are in it, by rising index.

        The picture's values are 0 to 255, and above where it is too bright. brightness: of the light where each figure
        stands, 1 is usual.
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
        drawn: list[tuple[float, int, Layer]] = []  # depth, index or -2 for a pushed thing, layer
        for index, ((figure, stance), (points, normals)) in enumerate(zip(people, posed, strict=True)):
            bright = shade(points, normals, light, figure.look.height, brightness[index])
            mesh = figure.mesh
            layer = self._layer(points, bright, figure, mesh.triangles, mesh.uv, stance)
            if layer:
                drawn.append((layer.depth, index, layer))
            if figure.pushed:
                at, facing = placed_pushed(figure.pushed, stance)
                bright = shade(at, facing, light, figure.look.height, brightness[index])
                layer = self._layer(at, bright, figure, figure.pushed.triangles, figure.pushed.uv, stance)
                if layer:
                    drawn.append((layer.depth, -2, layer))
        drawn.sort(key=lambda d: -d[0])
        for _, index, layer in drawn:
            composite(picture, layer, self._owner, index)
        found = [self._drawn_figure(index, layer) for _, index, layer in drawn if index >= 0]
        return picture, sorted((f for f in found if f), key=lambda f: f.index)

    def _layer(
        self, points: Floats, bright: Floats, figure: Figure, triangles: Int32,
        uv: Floats, stance: Stance,
    ) -> Layer | None:  # fmt: skip
        """A mesh as a layer, with tint, window glass and motion blur; None if it is not in the picture."""
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
            angle, distance = math.radians(stance.heading), stance.speed * self.shutter
            end = (stance.x + math.sin(angle) * distance, stance.y + math.cos(angle) * distance, 1.0)
            moved = self.camera.project(np.array([[stance.x, stance.y, 1.0], end], np.float32))
            dx, dy = float(moved[1, 0] - moved[0, 0]), float(moved[1, 1] - moved[0, 1])
            motion_blur(layer, dx, dy)
        return layer

    def _drawn_figure(self, index: int, layer: Layer) -> DrawnFigure | None:
        """The box and the visible share of a layer that has been composited; None if it is beyond the border."""
        x1, y1, x2, y2 = layer.box
        box = (max(0.0, x1), max(0.0, y1), min(float(self.camera.width), x2), min(float(self.camera.height), y2))
        if box[2] - box[0] < 1 or box[3] - box[1] < 1:
            return None
        h, w = layer.alpha.shape
        mine = self._owner[layer.y : layer.y + h, layer.x : layer.x + w] == index
        inside = (box[2] - box[0]) * (box[3] - box[1]) / max((x2 - x1) * (y2 - y1), 1e-6)
        visible = min(1.0, float(mine.sum()) / max(layer.area, 1.0)) * inside
        return DrawnFigure(index, box, visible)
