"""Hand-made tracks for the tests of the counting rule: who is where in which frame."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from metrica.nodes.counting.crossing import CrossingSettings, LineCrossingRule, Passage
from metrica.nodes.geometry.lines import Line

FRAME = (1280, 720)
UPRIGHT = Line("main", (640.0, 720.0), (640.0, 0.0))
"""From bottom to top in the middle: who walks to the right comes in."""
START = 1_700_000_000_000_000_000
"""When the first frame is taken, nanoseconds."""

H = 160.0
"""The height of a person, pixels."""
WALK = 130.0
"""Pixels per second: 0.8 heights per second, an easy walk."""

Person = tuple[int, float, float, float]
"""Track id, feet x, feet y, height; pixels."""
Scene = Callable[[float], Sequence[Person]]
"""The people who are visible at a time in seconds."""


def play(
    scene: Scene,
    seconds: float,
    fps: float = 15.0,
    *,
    lines: Sequence[Line] = (UPRIGHT,),
    settings: CrossingSettings | None = None,
    rule: LineCrossingRule | None = None,
    epoch: int = 1,
    begin: float = 0.0,
    size: tuple[int, int] = FRAME,
    flush: bool = False,
) -> list[Passage]:
    """The passages that the rule reports in a scene of so many seconds.

    begin: when the scene begins, seconds after START. flush: whether the recording ends with the scene.
    """
    rule = rule or LineCrossingRule(lines, settings)
    found: list[Passage] = []
    born: dict[int, int] = {}
    for i in range(round(seconds * fps) + 1):
        people = list(scene(i / fps))
        boxes = np.array([box(x, y, height) for _, x, y, height in people], np.float32).reshape(-1, 4)
        ids = np.array([number for number, *_ in people], np.int64)
        ages = np.array([i - born.setdefault(number, i) + 1 for number, *_ in people], np.int32)
        found += rule.update(START + round((begin + i / fps) * 1e9), epoch, boxes, ids, ages, size)
    return found + rule.flush() if flush else found


def box(x: float, y: float, height: float) -> tuple[float, float, float, float]:
    """The box of a person whose feet are at (x, y)."""
    return (x - 0.2 * height, y - height, x + 0.2 * height, y)


def directions(passages: Sequence[Passage]) -> list[str]:
    """The direction of each passage."""
    return [p.direction for p in passages]


def at(passage: Passage) -> float:
    """Seconds from the scene's beginning at which the line was passed."""
    return (passage.time_ns - START) / 1e9


def walker(
    start: float, speed: float = WALK, number: int = 1, y: float = 500.0, height: float = H, until: float = 1e9
) -> Scene:
    """Somebody who walks to the right (to the left if the speed is negative) past the middle of the picture."""
    return lambda t: [(number, start + speed * t, y, height)] if t < until else []


def together(*scenes: Scene) -> Scene:
    """Several scenes at once."""
    return lambda t: [person for scene in scenes for person in scene(t)]
