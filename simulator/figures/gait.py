"""How people move: the angles of their joints while they walk or stand, and the bones' matrices from them.

The body stands at the origin and looks along +y; x is its right. At rest it is upright with hanging arms. Angles are
radians; those of hip and shoulder are positive forwards. The curves simplify those of gait analysis (Winter,
Biomechanics and Motor Control of Human Movement): a cosine for the thigh, and a bump for the knee while the leg swings.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from metrica.nodes.geometry.arrays import Floats

PELVIS, CHEST, HEAD, ARM_L, ARM_R, FORE_L, FORE_R, THIGH_L, THIGH_R, SHIN_L, SHIN_R, FOOT_L, FOOT_R, ROOT = range(14)
BONES = 14
"""Number of bones."""

JOINTS: dict[int, tuple[float, float, float]] = {
    PELVIS: (0.0, 0.0, 0.53),
    CHEST: (0.0, 0.0, 0.60),
    HEAD: (0.0, 0.0, 0.85),
    ARM_L: (-0.108, -0.005, 0.805),
    ARM_R: (0.108, -0.005, 0.805),
    FORE_L: (-0.118, -0.005, 0.635),
    FORE_R: (0.118, -0.005, 0.635),
    THIGH_L: (-0.052, 0.0, 0.525),
    THIGH_R: (0.052, 0.0, 0.525),
    SHIN_L: (-0.052, 0.004, 0.285),
    SHIN_R: (0.052, 0.004, 0.285),
    FOOT_L: (-0.052, -0.008, 0.042),
    FOOT_R: (0.052, -0.008, 0.042),
    ROOT: (0.0, 0.0, 0.0),
}
"""x, y, z of each bone's joint at rest, as parts of the body's height."""
_PARENT = {
    CHEST: PELVIS, HEAD: CHEST, ARM_L: CHEST, ARM_R: CHEST, FORE_L: ARM_L, FORE_R: ARM_R,
    THIGH_L: PELVIS, THIGH_R: PELVIS, SHIN_L: THIGH_L, SHIN_R: THIGH_R, FOOT_L: SHIN_L, FOOT_R: SHIN_R,
}  # fmt: skip
_SOLES = ((FOOT_L, -0.052), (FOOT_R, 0.052))


@dataclass(frozen=True, slots=True)
class MovementStyle:
    """How one person moves."""

    swing: float = 1.0
    """Swing of the arms, 1 is usual."""
    lean: float = 0.05
    """Forward lean of the trunk, radians."""
    sway: float = 1.0
    """Sway and twist of the hips, 1 is usual."""
    hold: str = ""
    """What the arms do: phone, call, carry, push, pockets or fold; empty: they swing."""
    head_down: float = 0.1
    """Forward bend of the head, radians."""
    seed: float = field(default=0.0)
    """Phase of the slow movements, so that no two people move alike."""


def thigh_swing(speed: float) -> float:
    """Swing of the thigh to the front and to the back at a speed in m/s, radians."""
    return 0.44 * math.sqrt(max(speed, 0.0) / 1.35)


def stride_length(speed: float, height: float) -> float:
    """Metres walked in one cycle of two steps, so that the feet do not slide. speed: m/s; height: metres."""
    return 4 * 0.485 * height * math.sin(max(thigh_swing(speed), 0.12))


def joint_angles(
    phase: float, speed: float, style: MovementStyle, time: float
) -> dict[int, tuple[float, float, float]]:
    """The rotation of each bone against its parent, radians about x (forwards positive), y and z.

    phase: of the gait, radians. speed: m/s. time: seconds, for the slow movements.
    """
    a = thigh_swing(speed)
    moving = min(1.0, speed / 0.5)
    slow = time * 0.9 + style.seed
    found: dict[int, tuple[float, float, float]] = {}
    for thigh, shin, foot, shift in ((THIGH_L, SHIN_L, FOOT_L, 0.0), (THIGH_R, SHIN_R, FOOT_R, math.pi)):
        p = phase + shift
        hip = 0.10 * moving + a * math.cos(p)
        # The thigh moves forward while sin(p) < 0. The knee is bent then, most in the middle of the swing.
        bend = 0.06 + 0.10 * a + moving * 0.42 * (a / 0.44) * (1 + math.sin(-p + 0.35)) * max(0.0, math.sin(-p + 0.55))
        found[thigh] = (hip, 0.0, 0.0)
        found[shin] = (-bend, 0.0, 0.0)
        found[foot] = (
            max(-0.5, min(0.35, 0.75 * (bend - hip) - 0.25 * moving * max(0.0, math.sin(p - 0.6)))),
            0.0,
            0.0,
        )
    twist = 0.10 * moving * math.cos(phase) * style.sway
    found[PELVIS] = (0.0, 0.03 * moving * math.sin(phase) * style.sway + 0.02 * (1 - moving) * math.sin(slow), -twist)
    found[CHEST] = (-style.lean - 0.02 * moving * math.cos(2 * phase), -0.02 * moving * math.sin(phase), 1.9 * twist)
    turn = 0.35 * math.sin(0.37 * slow + 2 * style.seed) * math.sin(0.11 * slow) * (1 - 0.5 * moving)
    found[HEAD] = (style.lean - style.head_down, 0.0, turn - twist)
    found |= _arms(phase, a, style, slow)
    return found


def _arms(phase: float, a: float, style: MovementStyle, slow: float) -> dict[int, tuple[float, float, float]]:
    """The rotations of the arms' bones. a: swing of the thigh; slow: phase of the slow movements."""
    swing = 0.75 * a * style.swing
    left, right = swing * math.cos(phase + math.pi), swing * math.cos(phase)
    idle = 0.04 * math.sin(slow)
    found: dict[int, tuple[float, float, float]] = {
        ARM_L: (left - 0.05 + idle, 0.07, 0.0),
        ARM_R: (right - 0.05 - idle, -0.07, 0.0),
        FORE_L: (0.25 + 0.35 * max(0.0, left) + 0.2 * a, 0.0, 0.0),
        FORE_R: (0.25 + 0.35 * max(0.0, right) + 0.2 * a, 0.0, 0.0),
    }
    match style.hold:
        case "phone":
            found |= {ARM_R: (0.45, 0.0, 0.25), FORE_R: (1.75, 0.0, 0.45)}
        case "call":
            found |= {ARM_R: (0.55, -0.55, 0.0), FORE_R: (2.35, 0.0, 0.35)}
        case "carry":
            found |= {
                ARM_L: (0.35, 0.1, -0.1),
                ARM_R: (0.35, -0.1, 0.1),
                FORE_L: (1.35, 0, -0.2),
                FORE_R: (1.35, 0, 0.2),
            }
        case "push":
            found |= {
                ARM_L: (0.62, 0.05, 0.0),
                ARM_R: (0.62, -0.05, 0.0),
                FORE_L: (0.55, 0, 0.0),
                FORE_R: (0.55, 0, 0.0),
            }
        case "pockets":
            found |= {ARM_L: (-0.25, 0.22, 0), ARM_R: (-0.25, -0.22, 0), FORE_L: (0.8, 0, -0.5), FORE_R: (0.8, 0, 0.5)}
        case "fold":
            found |= {
                ARM_L: (0.35, 0.08, -0.1),
                ARM_R: (0.4, -0.08, 0.1),
                FORE_L: (1.6, 0, -1.1),
                FORE_R: (1.6, 0, 1.1),
            }
        case _:
            pass
    return found


