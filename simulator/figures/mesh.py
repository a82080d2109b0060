"""Meshes: surfaces as grids of points, the bones that move them, and their places in a texture."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from metrica.nodes.geometry.arrays import Floats, Int32
from metrica.simulator.figures.gait import BONES

Rect = tuple[int, int, int, int]
"""x, y, width, height in the texture, pixels."""

ATLAS = 256
"""Width and height of a figure's texture, pixels."""
Ring = tuple[float, float, float, float]
"""An elliptical ring: z, half its width, half its depth, and y of its centre."""


@dataclass(frozen=True, slots=True)
class Part:
    """A surface of a figure: a grid of points."""

    points: Floats
    """Places at rest, [R, C, 3]."""
    weights: Floats
    """How much each bone moves each point, [R, C, BONES]; they sum up to 1."""
    rect: Rect
    """The rectangle of the texture that colours it."""


@dataclass(frozen=True, slots=True)
class Mesh:
    """All surfaces of a figure."""

    points: Floats
    """Places at rest, metres [V, 3]."""
    normals: Floats
    """Unit vectors that point outwards, [V, 3]."""
    weights: Floats
    """How much each bone moves each point, [V, BONES]."""
    uv: Floats
    """Places in the texture, 0 to 1, [V, 2]."""
    triangles: Int32
    """Indices of corners, [T, 3]."""

    def posed(self, bones: Floats) -> tuple[Floats, Floats]:
        """Points and normals after the bones [BONES, 3, 4] have moved them (linear blend skinning)."""
        each = (self.weights @ bones.reshape(BONES, 12)).reshape(-1, 3, 4)
        turn = each[:, :, :3]
        points = np.matmul(turn, self.points[:, :, None])[:, :, 0] + each[:, :, 3]
        normals = np.matmul(turn, self.normals[:, :, None])[:, :, 0]
        return points, normals


def rings(table: Sequence[Ring], segments: int, x: float = 0.0, square: float = 1.0) -> Floats:
    """Elliptical rings one above the other, [R, segments + 1, 3]. The seam is at the back, the front in the middle.

    x: of all centres. square: below 1 the ellipses become more like rectangles.
    """
    angle = np.linspace(0, 2 * np.pi, segments + 1, dtype=np.float32)
    s, c = np.sin(angle), np.cos(angle)
    s, c = np.sign(s) * np.abs(s) ** square, np.sign(c) * np.abs(c) ** square
    t = np.array(table, np.float32)
    return np.stack(
        (x + t[:, 1, None] * s, t[:, 3, None] - t[:, 2, None] * c, np.repeat(t[:, :1], segments + 1, axis=1)), axis=2
    )


def tube(centres: Sequence[tuple[float, float, float]], radii: Sequence[tuple[float, float]], segments: int) -> Floats:
    """A tube along +y, for parts that lie flat, [R, segments + 1, 3].

    centres: x, y, z of each ring. radii: half the width and half the height of each ring.
    """
    angle = np.linspace(0, 2 * np.pi, segments + 1, dtype=np.float32)
    c, r = np.array(centres, np.float32), np.array(radii, np.float32)
    return np.stack(
        (
            c[:, 0, None] + r[:, :1] * np.sin(angle),
            np.repeat(c[:, 1:2], segments + 1, axis=1),
            c[:, 2, None] - r[:, 1:] * np.cos(angle),
        ),
        axis=2,
    )


def box(low: tuple[float, float, float], high: tuple[float, float, float]) -> Floats:
    """A closed box between two opposite corners: rings of eight points, the first and the last with a size of 0."""
    cx, cy = (low[0] + high[0]) / 2, (low[1] + high[1]) / 2
    w, d = (high[0] - low[0]) / 2, (high[1] - low[1]) / 2
    table = [(high[2], 0.0, 0.0, cy), (high[2], w, d, cy), (low[2], w, d, cy), (low[2], 0.0, 0.0, cy)]
    return rings(table, 8, cx, 0.25)


def bone_weights(points: Floats, *, bones: Sequence[tuple[int, Floats | float]]) -> Floats:
    """The weights of a grid's points from the shares of some bones, scaled to sum up to 1, [R, C, BONES]."""
    weights = np.zeros((*points.shape[:2], BONES), np.float32)
    for bone, share in bones:
        weights[:, :, bone] += share
    total: Floats = weights / np.maximum(weights.sum(axis=2, keepdims=True), 1e-6)
    return total


def smoothstep(values: Floats, low: float, high: float) -> Floats:
    """0 below `low`, 1 above `high`, and a smooth curve between."""
    t = np.clip((values - low) / (high - low), 0, 1)
    smooth: Floats = t * t * (3 - 2 * t)
    return smooth


def assemble(parts: Sequence[Part]) -> Mesh:
    """Join parts into one mesh."""
    triangles: list[Int32] = []
    normals: list[Floats] = []
    uv: list[Floats] = []
    first = 0
    for part in parts:
        rows, columns = part.points.shape[:2]
        at = first + np.arange(rows * columns, dtype=np.int32).reshape(rows, columns)
        normal, flipped = _normals(part.points)
        # All triangles have the same winding seen from outside, so that the rasteriser can skip back faces.
        if flipped:
            at = at[:, ::-1]
        a, b, c, d = at[:-1, :-1], at[:-1, 1:], at[1:, 1:], at[1:, :-1]
        triangles += [np.stack((a, b, c), -1).reshape(-1, 3), np.stack((a, c, d), -1).reshape(-1, 3)]
        normals.append(normal.reshape(-1, 3))
        x, y, w, h = part.rect
        u = (x + 1.5 + (w - 3) * np.linspace(0, 1, columns)) / ATLAS
        v = (y + 1.5 + (h - 3) * np.linspace(0, 1, rows)) / ATLAS
        uv.append(np.stack(np.broadcast_arrays(u[None, :], v[:, None]), -1).reshape(-1, 2).astype(np.float32))
        first += rows * columns
    return Mesh(
        np.concatenate([p.points.reshape(-1, 3) for p in parts]).astype(np.float32),
        np.concatenate(normals).astype(np.float32),
        np.concatenate([p.weights.reshape(-1, BONES) for p in parts]).astype(np.float32),
        np.concatenate(uv),
        np.concatenate(triangles),
    )


def rotated(points: Floats, degrees: float) -> Floats:
    """Points [..., 3] rotated about the z axis, clockwise seen from above."""
    angle = math.radians(degrees)
    c, s = math.cos(angle), math.sin(angle)
    turn = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]], np.float32)
    moved: Floats = points @ turn
    return moved


def _normals(grid: Floats) -> tuple[Floats, bool]:
    """Unit normals of a grid [R, C, 3] that point away from its middle, and whether they were flipped for that."""
    along = np.gradient(grid, axis=0)
    around = np.empty_like(grid)
    around[:, 1:-1] = grid[:, 2:] - grid[:, :-2]
    around[:, 0] = around[:, -1] = grid[:, 1] - grid[:, -2]
    normal = np.cross(around, along)
    out = grid - grid.mean(axis=(0, 1), keepdims=True) * 0.5 - grid.mean(axis=1, keepdims=True) * 0.5
    flipped = bool((normal * out).sum() < 0)
    if flipped:
        normal = -normal
    length = np.linalg.norm(normal, axis=2, keepdims=True)
    unit: Floats = np.where(length > 1e-9, normal / np.maximum(length, 1e-9), [0.0, 0.0, 1.0])
    return unit.astype(np.float32), flipped
