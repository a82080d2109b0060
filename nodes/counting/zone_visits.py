"""Who is in which zone, and for how long? The rule, without sockets and without a clock.

docs/zones.md says what each part is for.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from metrica.nodes.counting.zone_handover import duplicates, successors
from metrica.nodes.counting.zone_tracks import ZoneState, ZoneTrack
from metrica.nodes.geometry.anchors import BELOW_CENTRE, Anchor, anchors, cut_sides, remember_size
from metrica.nodes.geometry.arrays import Float32, Float64, Int64
from metrica.nodes.geometry.zones import Zone, ZoneSet

_MAX_BAND = 0.5
"""The band at a zone's border is at most this part of `ZoneSet.half_widths`, so that a narrow zone has an inside."""
_MIN_PAUSE = 1.0
"""Seconds; a pause between two frames that is shorter than this never ends the visits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoneSettings:
    """The settings of the zone rule. Lengths in heights of the person's box, times in seconds."""

    anchor: Anchor = "bottom_center"
    """The point of the person that is inside or outside: feet, middle or head."""
    band: float = 0.1
    """How far beyond the border a person must be to have passed it, box heights."""
    bridge: float = 3.0
    """An absence of up to this time, out of sight or out of the zone, does not end a visit, seconds."""
    min_visit: float = 1.0
    """Shorter visits are people who pass through, and are not reported, seconds."""
    loiter: float = 120.0
    """A person who stays for this time is loitering, seconds."""


@dataclass(frozen=True, slots=True)
class ZoneVisit:
    """One person was in one zone once, and has left: the result of the zone rule.

    The node `zone_counter` makes the message `Visit` of it. Times are on the time scale of `ZoneVisitRule.update`.
    """

    zone: str
    """The name of the zone."""
    track: int
    """The temporary id of the track that was last seen in the zone."""
    entered_ns: int
    """When the person entered the zone, or was first seen inside, nanoseconds."""
    left_ns: int
    """When the person left the zone, or was last seen inside, nanoseconds."""


@dataclass(frozen=True, slots=True)
class ZoneOccupancy:
    """The people in one zone at one moment."""

    people: int
    """How many people are in the zone."""
    loitering: int
    """How many of them are loitering."""
    longest: float
    """The longest time that one of them has been there, seconds; 0 if there is nobody."""


