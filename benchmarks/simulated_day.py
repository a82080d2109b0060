"""Simulates a day of tracks at a door: people who walk through, stand on the line, turn round or pass by.

Pictures are 1280x720 at 10 frames/s, with a vertical line in the middle. Boxes have a noise of 6 px (standard
deviation) in place and size, as a tracker's would. One person in ten is lost at the line for up to 0.6 s and gets a new
track id. Times with nobody in the picture are left out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchmarks.mot.events import CountedCrossing
from metrica.nodes.geometry.arrays import Float64, Int64
from metrica.nodes.geometry.lines import Line

SIZE = (1280, 720)
FPS = 10.0
MIDDLE = 640.0
LINE = Line("door", (MIDDLE, 720.0), (MIDDLE, 0.0))
OPEN_SECONDS = 10 * 3600.0
_NOISE = 6.0
"""Standard deviation of the boxes' noise, pixels."""
_SWITCHES = 0.1
"""Probability of a new track id at the line."""
_LONGEST_GAP = 0.6
"""Seconds for which a person is lost at most before the new id."""
_LOITER, _TURN, _PASS_BY = 0.05, 0.05, 0.2
"""People per visit who also stand on the line, turn round, or pass by outside."""


@dataclass(frozen=True, slots=True)
class Day:
    """The tracks of a day, box by box in order of time, and the true events."""

    times: Float64
    """Seconds of each frame, [F]."""
    frame: Int64
    """For each box the number of its frame, [B]."""
    boxes: Float64
    """x1, y1, x2, y2 in pixels, [B, 4]."""
    ids: Int64
    """Track ids, [B]."""
    ages: Int64
    """Age of the track in frames, from 1, [B]."""
    events: list[CountedCrossing]


class _Tracks:
    """Collects the walks of a day as noisy tracks, and their true events."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.events: list[CountedCrossing] = []
        self._ids = 0
        self._parts: list[tuple[Int64, Float64, Int64]] = []

    def walk(self, start: float, stops: list[tuple[float, float, float]], switches: float = 0.0) -> None:
        """Add a walk through stops (x, y, and seconds from the stop before), and its crossings to the events.

        switches: probability of a new track id at the line.
        """
        rng = self.rng
        times = start + np.cumsum([s for _, _, s in stops])
        ticks = np.arange(np.ceil(times[0] * FPS), times[-1] * FPS).astype(np.int64)
        x, y = (np.interp(ticks / FPS, times, [stop[axis] for stop in stops]) for axis in (0, 1))
        crossings = [
            (float(t + (MIDDLE - x0) / (x1 - x0) * (u - t)), "IN" if x1 > x0 else "OUT")
            for (x0, _, _), (x1, _, _), t, u in zip(stops, stops[1:], times, times[1:], strict=False)
            if (x0 < MIDDLE) != (x1 < MIDDLE)
        ]
        self.events += crossings
        height = rng.normal(160, 12)
        noise = rng.normal(0, _NOISE, (4, len(ticks)))
        width, tall = 0.4 * height + noise[2], height + noise[3]
        x, y = x + noise[0], y + noise[1]
        boxes = np.column_stack((x - width / 2, y - tall, x + width / 2, y))
        self._ids += 1
        ids = np.full(len(ticks), self._ids)
        seen = np.ones(len(ticks), np.bool_)
        if crossings and rng.uniform() < switches:
            lost = crossings[0][0] + rng.uniform(-0.3, 0.3)
            again = lost + rng.uniform(0, _LONGEST_GAP)
            self._ids += 1
            ids[ticks / FPS >= again] = self._ids
            seen = (ticks / FPS < lost) | (ticks / FPS >= again)
        self._parts.append((ticks[seen], boxes[seen], ids[seen]))

    def day(self) -> Day:
        """All walks so far as a day. Frames are kept from just before to 4 s after each box."""
        ticks, boxes, ids = (np.concatenate(part) for part in zip(*self._parts, strict=True))
        order = np.lexsort((ids, ticks))
        ticks, boxes, ids = ticks[order], boxes[order], ids[order]
        busy = np.unique(ticks)
        near = np.unique((busy[:, None] + np.arange(-1, round(4 * FPS))).ravel())
        _, first, inverse = np.unique(ids, return_index=True, return_inverse=True)
        return Day(near / FPS, np.searchsorted(near, ticks), boxes, ids, ticks - ticks[first][inverse] + 1, self.events)


def simulate(visits: int, seed: int) -> Day:
    """A day with so many visits, each an IN and later an OUT. The same seed gives the same day."""
    rng = np.random.default_rng(seed)
    tracks = _Tracks(rng)

    def place(inside: bool) -> tuple[float, float]:
        return MIDDLE + (1 if inside else -1) * rng.uniform(170, 260), rng.uniform(350, 680)

    def seconds(a: tuple[float, float], b: tuple[float, float]) -> float:
        return float(np.hypot(a[0] - b[0], a[1] - b[1]) / (160 * np.clip(rng.normal(0.8, 0.15), 0.4, 1.3)))

    def through(start: float, inward: bool) -> None:
        a, b = place(not inward), place(inward)
        tracks.walk(start, [(*a, 0.0), (*b, seconds(a, b))], _SWITCHES)

    def loiter(start: float) -> None:
        inward = bool(rng.uniform() < 0.5)
        a = place(not inward)
        on = (MIDDLE + (-3 if inward else 3), rng.uniform(350, 680))
        b = place(inward) if rng.uniform() < 0.5 else place(not inward)
        stand = rng.uniform(20, 120)
        tracks.walk(start, [(*a, 0.0), (*on, seconds(a, on)), (*on, stand), (*b, seconds(on, b))])

    def turn(start: float) -> None:
        inward = bool(rng.uniform() < 0.5)
        a, c = place(not inward), place(not inward)
        # Half of them turn well before the line, half cross it and come back.
        far = rng.uniform(80, 200) * (1 if rng.uniform() < 0.5 else -0.5)
        b = (MIDDLE + (far if inward else -far), rng.uniform(350, 680))
        tracks.walk(start, [(*a, 0.0), (*b, seconds(a, b)), (*c, seconds(b, c))])

    def pass_by(start: float) -> None:
        x = MIDDLE - rng.uniform(60, 260)
        a, b = (x, 350.0), (x + rng.uniform(-20, 20), 700.0)
        tracks.walk(start, [(*a, 0.0), (*b, seconds(a, b))])

    for start in np.sort(rng.uniform(0, OPEN_SECONDS, visits)):  # a Poisson process with a given number of arrivals
        through(float(start), True)
        through(float(start + rng.lognormal(np.log(900), 0.6)), False)
    for share, kind in ((_LOITER, loiter), (_TURN, turn), (_PASS_BY, pass_by)):
        for start in rng.uniform(0, OPEN_SECONDS, rng.poisson(share * visits)):
            kind(float(start))
    return tracks.day()
