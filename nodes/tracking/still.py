"""Leaves out tracks that never move: mannequins, posters, coats on a stand. Works with any tracker.

A person cannot stand as still as a mannequin for minutes, but within seconds the two look the same. So tracks are only
hidden, never ended: a track that moves is shown again at once, with the id that it had.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from metrica.messages import Thresholds
from metrica.nodes.geometry.arrays import Float32
from metrica.nodes.tracking.tracker import TrackedBoxes, Tracker

_STILL = 0.1
"""A box is still while each of its sides stays within this fraction of the box's width or height."""
_CLEARLY_MOVED = 2.0
"""A box this many times farther away has moved; one less far away has moved if the next one is away, too."""
_DISTURBED = 1.0
"""Seconds. A box that is back at its place sooner was only disturbed, as by a person who passed in front of it."""
_FORGET = 10.0
"""Seconds after which an unseen track that was not hidden is forgotten; longer than any tracker keeps a lost track."""
_REMEMBER = 600.0
"""Seconds after which an unseen hidden track is forgotten, as when a person stands in front of a mannequin."""
_MOST_LOST = 64
"""Largest number of unseen hidden tracks that are remembered for `_REMEMBER`: the latest ones."""

Box = tuple[float, float, float, float]
"""x1, y1, x2, y2, pixels."""


@dataclass(slots=True)
class _Place:
    """Where a track has been still, and for how long. Times in seconds."""

    box: Box
    """The box when it became still."""
    since: float
    """Time since which it has been still."""
    seen: float
    """Time at which the track was last seen."""
    hidden: bool = False
    """Whether the track has been still for so long that it is left out."""
    away: int = 0
    """For how many frames in a row the track has been away from the place."""
    away_since: float = 0.0
    """Time of the first of these frames."""

    def distance(self, box: Box) -> float:
        """The largest distance of a side of `box` from that of the place, as a fraction of its width or height."""
        x1, y1, x2, y2 = self.box
        horizontal = max(abs(box[0] - x1), abs(box[2] - x2)) / (x2 - x1)
        vertical = max(abs(box[1] - y1), abs(box[3] - y2)) / (y2 - y1)
        return max(horizontal, vertical)

    def see(self, box: Box, now: float, after: float) -> None:
        """Take in the track's box of this frame; hide the track if it has been still for `after` seconds."""
        self.seen = now
        distance = self.distance(box)
        if distance <= _STILL:
            self.away = 0
            self.hidden = now - self.since >= after
            return
        self.away_since = self.away_since if self.away else now
        self.away += 1
        if self.away > 1 or distance > _CLEARLY_MOVED * _STILL:
            self.hidden = False
        if now - self.away_since >= _DISTURBED:
            self.box, self.since, self.away = box, now, 0


class MovingOnly(Tracker):
    """A tracker that leaves out the tracks of another one that have not moved for `after` seconds, until they move."""

    def __init__(self, tracker: Tracker, after: float) -> None:
        self._tracker = tracker
        self._after = after
        self._forget_all()

    @property
    def remembered(self) -> int:
        """How many tracks are remembered, including those that are not seen at the moment."""
        return len(self._places)

    def reset(self) -> None:
        self._tracker.reset()
        self._forget_all()

    def _forget_all(self) -> None:
        self._places: dict[int, _Place] = {}
        """By track id."""
        self._now = -np.inf

    def update(self, boxes: Float32, scores: Float32, time: float, thresholds: Thresholds) -> TrackedBoxes:
        found = self._tracker.update(boxes, scores, time, thresholds)
        if time < self._now:
            self._forget_all()
        self._now = time
        seen = dict(zip(found.ids.tolist(), found.boxes.tolist(), strict=True))
        # Known tracks first: only then is it clear which places are free for a new track.
        for track, box in seen.items():
            if track in self._places:
                self._places[track].see(box, time, self._after)
        for track, box in seen.items():
            if track not in self._places:
                place = self._places[track] = self._lost_place(box) or _Place(box, time, time)
                place.see(box, time, self._after)
        self._forget_old()
        shown = [not self._places[track].hidden for track in seen]
        if all(shown):
            return found
        return TrackedBoxes(found.boxes[shown], found.ids[shown], found.scores[shown], found.ages[shown])

    def _lost_place(self, box: Box) -> _Place | None:
        """Remove and return the place of a hidden track that is not seen and that was where this new box is, if any."""
        lost = {
            track: place.distance(box)
            for track, place in self._places.items()
            if place.hidden and place.seen < self._now
        }
        nearest = min(lost, key=lost.__getitem__, default=None)
        return self._places.pop(nearest) if nearest is not None and lost[nearest] <= _STILL else None

    def _forget_old(self) -> None:
        """Forget tracks that have not been seen for too long, so that memory does not grow."""
        lost = [(place.seen, track) for track, place in self._places.items() if place.seen < self._now]
        for number, (seen, track) in enumerate(sorted(lost, reverse=True)):
            longest = _REMEMBER if self._places[track].hidden and number < _MOST_LOST else _FORGET
            if self._now - seen > longest:
                del self._places[track]
