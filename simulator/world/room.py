"""Builds a random shop from flat pieces: floor, walls, a door or a glass front, shelves, posters, lamps.

The door lies in the wall y = 0, its middle at x = 0; y > 0 is inside.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from metrica.messages import Image
from metrica.nodes.geometry.arrays import Floats
from metrica.simulator.figures.sampling import choose
from metrica.simulator.world import material
from metrica.simulator.world.poster import poster

Vector = tuple[float, float, float]
"""x, y, z, metres."""
Footprint = tuple[float, float, float, float]
"""x1, y1, x2, y2 on the floor, metres."""


@dataclass(frozen=True, slots=True)
class Quad:
    """A flat, four-sided piece with a texture."""

    corner: Vector
    u: Vector
    """The edge from `corner` along the texture's width, metres."""
    v: Vector
    """The edge from `corner` along the texture's height, metres."""
    texture: int
    """Index in the room's `textures`."""
    repeat: tuple[float, float] = (1.0, 1.0)
    """How often the texture repeats along `u` and along `v`."""
    glow: float = 0.0
    """Brightness of a piece that gives light itself: 1 for a lamp; 0: it is lit by the room."""
    tint: float = 1.0
    """Factor on the texture's brightness."""
    kind: str = "thing"
    """floor, pavement, street, wall, ceiling or thing. Street and pavement are lit from outside."""


@dataclass(slots=True)
class Room:
    """A shop: its size, its pieces and its light."""

    kind: str
    """entrance, ceiling or shopfront."""
    width: float
    """Metres along x: from -width / 2 to width / 2."""
    depth: float
    """Metres along y: from 0 (the door) to depth."""
    height: float
    """Metres from floor to ceiling."""
    door: float
    """Half the width of the door, metres."""
    door_height: float
    """Metres."""
    quads: list[Quad] = field(default_factory=list[Quad])
    textures: list[Image] = field(default_factory=list[Image])
    lamps: list[Vector] = field(default_factory=list[Vector])
    obstacles: list[Footprint] = field(default_factory=list[Footprint])
    """Where furniture stands and nobody can walk."""
    glass: list[Quad] = field(default_factory=list[Quad])
    """Window panes."""
    mannequins: list[tuple[float, float, float]] = field(default_factory=list[tuple[float, float, float]])
    """Where mannequins stand: x and y in metres, heading in degrees."""
    ambient: float = 0.6
    """Brightness of the light that comes from everywhere, 1 is usual."""
    outside: float = 1.2
    """Brightness of the street; 1 is as bright as inside, at night it is about 0.2."""

    def add_texture(self, make: Callable[[np.random.Generator], Image], rng: np.random.Generator) -> int:
        """Make a texture, and return its index."""
        self.textures.append(make(rng))
        return len(self.textures) - 1

    def add_box(self, low: Vector, high: Vector, texture: int, tint: float = 1.0, front: int | None = None) -> None:
        """Add a box without a bottom, between two opposite corners. front: texture of the sides, else `texture`."""
        (x1, y1, z1), (x2, y2, z2) = low, high
        w, d, h = x2 - x1, y2 - y1, z2 - z1
        side = texture if front is None else front
        wide, deep = (max(1.0, round(w)), max(1.0, round(d))) if front is not None else (1.0, 1.0)
        self.quads += [
            Quad((x1, y1, z2), (w, 0, 0), (0, d, 0), texture, tint=tint),
            Quad((x1, y1, z2), (w, 0, 0), (0, 0, -h), side, (wide, 1), tint=tint),
            Quad((x1, y2, z2), (w, 0, 0), (0, 0, -h), side, (wide, 1), tint=tint),
            Quad((x1, y1, z2), (0, d, 0), (0, 0, -h), side, (deep, 1), tint=tint),
            Quad((x2, y1, z2), (0, d, 0), (0, 0, -h), side, (deep, 1), tint=tint),
        ]


