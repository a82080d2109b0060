"""Draws the empty room as the camera sees it, once, with the depth of each pixel."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from metrica.nodes.geometry.arrays import Floats, Int64
from metrica.simulator.figures.filters import gaussian_blur, shrink
from metrica.simulator.world.camera import FAR, NEAR, Camera
from metrica.simulator.world.room import Quad, Room, corners_and_normals

_SETTINGS = cv2.TriangleRasterizeSettings()
_SETTINGS.setCullingMode(cv2.RASTERIZE_CULLING_NONE)
_SETTINGS.setShadingType(cv2.RASTERIZE_SHADING_FLAT)
FINE = 2
"""Resolution of the depth of a room, as a multiple of the picture's."""
_NUMBER_SCALE = 4096.0
"""Numbers of quads are drawn as colours from 0 to 1: this many fit in."""


@dataclass(slots=True)
class Backdrop:
    """What is behind the people: an empty room, or a photograph."""

    picture: Floats
    """[H, W, 3], BGR, 0 to 255."""
    depth: Floats | None
    """Metres, [H * FINE, W * FINE]; None for a photograph: nothing hides people."""
    ground: Floats | None
    """1 where shadows fall, 0 elsewhere, [H, W]; None: they fall everywhere."""
    glass: Floats | None
    """Depth of the window panes in metres, [H * FINE, W * FINE]; None without any."""


def draw_room(room: Room, camera: Camera) -> Backdrop:
    """Draw a room. Takes some tenths of a second."""
    depth, number = _visible_quads(room.quads, camera)
    at = camera.place + camera.rays(1 / FINE) * depth[:, :, None]
    quads = room.quads
    corner, u, v = (np.array([getattr(q, n) for q in quads], np.float32) for n in ("corner", "u", "v"))
    _, normals = corners_and_normals(quads)
    repeat = np.array([q.repeat for q in quads], np.float32)
    flat = number.ravel()
    away = at.reshape(-1, 3) - corner[flat]
    across = (away * u[flat]).sum(1) / (u * u).sum(1)[flat] * repeat[flat, 0]
    down = (away * v[flat]).sum(1) / (v * v).sum(1)[flat] * repeat[flat, 1]
    colour = _sample_textures(room, camera, depth, number, across, down, np.linalg.norm(u, axis=1) / repeat[:, 0])
    # Light is smooth, so it is computed in the resolution of the picture, not FINE times as fine.
    light = _light(room, camera, at[::FINE, ::FINE], normals[number[::FINE, ::FINE]])
    outside = {"street": room.outside, "pavement": 0.8 * room.outside}
    glow = np.array([outside.get(q.kind, q.glow) for q in quads], np.float32)[number]
    tint = np.array([q.tint for q in quads], np.float32)[number]
    kinds = np.array([q.kind == "floor" for q in quads])[number]
    light = np.repeat(np.repeat(light, FINE, axis=0), FINE, axis=1)
    light *= 1 - (1 - _contact_shadows(room, at)) * kinds
    bright = np.where(glow > 0, glow, light) * tint
    fine = colour * bright[:, :, None]
    glass = None
    if room.glass:
        glass, _ = _visible_quads(room.glass, camera)
        pane = (glass < depth)[:, :, None]
        fine = np.where(pane, fine * 0.86 + 14 * room.ambient, fine)
    fine[depth >= FAR * 0.99] = 200 * room.outside
    picture = shrink(np.minimum(fine, 255.0).astype(np.float32), camera.width, camera.height)
    ground = np.array([q.kind in ("floor", "pavement") for q in quads], np.float32)[number]
    return Backdrop(picture, depth, shrink(ground, camera.width, camera.height), glass)


def brightness_at(room: Room, x: float, y: float) -> float:
    """Brightness of the light at a point of the floor, 1 is usual."""
    if y < 0:
        return 0.25 + 0.75 * min(1.25, room.outside)
    lamps = sum(0.55 / (1 + ((x - lx) ** 2 + (y - ly) ** 2) / 1.2) for lx, ly, _ in room.lamps)
    return float(min(1.15, room.ambient + 0.12 + 0.3 * lamps + 0.25 * (room.outside - 0.8) * np.exp(-y / 1.5)))


def _visible_quads(quads: list[Quad], camera: Camera) -> tuple[Floats, Int64]:
    """Depth in metres, and the index in `quads` of the one that each pixel shows, both [H * FINE, W * FINE]."""
    view = camera.view(0, 0, camera.width, camera.height, FINE)
    corners, _ = corners_and_normals(quads)
    points: list[Floats] = []
    triangles: list[tuple[int, int, int]] = []
    owner: list[float] = []
    first = 0
    for number, corner in enumerate(corners):
        shape = _in_front(corner, camera)
        if len(shape) < 3:
            continue
        points.append(shape)
        triangles += [(first, first + i, first + i + 1) for i in range(1, len(shape) - 1)]
        owner += [number / _NUMBER_SCALE] * len(shape)
        first += len(shape)
    picture = np.zeros((view.height, view.width, 3), np.float32)
    depth = np.full((view.height, view.width), FAR, np.float32)
    if points:
        colours = np.repeat(np.array(owner, np.float32)[:, None], 3, axis=1)
        cv2.triangleRasterize(
            np.concatenate(points), np.array(triangles, np.int32), colours, picture, depth,
            view.world2cam, view.fov_y, NEAR, FAR, _SETTINGS,
        )  # fmt: skip
    return depth, np.rint(picture[:, :, 0] * _NUMBER_SCALE).astype(np.int64)