class ZoneVisitRule:
    """Follows the visits of the zones of one camera. Give it the tracks of every frame in order of time.

    It remembers the visible tracks and those lost up to `bridge` seconds ago, however many there have been.
    """

    def __init__(self, zones: Sequence[Zone], settings: ZoneSettings | None = None) -> None:
        """Raises ValueError if two zones have the same name."""
        self._zones = ZoneSet(zones)
        self._settings = settings or ZoneSettings()
        self._tracks: dict[int, ZoneTrack] = {}
        self._epoch: int | None = None
        self._start_ns = 0
        self._now = 0.0
        self._finished: list[ZoneVisit] = []

    @property
    def remembered(self) -> int:
        """How many tracks are remembered at the moment."""
        return len(self._tracks)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the zones, in order."""
        return self._zones.names

    def update(
        self, time_ns: int, epoch: int, boxes: Float32, ids: Int64, frame_size: tuple[int, int]
    ) -> list[ZoneVisit]:
        """The visits that this frame shows to be over, in the order in which they ended.

        time_ns: when the frame was taken. epoch: a new value means that the tracker has restarted and its ids mean
        other people; every visit then ends where it was last seen, also when time runs backwards, and after a pause
        longer than `bridge`. boxes [N, 4], ids [N]: as in the message Tracks; boxes without an area and ids given twice
        are ignored. frame_size: width and height of the picture.
        """
        now = (time_ns - self._start_ns) / 1e9
        if epoch != self._epoch or not 0 <= now - self._now <= max(self._settings.bridge, _MIN_PAUSE):
            self._end_all()
            self._epoch, self._start_ns, now = epoch, time_ns, 0.0
        self._now = now
        corners = boxes.astype(np.float64)
        good = np.isfinite(corners).all(axis=1) & (corners[:, 2:] > corners[:, :2]).all(axis=1)
        listed: list[int] = ids.tolist()
        rows = [i for i in np.flatnonzero(good).tolist() if listed[i] not in listed[:i]]
        self._observe([listed[i] for i in rows], corners[rows], frame_size)
        self._end_visits()
        return self._take_finished()

    def occupancy(self) -> dict[str, ZoneOccupancy]:
        """Who is in each zone at the time of the last frame, by the zone's name; tracks just lost are included."""
        found: dict[str, ZoneOccupancy] = {}
        for zone, name in enumerate(self._zones.names):
            states = [track.zones[zone] for track in self._tracks.values()]
            stayed = [self._now - state.entered for state in states if state.side == 1]
            loitering = sum(seconds >= self._settings.loiter for seconds in stayed)
            found[name] = ZoneOccupancy(len(stayed), loitering, max(stayed, default=0.0))
        return found

    def flush(self) -> list[ZoneVisit]:
        """The visits that are still open at the end of a recording. All tracks are forgotten."""
        self._end_all()
        self._epoch = None
        return self._take_finished()

    def _take_finished(self) -> list[ZoneVisit]:
        finished, self._finished = sorted(self._finished, key=lambda visit: visit.left_ns), []
        return finished

    def _observe(self, ids: list[int], corners: Float64, frame_size: tuple[int, int]) -> None:
        """Update the tracks that are visible in this frame. corners [N, 4]: their boxes."""
        corners = corners.T
        cut = cut_sides(corners, frame_size)
        known = [self._tracks.get(track) for track in ids]
        size = np.array([p.size if p else (0.0, 0.0) for p in known]).reshape(-1, 2).T
        elapsed = np.array([self._now - p.last_seen if p else 0.0 for p in known])
        seen = corners[2:] - corners[:2]
        size = np.where(size > 0, remember_size(size, seen, cut, elapsed), seen)
        points = anchors(corners, size, cut, BELOW_CENTRE[self._settings.anchor])
        places, sizes = list(zip(*points.tolist(), strict=True)), list(zip(*size.tolist(), strict=True))
        born = [
            ZoneTrack(track, self._now, self._now, places[i], sizes[i])
            for i, track in enumerate(ids)
            if known[i] is None
        ]
        self._add(born, set(ids))
        depths = self._zones.depth(points.T, frame_size)
        bands = np.minimum(self._settings.band * size[1][:, None], _MAX_BAND * self._zones.half_widths(frame_size))
        for i, (track_depths, track_bands) in enumerate(zip(depths.tolist(), bands.tolist(), strict=True)):
            track = self._tracks[ids[i]]
            previous_time = track.last_seen
            track.observe(self._now, places[i], sizes[i])
            for state, depth, band in zip(track.zones, track_depths, track_bands, strict=True):
                # Nearly every track stays on its side of the border, with no change of side under way.
                if state.side and depth * state.side > 0 and depth * state.depth > 0 and not state.candidate_count:
                    state.depth = depth
                else:
                    state.update(depth, band, previous_time, self._now, track.first_seen)

    def _add(self, born: list[ZoneTrack], visible_ids: set[int]) -> None:
        """Add new tracks. Those that continue a lost track go on with its visits."""
        lost = [track for number, track in self._tracks.items() if number not in visible_ids]
        for old, new in successors(lost, born, self._now):
            self._tracks.pop(old.track)
            new.first_seen, new.last_seen, new.zones = old.first_seen, old.last_seen, old.zones
            new.point, new.velocity = old.point, old.velocity
        for track in born:
            track.zones = track.zones or [ZoneState() for _ in self._zones.names]
            self._tracks[track.track] = track
        still_lost = [track for track in lost if track.track in self._tracks]
        visible = [track for number, track in self._tracks.items() if number in visible_ids]
        for old, young in duplicates(still_lost, visible, self._now):
            self._tracks.pop(old.track)
            for state, other in zip(young.zones, old.zones, strict=True):
                if other.side == 1 and (state.side != 1 or other.entered < state.entered):
                    state.side, state.entered, state.left = 1, other.entered, math.nan

    def _end_visits(self) -> None:
        """End the visits of tracks that were lost or left a zone longer than `bridge` ago, and forget the lost."""
        bridge = self._settings.bridge
        for track in list(self._tracks.values()):
            if self._now - track.last_seen > bridge:
                self._end(self._tracks.pop(track.track))
                continue
            for zone, state in enumerate(track.zones):
                if state.side != 1 and self._now - state.left > bridge:  # False for NaN
                    self._report(track, zone, state.left)
                    state.entered = state.left = math.nan

    def _end(self, track: ZoneTrack) -> None:
        """End all visits of one track."""
        for zone, state in enumerate(track.zones):
            if state.side == 1:
                self._report(track, zone, track.last_seen)
            elif not math.isnan(state.left):
                self._report(track, zone, state.left)

    def _end_all(self) -> None:
        """End all visits of all tracks, and forget the tracks."""
        for track in self._tracks.values():
            self._end(track)
        self._tracks.clear()

    def _report(self, track: ZoneTrack, zone: int, left: float) -> None:
        """Report a visit that ended at `left` seconds, unless it was too short."""
        entered = track.zones[zone].entered
        if left - entered >= self._settings.min_visit:
            begin, end = (self._start_ns + round(t * 1e9) for t in (entered, left))
            self._finished.append(ZoneVisit(self._zones.names[zone], track.track, begin, end))