def build_room(rng: np.random.Generator, kind: str) -> Room:
    """A random shop of this kind: entrance, ceiling or shopfront."""
    glazed = kind == "shopfront" or rng.random() < 0.3
    room = Room(
        kind,
        width=float(rng.uniform(6, 12)),
        depth=float(rng.uniform(8, 14)),
        height=float(rng.uniform(2.9, 4.2)) + (1.0 if kind == "ceiling" else 0.0),
        door=float(rng.uniform(0.75, 1.5)),
        door_height=float(rng.uniform(2.1, 2.6)),
        ambient=float(rng.uniform(0.55, 0.75)),
        outside=float(choose(rng, (rng.uniform(0.9, 1.7), rng.uniform(0.12, 0.35)), (5, 1))),
    )
    _shell(room, rng, glazed)
    _furniture(room, rng)
    for x in np.arange(-room.width / 2 + 1.2, room.width / 2, rng.uniform(1.8, 3.2)):
        for y in np.arange(1.0, room.depth, rng.uniform(1.8, 3.2)):
            room.lamps.append((float(x), float(y), room.height))
            room.quads.append(
                Quad((float(x) - 0.15, float(y) - 0.15, room.height - 0.01), (0.3, 0, 0), (0, 0.3, 0), 0, glow=1.0)
            )
    return room


def _shell(room: Room, rng: np.random.Generator, glazed: bool) -> None:
    """Add floor, ceiling, walls, door and street. glazed: a glass front beside the door instead of a wall."""
    w, d, h, door, top = room.width / 2, room.depth, room.height, room.door, room.door_height
    room.textures.append(np.full((256, 256, 3), 250, np.uint8))
    ground, paint, ceiling = (room.add_texture(m, rng) for m in (material.floor, material.wall, material.ceiling))
    slabs, street, frame = (room.add_texture(m, rng) for m in (material.pavement, material.street, material.wood))
    other = room.add_texture(material.wall, rng) if rng.random() < 0.5 else paint
    room.quads += [
        Quad((-w, 0, 0), (2 * w, 0, 0), (0, d, 0), ground, (w, d / 2), kind="floor"),
        Quad((-w, 0, h), (2 * w, 0, 0), (0, d, 0), ceiling, (w / 0.6, d / 1.2), kind="ceiling"),
        Quad((-w, 0, h), (0, d, 0), (0, 0, -h), paint, (d / 3, h / 3), kind="wall"),
        Quad((w, 0, h), (0, d, 0), (0, 0, -h), other, (d / 3, h / 3), kind="wall"),
        Quad((-w, d, h), (2 * w, 0, 0), (0, 0, -h), paint, (2 * w / 3, h / 3), kind="wall"),
        Quad((-25, -9, 0), (50, 0, 0), (0, 9, 0), slabs, (25, 4.5), kind="pavement"),
        Quad((-25, -9, 7), (50, 0, 0), (0, 0, -7), street, (4, 1), kind="street"),
    ]
    sides = ((-w, -door), (door, w))
    room.quads.append(Quad((-door, 0, h), (2 * door, 0, 0), (0, 0, top - h), other, (2 * door / 3, 0.4), kind="wall"))
    for x1, x2 in sides:
        if glazed:
            sill = 0.25 if rng.random() < 0.6 else 0.0
            room.quads.append(Quad((x1, 0, h), (x2 - x1, 0, 0), (0, 0, 2.6 - h), other, (1, 0.4), kind="wall"))
            if sill:
                room.add_box((x1, -0.05, 0), (x2, 0.05, sill), frame)
            room.glass.append(Quad((x1, 0, 2.6), (x2 - x1, 0, 0), (0, 0, sill - 2.6), 0))
            for x in np.arange(x1, x2, 1.4):
                room.add_box((float(x) - 0.03, -0.04, 0), (float(x) + 0.03, 0.04, 2.6), frame)
        else:
            room.quads.append(Quad((x1, 0, h), (x2 - x1, 0, 0), (0, 0, -h), other, ((x2 - x1) / 3, h / 3), kind="wall"))
    for x in (-door, door):
        room.add_box((x - 0.05, -0.06, 0), (x + 0.05, 0.06, top), frame)
    room.add_box((-door - 0.05, -0.06, top), (door + 0.05, 0.06, top + 0.08), frame)
    if rng.random() < 0.5:  # a mat
        mat = room.add_texture(material.floor, rng)
        room.quads.append(Quad((-door, 0.1, 0.006), (2 * door, 0, 0), (0, 1.1, 0), mat, (1, 1), tint=0.5, kind="floor"))
    if rng.random() < 0.5:  # a leaf of the door, standing open
        side = -1 if rng.random() < 0.5 else 1
        x = side * (door - 0.03)
        room.add_box((x - 0.03, -0.9, 0.0), (x + 0.03, -0.05, top - 0.05), frame)


