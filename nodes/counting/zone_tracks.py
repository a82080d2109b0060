"""What the zone rule remembers: each track's motion, and on which side of the border of each zone it is."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from metrica.nodes.geometry.segments import Point

_VELOCITY_MEMORY = 0.3
"""Time constant of the average of the velocity, seconds."""
_CONFIRM_OBSERVATIONS = 2
"""A side is confirmed by this many observations in a row beyond the band."""
_CLEAR_FACTOR = 2.0
"""One observation confirms a side if it is this many bands away from the border. At 2 frames/s people move far between
two frames."""
_SETTLED = 1.0
"""Seconds after which a track first seen inside the band gets the side that it has been on on average."""


@dataclass(slots=True)
class ZoneState:
    """One track and one zone. Times in seconds, lengths in pixels."""

    side: int = 0
    """The confirmed side of the border: 1 inside, -1 outside, 0 unknown."""
    depth: float = math.nan
    """Signed distance from the border at the last observation: positive inside, negative outside; NaN before the
    first."""
    passed_time: float = math.nan
    """When the border was last passed, in either direction; NaN for never."""
    entered: float = math.nan
    """When the present visit began; NaN if there is none."""
    left: float = math.nan
    """When the person left the zone, while the visit can still go on; NaN otherwise."""
    candidate_count: int = 0
    """How many observations in a row lay beyond the band on a side that is not the confirmed one: counts up from 0 for
    inside, down from 0 for outside."""
    total_depth: float = 0.0
    """The sum of all depths while the side is unknown."""

    def update(self, depth: float, band: float, previous_time: float, now: float, first_seen: float) -> None:
        """Note where the track is now, and change the confirmed side if that is sure.

        depth: as in the field. band: the width of the band on each side of the border. previous_time, now: the times
        of the previous observation and this one. first_seen: when the track was first observed.
        """
        if not math.isnan(self.depth) and (depth >= 0) != (self.depth >= 0):
            part = self.depth / (self.depth - depth)
            self.passed_time = previous_time + part * (now - previous_time)
        self.depth = depth
        settled = False
        if self.side == 0:
            self.total_depth += depth
            settled = now - first_seen >= _SETTLED
        side = 1 if depth >= 0 else -1
        is_candidate = side != self.side and abs(depth) > band
        if is_candidate:
            self.candidate_count = side + (self.candidate_count if self.candidate_count * side > 0 else 0)
        else:
            self.candidate_count = 0
        enough = abs(self.candidate_count) >= _CONFIRM_OBSERVATIONS or abs(depth) > _CLEAR_FACTOR * band
        if is_candidate and enough:
            self._set_side(side, first_seen if math.isnan(self.passed_time) else self.passed_time)
        elif settled:
            self._set_side(1 if self.total_depth >= 0 else -1, first_seen)

    def _set_side(self, side: int, when: float) -> None:
        """Begin a visit, end one for the time being, or continue the one that was left a moment ago."""
        if side == 1 and math.isnan(self.left):
            self.entered = when
        self.left = when if self.side == 1 else math.nan
        self.side, self.candidate_count = side, 0


@dataclass(slots=True)
class ZoneTrack:
    """One track that is visible, or was lost a moment ago. Times in seconds, lengths in pixels."""

    track: int
    """The temporary id."""
    first_seen: float
    """When the track was first observed; if it continues another track, when that one was."""
    last_seen: float
    """When the track was last observed."""
    point: Point
    """The last position of the anchor."""
    size: tuple[float, float]
    """Width and height of the whole person."""
    velocity: Point = (0.0, 0.0)
    """The velocity of the anchor, pixels per second."""
    zones: list[ZoneState] = field(default_factory=list[ZoneState])
    """One state per zone, in the order of the zones."""

    @property
    def height(self) -> float:
        """The height of the whole person."""
        return self.size[1]

    def observe(self, now: float, point: Point, size: tuple[float, float]) -> None:
        """Update the motion with a new position and size."""
        # Plain numbers: an array of two would cost ten times as much.
        elapsed = now - self.last_seen
        if elapsed > 0:
            weight = elapsed / (elapsed + _VELOCITY_MEMORY)
            (x, y), (speed_x, speed_y) = self.point, self.velocity
            self.velocity = (
                speed_x + weight * ((point[0] - x) / elapsed - speed_x),
                speed_y + weight * ((point[1] - y) / elapsed - speed_y),
            )
        self.last_seen, self.point, self.size = now, point, size