def _in_front(corners: Floats, camera: Camera) -> Floats:
    """The part of a polygon [N, 3] in front of the camera; OpenCV would drop a triangle with a corner behind it."""
    depth = (camera.place - corners) @ camera.axes()[2] - 2 * NEAR
    kept: list[Floats] = []
    for i in range(len(corners)):
        a, b, da, db = corners[i - 1], corners[i], float(depth[i - 1]), float(depth[i])
        if (da > 0) != (db > 0):
            kept.append(a + (b - a) * (da / (da - db)))
        if db > 0:
            kept.append(b)
    return np.array(kept, np.float32).reshape(-1, 3)


def _sample_textures(
    room: Room, camera: Camera, depth: Floats, number: Int64,
    across: Floats, down: Floats, metres: Floats,
) -> Floats:  # fmt: skip
    """Colours from the textures, [H * FINE, W * FINE, 3], each read in the resolution in which it is seen (mipmaps).

    across, down: place in the texture of each pixel, in repeats. metres: width of each quad's texture.
    """
    layer = np.array([q.texture for q in room.quads])[number.ravel()]
    stack = np.stack(room.textures)
    # The number of texels that a pixel covers decides which of the smaller copies is read.
    texels = depth.ravel() / (camera.focal * FINE) / metres[number.ravel()] * stack.shape[1]
    coarse = np.clip(np.rint(np.log2(np.maximum(texels, 1.0))), 0, 5).astype(np.int64)
    out = np.zeros((depth.size, 3), np.float32)
    for level in range(6):
        here = np.flatnonzero(coarse == level)
        if here.size:
            size = stack.shape[1]
            x = np.mod(across[here], 1.0) * size
            y = np.mod(down[here], 1.0) * size
            out[here] = stack[
                layer[here], np.minimum(y, size - 1).astype(np.int64), np.minimum(x, size - 1).astype(np.int64)
            ]
        stack = np.stack([cv2.resize(t, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA) for t in stack])
    return out.reshape(*depth.shape, 3)


def _light(room: Room, camera: Camera, at: Floats, normals: Floats) -> Floats:
    """Brightness [H, W] from lamps, daylight through the door and dark corners, at points [H, W, 3] with normals."""
    light = np.full(at.shape[:2], room.ambient, np.float32)
    middle = camera.place + 3.0 * -camera.axes()[2]
    lamps = sorted(room.lamps, key=lambda p: (p[0] - middle[0]) ** 2 + (p[1] - middle[1]) ** 2)
    for x, y, z in lamps[:12]:
        d = np.array([x, y, z - 0.05], np.float32) - at
        square = (d * d).sum(2)
        cosine = np.abs((d * normals).sum(2)) / np.sqrt(square)
        light += 0.9 * cosine * np.clip(d[:, :, 2], 0.0, 1.0) / (1.0 + square)
    if room.outside > 0.5:
        into = np.maximum(at[:, :, 1], 0.0)
        beyond = np.maximum(0.0, np.abs(at[:, :, 0]) - room.door)
        light += 0.35 * room.outside * np.exp(-into / 1.6 - beyond / 0.8 - np.maximum(at[:, :, 2], 0) / 2.0)
    corner = np.minimum(np.abs(at[:, :, 0] + room.width / 2), np.abs(room.width / 2 - at[:, :, 0]))
    corner = np.minimum(corner, np.minimum(np.abs(room.height - at[:, :, 2]), np.abs(room.depth - at[:, :, 1])))
    light *= 1 - np.float32(0.25) * np.exp(-corner / np.float32(0.25))
    return np.minimum(light, np.float32(1.35))


def _contact_shadows(room: Room, at: Floats) -> Floats:
    """Contact shadows on the floor beside obstacles: a factor for each of the points [H, W, 3]."""
    scale, rim = 25, 1.0  # pixels of the plan per metre; metres around the room
    width, height = round((room.width + 2 * rim) * scale), round((room.depth + 2 * rim) * scale)
    plan = np.ones((height, width), np.float32)
    for x1, y1, x2, y2 in room.obstacles:
        left, right = ((x + room.width / 2 + rim) * scale for x in (x1, x2))
        top, bottom = ((y + rim) * scale for y in (y1, y2))
        plan[max(0, round(top)) : round(bottom), max(0, round(left)) : round(right)] = 0.25
    plan = gaussian_blur(plan, 5)
    map_x = (at[:, :, 0] + room.width / 2 + rim) * scale
    map_y = (at[:, :, 1] + rim) * scale
    return np.asarray(cv2.remap(plan, map_x, map_y, cv2.INTER_LINEAR, borderValue=1.0), np.float32)
