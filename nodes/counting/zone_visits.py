"""Who is in which zone, and for how long? The rule, without sockets and without a clock.

What every part of it is for is in docs/zones.md.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from metrica.nodes.counting.zone_handover import Sight, doubles, successors
from metrica.nodes.geometry.anchors import BELOW_CENTRE, Anchor, anchors, cut_sides, remember_size
from metrica.nodes.geometry.arrays import Float32, Float64, Int64
from metrica.nodes.geometry.zones import Zone, ZoneSet

_NARROWEST = 0.5
"""The band at a zone's border is at most this part of `ZoneSet.half_widths`, so that a narrow zone has an inside."""
_SIGHTS = 2
"""So many sights in a row beyond the border and the band show that somebody has passed it;"""
_CLEARLY = 2.0
"""one is enough beyond so many bands (people jump far at 2 frames/s)."""
_SETTLED = 1.0
"""Seconds after which somebody first seen at a border is where they were on average."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoneSettings:
    """Lengths in heights of the person's box, times in seconds."""

    anchor: Anchor = "bottom_center"
    band: float = 0.1
    """How far beyond the border somebody must be to have passed it."""
    bridge: float = 3.0
    """Out of sight, or out of the zone, for this long is still the same visit."""
    min_visit: float = 1.0
    """Shorter stays are people who pass through, and are not reported."""
    loiter: float = 120.0
    """Who stays longer than this is loitering."""


@dataclass(frozen=True, slots=True)
class Stay:
    """One visit of one zone, over."""

    zone: str
    track: int
    entered_ns: int
    left_ns: int
    """On the scale of the times given to `update`, nanoseconds."""


@dataclass(frozen=True, slots=True)
class Crowd:
    """The people in one zone at one moment."""

    people: int
    loitering: int
    longest: float
    """Seconds; 0 where nobody is."""


@dataclass(slots=True)
class _Place:
    """One person and one zone."""

    side: int = 0
    """1 inside, -1 outside, 0 not known yet."""
    depth: float = math.nan
    """At the last sight."""
    passed: float = math.nan
    """When the border was last passed, either way."""
    entered: float = math.nan
    """Since when the present visit lasts; NaN where there is none."""
    left: float = math.nan
    """When that visit seemed to end, while it may still go on."""
    beyond: int = 0
    """For how many sights in a row they have been beyond the band on a side that is not theirs."""
    total: float = 0.0
    """The sum of all depths, until the side is known."""


@dataclass(slots=True)
class _Person(Sight):
    """Somebody who is in the picture, or was a moment ago."""

    size: tuple[float, float] = (0.0, 0.0)
    """Width and height, remembered."""
    places: list[_Place] = field(default_factory=list[_Place])


