"""Builds the mesh of a person: trunk, limbs and head in human proportions, with clothes, hair and bag.

All sizes are parts of the body's height until the last step. At rest the body stands upright at the origin and looks
along +y.
"""

from __future__ import annotations

import math

import numpy as np

from metrica.nodes.geometry.arrays import Floats
from metrica.simulator.figures.gait import (
    ARM_L,
    ARM_R,
    CHEST,
    FOOT_L,
    FOOT_R,
    FORE_L,
    FORE_R,
    HEAD,
    PELVIS,
    ROOT,
    SHIN_L,
    SHIN_R,
    THIGH_L,
    THIGH_R,
)  # fmt: skip
from metrica.simulator.figures.looks import RECTS, Look
from metrica.simulator.figures.mesh import Mesh, Part, Ring, assemble, bone_weights, box, rings, smoothstep, tube

_TRUNK: tuple[Ring, ...] = (
    (0.864, 0.030, 0.032, -0.004), (0.848, 0.042, 0.038, -0.008), (0.834, 0.074, 0.045, -0.010),
    (0.818, 0.104, 0.052, -0.009), (0.788, 0.110, 0.060, -0.004), (0.745, 0.103, 0.066, 0.004),
    (0.700, 0.094, 0.066, 0.006), (0.650, 0.086, 0.062, 0.004), (0.605, 0.083, 0.060, 0.002),
    (0.565, 0.092, 0.066, -0.002), (0.525, 0.100, 0.072, -0.006), (0.485, 0.101, 0.072, -0.006),
    (0.462, 0.060, 0.050, -0.004),
)  # fmt: skip
_SKULL: tuple[Ring, ...] = (
    (1.000, 0.004, 0.004, 0.000), (0.994, 0.022, 0.027, -0.002), (0.982, 0.035, 0.044, -0.002),
    (0.962, 0.0425, 0.0545, -0.001), (0.942, 0.0440, 0.0575, 0.000), (0.925, 0.0430, 0.0565, 0.002),
    (0.908, 0.0410, 0.0530, 0.005), (0.892, 0.0375, 0.0490, 0.008), (0.878, 0.0310, 0.0430, 0.010),
    (0.870, 0.0250, 0.0330, 0.006), (0.856, 0.0290, 0.0310, -0.002), (0.835, 0.0320, 0.0330, -0.005),
)  # fmt: skip
_LEG: tuple[Ring, ...] = (
    (0.530, 0.030, 0.050, -0.004), (0.470, 0.049, 0.062, 0.000), (0.420, 0.048, 0.055, 0.003),
    (0.360, 0.043, 0.048, 0.004), (0.310, 0.037, 0.041, 0.005), (0.280, 0.036, 0.039, 0.005),
    (0.240, 0.034, 0.038, -0.002), (0.190, 0.034, 0.039, -0.008), (0.120, 0.029, 0.031, -0.009),
    (0.035, 0.029, 0.034, -0.006),
)  # fmt: skip
_ARM: tuple[Ring, ...] = (
    (0.822, 0.010, 0.016, -0.006), (0.812, 0.025, 0.032, -0.006), (0.788, 0.033, 0.037, -0.005),
    (0.750, 0.030, 0.034, -0.004), (0.690, 0.027, 0.030, -0.004), (0.635, 0.025, 0.028, -0.004),
    (0.580, 0.023, 0.025, -0.003), (0.520, 0.019, 0.020, -0.002), (0.480, 0.018, 0.019, 0.000),
)  # fmt: skip

_SHOE = (
    (-0.049, 0.026, 0.001, 0.001), (-0.048, 0.030, 0.012, 0.020), (-0.040, 0.030, 0.022, 0.030),
    (0.000, 0.032, 0.025, 0.032), (0.035, 0.023, 0.027, 0.023), (0.070, 0.018, 0.027, 0.018),
    (0.092, 0.014, 0.018, 0.013), (0.097, 0.012, 0.004, 0.006), (0.0975, 0.012, 0.001, 0.001),
)  # fmt: skip
"""Rings from heel to toe: y, z of the centre, half the width, half the height."""


def body_mesh(look: Look) -> Mesh:
    """The mesh of a person with these looks, in metres."""
    parts = [_trunk(look), *_legs(look), *_arms(look), *_head(look), *_over(look), *_bag(look)]
    mesh = assemble(parts)
    points = mesh.points.copy()
    # Scale the head about the neck: heads differ in size, those of children are larger.
    share = mesh.weights[:, HEAD : HEAD + 1]
    neck = np.array([0.0, 0.0, 0.85], np.float32)
    points += share * (look.head - 1) * (points - neck)
    return Mesh(points * np.float32(look.height), mesh.normals, mesh.weights, mesh.uv, mesh.triangles)