def _furniture(room: Room, rng: np.random.Generator) -> None:
    """Add shelves, a counter, gates, posters and the places of mannequins."""
    board = room.add_texture(material.wood, rng)
    goods = [room.add_texture(material.goods, rng) for _ in range(5)]
    w, d = room.width / 2, room.depth

    def shelf(x1: float, y1: float, x2: float, y2: float, high: float) -> None:
        levels = max(2, round(high / 0.42))
        step = high / levels
        for i in range(levels):
            z = i * step
            room.add_box((x1, y1, z), (x2, y2, z + 0.04), board)
            into = 0.04
            room.add_box(
                (x1 + into, y1 + into, z + 0.04),
                (x2 - into, y2 - into, z + step * 0.93),
                board,
                0.8,
                choose(rng, goods),
            )
        room.add_box((x1, y1, high), (x2, y2, high + 0.03), board)
        room.obstacles.append((x1, y1, x2, y2))

    for side in (-1, 1):  # along the walls
        if rng.random() < 0.75:
            deep, y1, high = rng.uniform(0.35, 0.6), rng.uniform(0.3, 2.0), rng.uniform(1.2, 2.2)
            y2 = min(d, y1 + rng.uniform(2, 8))
            x = w if side > 0 else -w + deep
            shelf(x - deep, y1, x, y2, high)
    clear = room.door + 0.9
    for _ in range(int(rng.integers(0, 4))):  # free in the room, away from the way in
        long, deep, high = rng.uniform(0.8, 2.5), rng.uniform(0.5, 1.0), float(rng.choice([0.8, 1.0, 1.4, 1.7]))
        side = -1 if rng.random() < 0.5 else 1
        x, y = side * rng.uniform(clear, max(clear + 0.1, w - 1.2)), rng.uniform(1.6, d - 2.5)
        if not room.door < w - 2.2:
            break
        shelf(min(x, x + side * deep), y, max(x, x + side * deep), y + long, high)
    if rng.random() < 0.4:  # a counter
        y, side = rng.uniform(3.5, d - 2), -1 if rng.random() < 0.5 else 1
        x1, x2 = sorted((side * (w - 0.8), side * (w - 2.6)))
        room.add_box((x1, y, 0), (x2, y + 0.7, 1.0), board)
        room.obstacles.append((x1, y, x2, y + 0.7))
    if rng.random() < 0.4:  # gates at the door
        for x in (-room.door - 0.1, room.door + 0.1):
            room.add_box((x - 0.04, 0.5, 0), (x + 0.04, 1.0, 1.5), 0, 0.7)
    for _ in range(int(rng.integers(0, 4))):  # posters
        sheet = room.add_texture(poster, rng)
        side, wide = -1 if rng.random() < 0.5 else 1, rng.uniform(0.6, 1.2)
        y, z = rng.uniform(0.5, d - 2), rng.uniform(1.9, 2.6)
        room.quads.append(Quad((side * (w - 0.02), y, z), (0, wide, 0), (0, 0, -1.5 * wide), sheet))
    if rng.random() < 0.35:  # a banner on the floor that faces people who go out
        side, y = -1 if rng.random() < 0.5 else 1, float(rng.uniform(0.4, 2.5))
        x = side * float(rng.uniform(clear, max(clear + 0.1, w - 1.0))) - 0.4
        room.quads.append(Quad((x + 0.85, y, 2.0), (-0.85, 0, 0), (0, 0, -2.0), room.add_texture(poster, rng)))
        room.obstacles.append((x, y - 0.2, x + 0.85, y + 0.2))
    for _ in range(int(rng.choice([0, 0, 1, 2, 3]))):
        side = -1 if rng.random() < 0.5 else 1
        room.mannequins.append(
            (
                side * float(rng.uniform(clear, max(clear + 0.2, w - 0.9))),
                float(rng.uniform(0.5, 4.0)),
                float(rng.uniform(0, 360)),
            )
        )


def corners_and_normals(quads: list[Quad]) -> tuple[Floats, Floats]:
    """Corners [Q, 4, 3] and unit normals [Q, 3] of flat pieces."""
    corner, u, v = (np.array([getattr(q, name) for q in quads], np.float32) for name in ("corner", "u", "v"))
    normal = np.cross(u, v)
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-9)
    return np.stack((corner, corner + u, corner + u + v, corner + v), axis=1), normal.astype(np.float32)
