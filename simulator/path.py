"""The path of a person over the floor as a function of time, so that any moment can be asked for, in any order."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from metrica.messages import Direction
from metrica.nodes.geometry.arrays import Floats
from metrica.simulator.figures.gait import stride_length

Waypoint = tuple[float, float, float]
"""x and y in metres, and for how many seconds to stand there."""
_SPACING = 0.12
"""Metres between the points of a smoothed path."""


@dataclass(slots=True)
class Walk:
    """A walk through waypoints: the state of a person at each moment."""

    begins: float
    """Seconds from the first picture."""
    speed: float
    """Speed where nothing slows it, m/s."""
    height: float
    """The person's height in metres, which sets the length of the steps."""
    times: Floats = field(repr=False)
    """Seconds from the first picture, rising, [N]."""
    x: Floats = field(repr=False)
    """Metres, at each of `times`."""
    y: Floats = field(repr=False)
    """Metres, at each of `times`."""
    distance: Floats = field(repr=False)
    """Metres walked until each of `times`."""
    headings: Floats = field(repr=False)
    """Degrees clockwise from +y at each of `times`; not wrapped to a circle."""

    @property
    def ends(self) -> float:
        return float(self.times[-1])

    def at(self, time: float) -> tuple[float, float, float, float, float]:
        """x, y (metres), heading (degrees), phase of the gait (radians) and speed (m/s) at a time.

        Before its begin and after its end the person stands at the first or the last point.
        """
        t = min(max(time, self.begins), self.ends)
        x, y, distance, heading = (
            float(np.interp(t, self.times, v)) for v in (self.x, self.y, self.distance, self.headings)
        )
        before = float(np.interp(t - 0.15, self.times, self.distance))
        after = float(np.interp(t + 0.15, self.times, self.distance))
        span = min(t + 0.15, self.ends) - max(t - 0.15, self.begins)
        speed = (after - before) / max(span, 0.05)
        return x, y, heading, 2 * math.pi * distance / stride_length(self.speed, self.height), speed

    def crossings(self, line_y: float, reach: float) -> list[tuple[float, Direction]]:
        """Times and directions at which the line from (-reach, line_y) to (reach, line_y) is crossed."""
        found: list[tuple[float, Direction]] = []
        side = self.y - line_y
        for i in np.flatnonzero((side[:-1] < 0) != (side[1:] < 0)):
            part = side[i] / (side[i] - side[i + 1])
            x = self.x[i] + part * (self.x[i + 1] - self.x[i])
            if abs(float(x)) <= reach:
                time = self.times[i] + part * (self.times[i + 1] - self.times[i])
                found.append((float(time), "in" if side[i] < 0 else "out"))
        return found


def make_walk(begins: float, speed: float, height: float, waypoints: list[Waypoint]) -> Walk:
    """A smooth walk through the waypoints, slower in curves. speed: m/s on a straight line; height: metres."""
    x, y, wait = _smooth(waypoints)
    step = np.hypot(np.diff(x), np.diff(y))
    distance = np.concatenate(([0.0], np.cumsum(step)))
    heading = np.unwrap(np.arctan2(np.diff(x), np.diff(y)))
    heading = np.concatenate((heading, heading[-1:]))
    if len(heading) > 4:  # a body does not turn at once
        kernel = np.ones(5) / 5
        heading = np.convolve(np.pad(heading, 2, mode="edge"), kernel, mode="valid")
    turning = np.abs(np.diff(heading)) / np.maximum(step, 1e-6)
    pace = speed / (1 + 0.12 * np.minimum(turning, 6.0))
    times = np.concatenate(([0.0], np.cumsum(step / pace)))
    # Somebody who stands is at the same point at two times.
    t, indices = [], []
    shift = 0.0
    for i in range(len(x)):
        t.append(begins + float(times[i]) + shift)
        indices.append(i)
        if wait[i] > 0:
            shift += wait[i]
            t.append(begins + float(times[i]) + shift)
            indices.append(i)
    index = np.array(indices)
    return Walk(begins, speed, height, np.array(t), x[index], y[index], distance[index], np.degrees(heading)[index])


def _smooth(waypoints: list[Waypoint]) -> tuple[Floats, Floats, list[float]]:
    """x and y of points every few centimetres along a Catmull-Rom curve, and how many seconds to wait at each."""
    at = np.array([s[:2] for s in waypoints], np.float64)
    padded = np.concatenate((2 * at[:1] - at[1:2], at, 2 * at[-1:] - at[-2:-1]))
    points: list[Floats] = []
    wait: list[float] = []
    for i in range(len(at) - 1):
        p0, p1, p2, p3 = padded[i : i + 4]
        n = max(2, math.ceil(float(np.hypot(*(p2 - p1))) / _SPACING))
        t = (np.arange(n) / n)[:, None]
        # Limit the tangents to the length of the segment: a long one next to a short one would overshoot.
        m1, m2 = 0.3 * (p2 - p0), 0.3 * (p3 - p1)
        limit = float(np.hypot(*(p2 - p1)))
        m1, m2 = (m * min(1.0, limit / max(float(np.hypot(*m)), 1e-6)) for m in (m1, m2))
        points.append(
            (2 * t**3 - 3 * t**2 + 1) * p1
            + (t**3 - 2 * t**2 + t) * m1
            + (3 * t**2 - 2 * t**3) * p2
            + (t**3 - t**2) * m2
        )
        wait += [waypoints[i][2], *([0.0] * (n - 1))]
    whole = np.concatenate((*points, at[-1:]))
    wait.append(waypoints[-1][2])
    return whole[:, 0], whole[:, 1], wait