def _scaled(table: tuple[Ring, ...], width: float, depth: float) -> list[Ring]:
    """Rings made wider and deeper."""
    return [(z, w * width, d * depth, y) for z, w, d, y in table]


def _trunk(look: Look) -> Part:
    g = look.girth
    table = _scaled(_TRUNK, 1 + 0.8 * (g - 1) + 0.04, 1 + 1.4 * (g - 1) + 0.06)
    shaped: list[Ring] = []
    for z, w, d, y in table:
        belly = look.belly * math.exp(-(((z - 0.61) / 0.06) ** 2))
        bust = look.bust * math.exp(-(((z - 0.735) / 0.03) ** 2))
        hips = look.bust * 0.35 * math.exp(-(((z - 0.52) / 0.05) ** 2))
        waist = 1 - 0.9 * look.bust * math.exp(-(((z - 0.62) / 0.05) ** 2)) * 4
        shaped.append((z, w * waist + hips, d + belly / 2 + bust / 2, y + belly / 2 + bust / 2))
    grid = rings(shaped, 14, square=0.88)
    chest = smoothstep(grid[:, :, 2], 0.52, 0.66)
    return Part(grid, bone_weights(grid, bones=((CHEST, chest), (PELVIS, 1 - chest))), RECTS["torso"])


def _legs(look: Look) -> list[Part]:
    parts: list[Part] = []
    wide = (1 + 0.9 * (look.girth - 1)) * (1.0 if look.bare_legs else look.trousers)
    if look.over != "none":
        wide = min(wide, 1.1 + 0.9 * (look.girth - 1))
    for x, thigh, shin, foot in ((-0.052, THIGH_L, SHIN_L, FOOT_L), (0.052, THIGH_R, SHIN_R, FOOT_R)):
        flare: list[Ring] = []
        for z, w, d, y in _LEG:
            loose = 1 + (wide - 1) * min(1.0, max(0.0, (0.53 - z) / 0.1))
            flare.append((z, w * loose * (1 + look.flare * max(0.0, 0.3 - z)), d * loose, y))
        grid = rings(flare, 8, x)
        below = 1 - smoothstep(grid[:, :, 2], 0.255, 0.315)
        hip = smoothstep(grid[:, :, 2], 0.47, 0.53) * 0.5
        shares = ((thigh, (1 - below) * (1 - hip)), (shin, below), (PELVIS, hip))
        parts.append(Part(grid, bone_weights(grid, bones=shares), RECTS["leg"]))
        s = look.shoe
        grid = tube([(x, y, z * s) for y, z, _, _ in _SHOE], [(w * s, h * s) for _, _, w, h in _SHOE], 6)
        parts.append(Part(grid, bone_weights(grid, bones=((foot, 1.0),)), RECTS["shoe"]))
    return parts


def _arms(look: Look) -> list[Part]:
    parts: list[Part] = []
    wide = (1 + 0.9 * (look.girth - 1)) * look.sleeves
    out = 0.011 + 0.06 * (look.girth - 1)
    for side, upper, fore in ((-1, ARM_L, FORE_L), (1, ARM_R, FORE_R)):
        grid = rings(_scaled(_ARM, wide, wide), 7, 0.0)
        z = grid[:, :, 2]
        grid[:, :, 0] += side * (0.093 + out + 0.024 * smoothstep(0.84 - z, 0.02, 0.2))
        below = 1 - smoothstep(z, 0.61, 0.66)
        shoulder = smoothstep(z, 0.80, 0.835)
        shares = ((upper, (1 - below) * (1 - shoulder)), (fore, below), (CHEST, shoulder))
        parts.append(Part(grid, bone_weights(grid, bones=shares), RECTS["arm"]))
        hand = [(0.490, 0.014, 0.016, 0.0), (0.465, 0.015, 0.022, 0.004), (0.440, 0.012, 0.024, 0.006),
                (0.410, 0.010, 0.018, 0.010), (0.390, 0.006, 0.008, 0.012), (0.389, 0.001, 0.001, 0.012)]  # fmt: skip
        grid = rings(hand, 6, side * (0.12 + out))
        parts.append(Part(grid, bone_weights(grid, bones=((fore, 1.0),)), RECTS["hand"]))
    return parts


