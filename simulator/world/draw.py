"""Renders meshes with OpenCV's rasteriser and composites them into a picture, with soft edges and shadows."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from metrica.messages import Image
from metrica.nodes.geometry.arrays import Floats, Int32
from metrica.simulator.figures.filters import convolve, enlarge, shrink
from metrica.simulator.world.camera import FAR, NEAR, Camera

SETTINGS = cv2.TriangleRasterizeSettings()
SETTINGS.setCullingMode(cv2.RASTERIZE_CULLING_CW)
SETTINGS.setShadingType(cv2.RASTERIZE_SHADING_SHADED)
"""The rasteriser's settings for closed meshes: back faces are not drawn, values are interpolated between corners."""
_LARGE, _HUGE = 4_000, 30_000
"""Pixels of a mesh's box: above the first it is drawn 1.5 times as fine as the picture, above the second as fine."""


@dataclass(slots=True)
class Layer:
    """A rendered mesh, ready to be composited over a picture."""

    x: int
    """Left side in the picture, pixels."""
    y: int
    """Top side in the picture, pixels."""
    colour: Floats
    """[H, W, 3], BGR, already multiplied by `alpha`."""
    alpha: Floats
    """[H, W], 0 to 1: the share of each pixel that the mesh covers."""
    box: tuple[float, float, float, float]
    """x1, y1, x2, y2 in pixels: the whole mesh, parts that are hidden or beyond the border included."""
    area: float
    """Pixels of the picture that the mesh would cover if nothing hid it."""
    depth: float
    """Mean distance along the optical axis, metres."""


def bounding_box(camera: Camera, points: Floats) -> tuple[tuple[float, float, float, float], float] | None:
    """The box around projected points [N, 3], not clipped, and their mean depth in metres.

    None if more than half of them lie behind the camera.
    """
    seen = camera.project(points)
    x, y, depth = seen.T
    if float(depth.min()) <= 0.15:
        ahead = depth > 0.15
        if np.count_nonzero(ahead) < 0.5 * len(ahead):
            return None
        x, y, depth = x[ahead], y[ahead], depth[ahead]
    return (float(x.min()), float(y.min()), float(x.max()), float(y.max())), float(depth[::16].mean())


def render(
    camera: Camera,
    points: Floats,
    triangles: Int32,
    uv: Floats,
    bright: Floats,
    textures: list[Image],
    hidden_by: Floats | None = None,
    fine: float = 2.0,
) -> Layer | None:
    """Render a textured mesh as a layer; None if no part of it is in the picture.

    points [V, 3]; triangles [T, 3]; uv [V, 2], 0 to 1; bright: brightness [V]; textures: the texture, and smaller
    copies; hidden_by: depth of the room, [H * fine, W * fine], None if nothing hides the mesh; fine: the resolution of
    a small mesh, as a multiple of the picture's.
    """
    found = bounding_box(camera, points)
    if found is None:
        return None
    box, depth = found
    x1, y1 = max(0, math.floor(box[0]) - 1), max(0, math.floor(box[1]) - 1)
    x2, y2 = min(camera.width, math.ceil(box[2]) + 1), min(camera.height, math.ceil(box[3]) + 1)
    if x2 - x1 < 2 or y2 - y1 < 2:
        return None
    pixels = (x2 - x1) * (y2 - y1)
    scale = fine if pixels <= _LARGE else 1.5 if pixels <= _HUGE else 1.0
    view = camera.view(x1, y1, x2 - x1, y2 - y1, scale)
    attributes = np.zeros((view.height, view.width, 3), np.float32)
    depths = np.full((view.height, view.width), FAR, np.float32)
    colours = np.concatenate((uv, bright[:, None]), axis=1)
    cv2.triangleRasterize(
        points, triangles, colours, attributes, depths, view.world2cam, view.fov_y, NEAR, FAR, SETTINGS
    )
    covered = depths < FAR * 0.999
    area = float(covered.sum()) / scale**2
    if area < 1:
        return None
    visible = covered
    if hidden_by is not None:
        s = round(hidden_by.shape[0] / camera.height * 64) / 64
        block = hidden_by[round(y1 * s) : round(y2 * s), round(x1 * s) : round(x2 * s)]
        if block.shape != depths.shape:
            block = np.asarray(cv2.resize(block, depths.shape[::-1], interpolation=cv2.INTER_NEAREST), np.float32)
        visible = covered & (depths < block)
    tall = (box[3] - box[1]) * scale
    texture = textures[0 if tall > 300 else 1 if tall > 120 else 2]
    size = texture.shape[0]
    at = attributes * np.float32(size) - np.float32(0.5)
    sampled = cv2.remap(texture, at[:, :, 0], at[:, :, 1], cv2.INTER_LINEAR)
    shown = attributes[:, :, 2] * visible
    colour: Floats = np.asarray(sampled, np.float32)
    colour *= cv2.merge((shown, shown, shown))
    alpha = visible.astype(np.float32)
    if scale != 1.0:
        colour = shrink(colour, x2 - x1, y2 - y1)
        alpha = shrink(alpha, x2 - x1, y2 - y1)
    return Layer(x1, y1, colour, alpha, box, area, depth)


