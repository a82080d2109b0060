"""The way of a person over the floor, as a function of time alone: so every moment can be asked for in any order."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from metrica.messages import Direction
from metrica.nodes.geometry.arrays import Floats
from metrica.simulator.figures.gait import stride_length

Waypoint = tuple[float, float, float]
"""x, y in metres, and for how many seconds to stand there."""
_GRAIN = 0.12  # metres between the points of a smoothed way


@dataclass(slots=True)
class Walk:
    """From stop to stop at a speed, from a time on."""

    begins: float
    speed: float
    height: float
    times: Floats = field(repr=False)
    """Seconds, rising, [N]."""
    x: Floats = field(repr=False)
    y: Floats = field(repr=False)
    distance: Floats = field(repr=False)
    """Metres walked until each time."""
    headings: Floats = field(repr=False)
    """Degrees clockwise from +y, not wrapped, [N]."""

    @property
    def ends(self) -> float:
        return float(self.times[-1])

    def at(self, time: float) -> tuple[float, float, float, float, float]:
        """x, y, heading (degrees), phase of the gait, and speed at a time; at its ends outside of it."""
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
        """When the line at this y is passed, and which way."""
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
    """A smooth way through the waypoints. speed: m/s where nothing slows it."""
    x, y, wait = _smooth(waypoints)
    step = np.hypot(np.diff(x), np.diff(y))
    distance = np.concatenate(([0.0], np.cumsum(step)))
    heading = np.unwrap(np.arctan2(np.diff(x), np.diff(y)))
    heading = np.concatenate((heading, heading[-1:]))
    if len(heading) > 4:  # heads do not turn at once
        kernel = np.ones(5) / 5
        heading = np.convolve(np.pad(heading, 2, mode="edge"), kernel, mode="valid")
    turning = np.abs(np.diff(heading)) / np.maximum(step, 1e-6)
    pace = speed / (1 + 0.12 * np.minimum(turning, 6.0))
    times = np.concatenate(([0.0], np.cumsum(step / pace)))
    # Standing is two times at one place.
    t, index_list = [], []
    shift = 0.0
    for i in range(len(x)):
        t.append(begins + float(times[i]) + shift)
        index_list.append(i)
        if wait[i] > 0:
            shift += wait[i]
            t.append(begins + float(times[i]) + shift)
            index_list.append(i)
    index = np.array(index_list)
    return Walk(begins, speed, height, np.array(t), x[index], y[index], distance[index], np.degrees(heading)[index])


def _smooth(waypoints: list[Waypoint]) -> tuple[Floats, Floats, list[float]]:
    """Points every few centimetres along a Catmull-Rom curve, and how long to wait at each."""
    at = np.array([s[:2] for s in waypoints], np.float64)
    padded = np.concatenate((2 * at[:1] - at[1:2], at, 2 * at[-1:] - at[-2:-1]))
    points: list[Floats] = []
    wait: list[float] = []
    for i in range(len(at) - 1):
        p0, p1, p2, p3 = padded[i : i + 4]
        n = max(2, math.ceil(float(np.hypot(*(p2 - p1))) / _GRAIN))
        t = (np.arange(n) / n)[:, None]
        # Tension keeps long legs from swinging out at short ones.
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