class ZoneVisits:
    """The visits of one camera's zones. Give it every frame's tracks in order of time.

    It remembers the people in the picture and those lost up to `bridge` seconds ago, however many there ever were.
    """

    def __init__(self, zones: Sequence[Zone], settings: ZoneSettings | None = None) -> None:
        """Raises ValueError if two zones have one name."""
        self._zones = ZoneSet(zones)
        self._settings = settings or ZoneSettings()
        self._people: dict[int, _Person] = {}
        self._epoch: int | None = None
        self._start_ns = 0
        self._now = 0.0
        self._over: list[Stay] = []

    @property
    def remembered(self) -> int:
        """How many people it knows at the moment."""
        return len(self._people)

    @property
    def names(self) -> tuple[str, ...]:
        return self._zones.names

    def update(self, time_ns: int, epoch: int, boxes: Float32, ids: Int64, frame_size: tuple[int, int]) -> list[Stay]:
        """The visits that are surely over with this frame, in the order in which they ended.

        time_ns: when the frame was taken. epoch: a new value means that the tracker started anew, so that its ids
        mean other people; the same holds when time runs backwards, or after a pause longer than `bridge`. Every
        visit then ends where it was last seen. boxes [N, 4], ids [N] as in Tracks; unusable boxes are left out.
        """
        now = (time_ns - self._start_ns) / 1e9
        if epoch != self._epoch or not 0 <= now - self._now <= max(self._settings.bridge, 1.0):
            self._end_all()
            self._epoch, self._start_ns, now = epoch, time_ns, 0.0
        self._now = now
        corners = boxes.astype(np.float64)
        good = np.isfinite(corners).all(axis=1) & (corners[:, 2:] > corners[:, :2]).all(axis=1)
        listed: list[int] = ids.tolist()
        rows = [i for i in np.flatnonzero(good).tolist() if listed[i] not in listed[:i]]
        self._see([listed[i] for i in rows], corners[rows], frame_size)
        self._close()
        return self._take()

    def crowds(self) -> dict[str, Crowd]:
        """Who is in each zone at the time of the last frame, by the zone's name; the briefly lost included."""
        found: dict[str, Crowd] = {}
        for zone, name in enumerate(self._zones.names):
            places = [p.places[zone] for p in self._people.values()]
            since = [self._now - p.entered for p in places if p.side == 1]
            long = sum(stayed >= self._settings.loiter for stayed in since)
            found[name] = Crowd(len(since), long, max(since, default=0.0))
        return found

    def flush(self) -> list[Stay]:
        """The visits that are still open at the end of a recording; everything is forgotten."""
        self._end_all()
        self._epoch = None
        return self._take()

    def _take(self) -> list[Stay]:
        over, self._over = sorted(self._over, key=lambda stay: stay.left_ns), []
        return over

    def _see(self, listed: list[int], corners: Float64, frame_size: tuple[int, int]) -> None:
        corners = corners.T
        cut = cut_sides(corners, frame_size)
        known = [self._people.get(track) for track in listed]
        size = np.array([p.size if p else (0.0, 0.0) for p in known]).reshape(-1, 2).T
        seconds = np.array([self._now - p.last if p else 0.0 for p in known])
        seen = corners[2:] - corners[:2]
        size = np.where(size > 0, remember_size(size, seen, cut, seconds), seen)
        points = anchors(corners, size, cut, BELOW_CENTRE[self._settings.anchor])
        at, tall = list(zip(*points.tolist(), strict=True)), size[1].tolist()
        born = [
            _Person(track, self._now, self._now, at[i], (0.0, 0.0), tall[i])
            for i, track in enumerate(listed)
            if known[i] is None
        ]
        self._add(born, set(listed))
        depths = self._zones.depth(points.T, frame_size)
        bands = np.minimum(self._settings.band * size[1][:, None], _NARROWEST * self._zones.half_widths(frame_size))
        seen_now = zip(listed, at, zip(*size.tolist(), strict=True), depths.tolist(), bands.tolist(), strict=True)
        for track, point, whole, depth, band in seen_now:
            person = self._people[track]
            before = person.last
            person.see(self._now, point, whole[1])
            person.size = whole
            for place, deep, wide in zip(person.places, depth, band, strict=True):
                # Nearly everybody is where they were, on the same side and with nothing open.
                if place.side and deep * place.side > 0 and deep * place.depth > 0 and not place.beyond:
                    place.depth = deep
                else:
                    self._move(person, place, deep, wide, before)

    def _add(self, born: list[_Person], seen: set[int]) -> None:
        """New people; those among them who were only lost for a moment go on with their visits."""
        lost = [p for track, p in self._people.items() if track not in seen]
        for old, new in successors(lost, born, self._now):
            self._people.pop(old.track)
            new.first, new.last, new.places = old.first, old.last, old.places
            new.point, new.velocity = old.point, old.velocity
        for person in born:
            person.places = person.places or [_Place() for _ in self._zones.names]
            self._people[person.track] = person
        gone = [p for p in lost if p.track in self._people]
        visible = [p for track, p in self._people.items() if track in seen]
        for old, young in doubles(gone, visible, self._now):
            self._people.pop(old.track)
            for place, other in zip(young.places, old.places, strict=True):
                if other.side == 1 and (place.side != 1 or other.entered < place.entered):
                    place.side, place.entered, place.left = 1, other.entered, math.nan

    def _move(self, person: _Person, place: _Place, depth: float, band: float, before: float) -> None:
        if not math.isnan(place.depth) and (depth >= 0) != (place.depth >= 0):
            part = place.depth / (place.depth - depth)
            place.passed = before + part * (self._now - before)
        place.depth = depth
        settled = False
        if place.side == 0:
            place.total += depth
            settled = self._now - person.first >= _SETTLED
        side = 1 if depth >= 0 else -1
        turned = side * (1 if place.beyond >= 0 else -1) < 0  # beyond counts upwards inside, downwards outside
        elsewhere = side != place.side and abs(depth) > band
        place.beyond = (0 if turned else place.beyond) + side if elsewhere else 0
        if elsewhere and (abs(place.beyond) >= _SIGHTS or abs(depth) > _CLEARLY * band):
            self._change(place, side, person.first if math.isnan(place.passed) else place.passed)
        elif settled:
            self._change(place, 1 if place.total >= 0 else -1, person.first)

    def _change(self, place: _Place, side: int, when: float) -> None:
        if side == 1 and math.isnan(place.left):  # else they were only out for a moment: the visit of before goes on
            place.entered = when
        place.left = when if place.side == 1 else math.nan
        place.side, place.beyond = side, 0

    def _close(self) -> None:
        """End the visits of who left or was lost too long ago, and forget the lost."""
        bridge = self._settings.bridge
        for person in list(self._people.values()):
            if self._now - person.last > bridge:
                self._end(self._people.pop(person.track))
                continue
            for zone, place in enumerate(person.places):
                if place.side != 1 and self._now - place.left > bridge:  # False for NaN
                    self._report(person, zone, place.left)
                    place.entered = place.left = math.nan

    def _end(self, person: _Person) -> None:
        for zone, place in enumerate(person.places):
            if place.side == 1:
                self._report(person, zone, person.last)
            elif not math.isnan(place.left):
                self._report(person, zone, place.left)

    def _end_all(self) -> None:
        for person in self._people.values():
            self._end(person)
        self._people.clear()

    def _report(self, person: _Person, zone: int, left: float) -> None:
        entered = person.places[zone].entered
        if left - entered >= self._settings.min_visit:
            begin, end = (self._start_ns + round(t * 1e9) for t in (entered, left))
            self._over.append(Stay(self._zones.names[zone], person.track, begin, end))