def _head(look: Look) -> list[Part]:
    grid = rings(_SKULL, 12)
    front = grid.shape[1] // 2
    for ring, nose in ((5, 0.004), (6, 0.011), (7, 0.003)):
        grid[ring, front, 1] += nose
    for ring in (4, 5, 6):  # ears
        grid[ring, 3, 0] += 0.006
        grid[ring, 9, 0] -= 0.006
    neck = 1 - smoothstep(grid[:, :, 2], 0.845, 0.875)
    parts = [Part(grid, bone_weights(grid, bones=((HEAD, 1 - neck), (CHEST, neck))), RECTS["head"])]
    if look.cover == "none":
        return parts
    parts.append(_cover(look))
    if look.cover == "cap":
        brim = tube([(0, y, 0.958 - 0.1 * max(0.0, y - 0.03)) for y in (0.02, 0.06, 0.09, 0.1)],
                    [(0.044, 0.003), (0.042, 0.003), (0.03, 0.003), (0.004, 0.002)], 8)  # fmt: skip
        parts.append(Part(brim, bone_weights(brim, bones=((HEAD, 1.0),)), RECTS["cover"]))
    if look.cover == "bun":
        knot = rings([(0.99, 0.004, 0.004, -0.05), (0.98, 0.024, 0.022, -0.055), (0.96, 0.026, 0.024, -0.06),
                      (0.94, 0.02, 0.018, -0.06), (0.935, 0.003, 0.003, -0.06)], 8)  # fmt: skip
        parts.append(Part(knot, bone_weights(knot, bones=((HEAD, 1.0),)), RECTS["cover"]))
    return parts


def _cover(look: Look) -> Part:
    """Hair, a headscarf or a hat: a shell around the skull. Where the face is free, the shell lies under the skin."""
    scarf = look.cover == "scarf"
    thick = {"scarf": 0.010, "afro": 0.028, "chechia": 0.006, "beanie": 0.009, "cap": 0.006}.get(look.cover, 0.0075)
    table = [(1.0005 + thick, 0.0, 0.0, 0.0)]
    table += [(z + thick * (z > 0.95), w + thick, d + thick, y) for z, w, d, y in _SKULL[:-2]]
    if look.cover == "chechia":
        table = [(1.012, 0.0, 0.0, 0.0), (1.012, 0.04, 0.048, 0.0), *table[3:]]
    if scarf:
        table += [(0.852, 0.050, 0.052, 0.002), (0.830, 0.076, 0.060, 0.002), (0.805, 0.106, 0.070, 0.002),
                  (0.775, 0.116, 0.080, 0.004), (0.74, 0.112, 0.084, 0.006)]  # fmt: skip
    elif look.cover in ("long", "tail"):
        w = 0.046 if look.cover == "long" else 0.02
        table += [(0.856, w, 0.018, -0.045), (0.830, w + 0.006, 0.018, -0.052), (0.79, w, 0.016, -0.066),
                  (0.75, w * 0.8, 0.010, -0.072), (0.735, 0.004, 0.004, -0.07)]  # fmt: skip
    grid = rings(table, 14)
    z = grid[:, :, 2]
    angle = np.abs(np.linspace(-180, 180, grid.shape[1]))[None, :] * np.ones_like(z)
    if scarf:
        free = (z < 0.972) & (z > 0.868) & (angle < 52)
    elif look.cover in ("cap", "beanie", "chechia"):
        free = z < (0.950 if look.cover != "chechia" else 0.962)
    else:
        sides = 112 if look.cover in ("short", "bun", "afro") else 75
        free = ((z < 0.972) & (angle < 62)) | ((z < 0.925) & (angle < sides)) | (z < 0.872) & (angle < 100)
        if look.cover == "short":
            free |= z < 0.885
    centre = grid.mean(axis=1, keepdims=True)
    grid[:] = np.where(free[:, :, None], centre + (grid - centre) * 0.62, grid)
    neck = 1 - smoothstep(z, 0.80, 0.87) if scarf or look.cover in ("long", "tail") else np.zeros_like(z)
    return Part(grid, bone_weights(grid, bones=((HEAD, 1 - neck), (CHEST, neck))), RECTS["cover"])