def bone_matrices(turns: dict[int, tuple[float, float, float]], height: float) -> Floats:
    """The matrices that move the points of the resting body, [BONES, 3, 4]; they set the lower sole on the floor.

    turns: as `joint_angles` gives them. height: of the body, metres.
    """
    rotation: dict[int, Floats] = {ROOT: np.eye(3, dtype=np.float32)}
    place: dict[int, Floats] = {ROOT: np.zeros(3, np.float32)}
    joints = {bone: np.array(at, np.float32) * height for bone, at in JOINTS.items()}
    for bone in range(BONES - 1):
        own = _rotation(*turns.get(bone, (0.0, 0.0, 0.0)))
        parent = _PARENT.get(bone)
        if parent is None:
            rotation[bone], place[bone] = own, joints[bone]
        else:
            rotation[bone] = rotation[parent] @ own
            place[bone] = place[parent] + rotation[parent] @ (joints[bone] - joints[parent])
    lowest = min(
        float((place[foot] + rotation[foot] @ (np.array([x, y, 0.0], np.float32) * height - joints[foot]))[2])
        for foot, x in _SOLES
        for y in (-0.04, 0.085)
    )
    bones = np.empty((BONES, 3, 4), np.float32)
    for bone in range(BONES):
        bones[bone, :, :3] = rotation[bone]
        bones[bone, :, 3] = place[bone] - rotation[bone] @ joints[bone]
    bones[: BONES - 1, 2, 3] -= lowest
    return bones


def _rotation(forward: float, side: float, turn: float) -> Floats:
    """The matrix of a rotation about z (turn), y (side) and x (forward, which lifts a hanging limb to +y), [3, 3]."""
    cx, sx, cy, sy, cz, sz = (
        math.cos(forward), math.sin(forward), math.cos(side), math.sin(side), math.cos(turn), math.sin(turn)
    )  # fmt: skip
    about_x = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]], np.float32)
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]], np.float32)
    about_z = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]], np.float32)
    whole: Floats = (about_z @ about_y @ about_x).astype(np.float32)
    return whole
