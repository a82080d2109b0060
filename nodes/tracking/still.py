"""What never moves is no person: mannequins, posters, coats on a stand. For any tracker.

A person cannot stand as still as a mannequin for minutes, but nobody can tell the two apart within seconds. So this
only hides tracks, it never ends them: whoever moves is back at once, with the id that they had.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from metrica.messages import Thresholds
from metrica.nodes.geometry.arrays import Float32
from metrica.nodes.tracking.tracker import TrackedBoxes, Tracker

_NEAR = 0.1
"""Each side of a box stays within this part of the box's width or height while nothing moves;"""
_CLEARLY = 2.0
"""one sight so many times further away shows that something does, or two in a row that are further away at all."""
_DISTURBED = 1.0
"""Seconds: a box that is back where it was after that time has only been disturbed by somebody who passed it."""
_FORGET = 10.0
"""Seconds after which a track that had not been still is forgotten; longer than any tracker looks for one."""
_REMEMBER = 600.0
"""Seconds for which a still thing is known that the tracker has lost, as behind somebody who stands before it."""
_MOST_LOST = 64
"""So many of them at most, the latest."""

Box = tuple[float, float, float, float]


@dataclass(slots=True)
class _Thing:
    """A track, and since when it has not moved. Times in seconds."""

    box: Box
    """Where it has been since then, x1, y1, x2, y2."""
    since: float
    seen: float
    hidden: bool = False
    away: int = 0
    """For how many sights in a row it has been elsewhere,"""
    away_since: float = 0.0
    """and since when."""

    def distance(self, box: Box) -> float:
        """How far the sides of a box are from where it has been, in parts of its width and height."""
        x1, y1, x2, y2 = self.box
        across = max(abs(box[0] - x1), abs(box[2] - x2)) / (x2 - x1)
        upright = max(abs(box[1] - y1), abs(box[3] - y2)) / (y2 - y1)
        return max(across, upright)

    def see(self, box: Box, now: float, after: float) -> None:
        self.seen = now
        distance = self.distance(box)
        if distance <= _NEAR:
            self.away = 0
            self.hidden = now - self.since >= after
            return
        self.away_since = self.away_since if self.away else now
        self.away += 1
        if self.away > 1 or distance > _CLEARLY * _NEAR:
            self.hidden = False
        if now - self.away_since >= _DISTURBED:
            self.box, self.since, self.away = box, now, 0


class MovingOnly(Tracker):
    """A tracker that leaves out the tracks that have not moved for `after` seconds, until they move."""

    def __init__(self, tracker: Tracker, after: float) -> None:
        self._tracker = tracker
        self._after = after
        self._forget_all()

    @property
    def remembered(self) -> int:
        """How many tracks it knows at the moment, those of things that are out of sight included."""
        return len(self._things)

    def reset(self) -> None:
        self._tracker.reset()
        self._forget_all()

    def _forget_all(self) -> None:
        self._things: dict[int, _Thing] = {}
        self._now = -np.inf

    def update(self, boxes: Float32, scores: Float32, time: float, thresholds: Thresholds) -> TrackedBoxes:
        found = self._tracker.update(boxes, scores, time, thresholds)
        if time < self._now:
            self._forget_all()
        self._now = time
        seen = dict(zip(found.ids.tolist(), found.boxes.tolist(), strict=True))
        for track, box in seen.items():
            if track in self._things:
                self._things[track].see(box, time, self._after)
        for track, box in seen.items():
            if track not in self._things:
                thing = self._things[track] = self._known_at(box) or _Thing(box, time, time)
                thing.see(box, time, self._after)
        self._forget_old()
        shown = [not self._things[track].hidden for track in seen]
        if all(shown):
            return found
        return TrackedBoxes(found.boxes[shown], found.ids[shown], found.scores[shown], found.ages[shown])

    def _known_at(self, box: Box) -> _Thing | None:
        """The still thing at the place of a new track that the tracker had lost, if there is one."""
        lost = {i: thing.distance(box) for i, thing in self._things.items() if thing.hidden and thing.seen < self._now}
        nearest = min(lost, key=lost.__getitem__, default=None)
        return self._things.pop(nearest) if nearest is not None and lost[nearest] <= _NEAR else None

    def _forget_old(self) -> None:
        lost = [(thing.seen, track) for track, thing in self._things.items() if thing.seen < self._now]
        for number, (seen, track) in enumerate(sorted(lost, reverse=True)):
            longest = _REMEMBER if self._things[track].hidden and number < _MOST_LOST else _FORGET
            if self._now - seen > longest:
                del self._things[track]