def motion_blur(layer: Layer, dx: float, dy: float) -> None:
    """Blur a layer along its motion of dx, dy pixels during the exposure."""
    length = math.hypot(dx, dy)
    if length < 1.2:
        return
    n = 2 * min(math.ceil(length / 2), 12) + 1
    kernel = np.zeros((n, n), np.float32)
    half = min(length / 2, n // 2) / length
    middle = n // 2
    cv2.line(kernel, (round(middle - dx * half), round(middle - dy * half)),
             (round(middle + dx * half), round(middle + dy * half)), 1.0)  # fmt: skip
    kernel /= kernel.sum()
    layer.colour = convolve(layer.colour, kernel)
    layer.alpha = convolve(layer.alpha, kernel)


def composite(picture: Floats, layer: Layer, owner: npt.NDArray[np.int16], number: int) -> None:
    """Put a layer over the picture [H, W, 3]. `owner` [H, W] becomes `number` where it covers over half a pixel."""
    h, w = layer.alpha.shape
    part = picture[layer.y : layer.y + h, layer.x : layer.x + w]
    behind = 1 - layer.alpha
    part *= cv2.merge((behind, behind, behind))
    part += layer.colour
    owner[layer.y : layer.y + h, layer.x : layer.x + w][layer.alpha > 0.5] = number


def cast_shadow(
    camera: Camera, picture: Floats, points: Floats, triangles: Int32, strength: float, blur: float,
    ground: Floats | None,
) -> None:  # fmt: skip
    """Darken the picture by a shadow: a mesh projected onto the floor, points [N, 3], drawn coarsely and blurred.

    strength: 0 to 1; blur: metres; ground: 1 where shadows fall, [H, W], None: everywhere.
    """
    found = bounding_box(camera, points)
    if found is None:
        return
    box, depth = found
    sigma = max(1.0, blur * camera.focal / max(depth, 0.5))  # pixels
    grow = math.ceil(2 * sigma) + 2
    x1, y1 = max(0, math.floor(box[0]) - grow), max(0, math.floor(box[1]) - grow)
    x2, y2 = min(camera.width, math.ceil(box[2]) + grow), min(camera.height, math.ceil(box[3]) + grow)
    if x2 - x1 < 4 or y2 - y1 < 4:
        return
    view = camera.view(x1, y1, x2 - x1, y2 - y1, 0.5)
    depths = np.full((view.height, view.width), FAR, np.float32)
    cv2.triangleRasterizeDepth(points, triangles, depths, view.world2cam, view.fov_y, NEAR, FAR, SETTINGS)
    mask = (depths < FAR * 0.999).astype(np.float32)
    k = 2 * round(sigma / 2) + 1
    mask = enlarge(np.asarray(cv2.blur(cv2.blur(mask, (k, k)), (k, k)), np.float32), x2 - x1, y2 - y1)
    if ground is not None:
        mask *= ground[y1:y2, x1:x2]
    left = 1 - strength * mask
    picture[y1:y2, x1:x2] *= cv2.merge((left, left, left))
