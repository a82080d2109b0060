"""The known crossings: people who walk straight over the line, one at a time. Pure."""

from __future__ import annotations

SIZE = (1280, 720)
"""Width and height of the pictures that are not there, pixels."""
LINE = [640, 720, 640, 0]
"""The line of every counter: who walks to the right comes in."""
SECONDS = 1.6
"""How long a walk takes."""
_FIRST, _LAST = 510.0, 770.0
_HEIGHT = 120.0

Box = tuple[float, float, float, float]


def frames(fps: float) -> int:
    """How many frames a walk has."""
    return round(SECONDS * fps)


def box(frame: int, fps: float, direction: str) -> Box:
    """Where the person is in a frame of the walk, from 0. Who goes out walks at another depth than who comes in."""
    part = frame / (frames(fps) - 1)
    x = _FIRST + (_LAST - _FIRST) * (part if direction == "in" else 1 - part)
    y = 680.0 if direction == "in" else 200.0
    return x - 0.2 * _HEIGHT, y - _HEIGHT, x + 0.2 * _HEIGHT, y


def crossing_frame(fps: float) -> float:
    """When the line is passed, in frames from the beginning of the walk."""
    return (LINE[0] - _FIRST) / (_LAST - _FIRST) * (frames(fps) - 1)