def _over(look: Look) -> list[Part]:
    """A coat, robe, dress or skirt: a loose tube that trunk and legs move."""
    if look.over == "none":
        return []
    top = 0.60 if look.over == "skirt" else 0.85
    loose = 1.10 + 0.07 * look.puff
    g = 1 + 0.9 * (look.girth - 1)
    table: list[Ring] = [(top, 0.088 * g, 0.066 * g, 0.0)] if look.over == "skirt" else [(0.852, 0.046, 0.042, -0.007)]
    for z, w, d, y in _TRUNK[2:-1]:
        if z < top and z > look.hem:
            table.append((z, w * loose * g + 0.004, d * (loose + 0.06) * g + look.belly * 0.6 + 0.004, y))
    z = min(0.47, table[-1][0] - 0.04)
    while z > look.hem:
        wider = look.fall * (0.5 - z)
        table.append((z, (0.113 + wider) * g, (0.084 + 0.8 * wider) * g, -0.004))
        z -= 0.055
    wider = look.fall * (0.5 - look.hem)
    if look.hem < 0.47:
        table.append((look.hem, (0.113 + wider) * g, (0.084 + 0.8 * wider) * g, -0.004))
    grid = rings(table, 14, square=0.92)
    up = grid[:, :, 2]
    chest, below, shin = (
        smoothstep(up, 0.54, 0.66),
        1 - smoothstep(up, 0.36, 0.53),
        (1 - smoothstep(up, 0.15, 0.32)) * 0.55,
    )
    right = smoothstep(grid[:, :, 0], -0.05, 0.05)
    thigh = below * 0.88
    shares: list[tuple[int, Floats | float]] = [
        (CHEST, chest),
        (PELVIS, (1 - chest) * (1 - thigh)),
        (THIGH_L, (1 - chest) * thigh * (1 - right) * (1 - shin)),
        (THIGH_R, (1 - chest) * thigh * right * (1 - shin)),
        (SHIN_L, (1 - chest) * thigh * (1 - right) * shin),
        (SHIN_R, (1 - chest) * thigh * right * shin),
    ]
    return [Part(grid, bone_weights(grid, bones=shares), RECTS["over"])]


def _bag(look: Look) -> list[Part]:
    side = -1.0 if look.left_handed else 1.0
    fore = FORE_L if look.left_handed else FORE_R
    match look.bag:
        case "backpack":
            grid, bones = box((-0.085, -0.155, 0.60), (0.085, -0.06, 0.81)), ((CHEST, 1.0),)
        case "shoulder":
            x = side * 0.145
            grid, bones = box((x - 0.025, -0.08, 0.50), (x + 0.025, 0.08, 0.62)), ((PELVIS, 1.0),)
        case "shopping":
            x = side * 0.135
            grid, bones = box((x - 0.03, -0.085, 0.21), (x + 0.03, 0.085, 0.40)), ((fore, 1.0),)
        case "box":
            grid, bones = box((-0.10, 0.10, 0.60), (0.10, 0.24, 0.74)), ((CHEST, 1.0),)
        case _:
            return []
    return [Part(grid, bone_weights(grid, bones=bones), RECTS["bag"])]


def pushed_mesh(kind: str, height: float) -> Mesh:
    """A pram or a trolley in front of a person of this height (metres): a mesh of its own, no part of the person."""
    hands = 0.60 * height
    parts: list[Floats] = []
    if kind == "pram":
        shell = [(0.98, 0.02, 0.02, 0.80), (0.95, 0.17, 0.16, 0.78), (0.80, 0.20, 0.24, 0.80),
                 (0.62, 0.20, 0.36, 0.86), (0.5, 0.15, 0.30, 0.86), (0.48, 0.02, 0.02, 0.86)]  # fmt: skip
        parts.append(rings(shell, 10))
    else:
        parts.append(box((-0.27, 0.45, 0.55), (0.27, 1.25, 0.62)))
        parts.append(box((-0.27, 1.2, 0.55), (0.27, 1.25, 0.98)))
        parts += [box((x - 0.015, 0.45, 0.55), (x + 0.015, 1.25, 0.98)) for x in (-0.26, 0.26)]
    for x in (-0.22, 0.22):
        parts += [box((x - 0.02, y - 0.09, 0.0), (x + 0.02, y + 0.09, 0.18)) for y in (0.62, 1.08)]
        parts.append(box((x - 0.015, 0.60, 0.16), (x + 0.015, 1.1, 0.2)))
        parts.append(box((x - 0.012, 0.34, hands - 0.02), (x + 0.012, 0.72, hands + 0.02)))
    parts.append(box((-0.24, 0.33, hands - 0.02), (0.24, 0.37, hands + 0.02)))
    return assemble([Part(p, bone_weights(p, bones=((ROOT, 1.0),)), RECTS["prop"]) for p in parts])
