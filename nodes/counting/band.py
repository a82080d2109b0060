"""The settings of the counting rule, and the band around a line in which a track is on neither side."""

from __future__ import annotations

import math
from dataclasses import dataclass

from metrica.nodes.counting.observations import Motion
from metrica.nodes.geometry.anchors import Anchor
from metrica.nodes.geometry.polyline import NearestPoint

_TALLEST = 0.5
"""Fraction of the picture's height: a taller person, right in front of the camera, counts as this tall for the band."""
_MIN_BAND = 0.01
"""Fraction of the picture's width: half the band is never less. A detector sees the picture shrunk to a few hundred
pixels; this is a few of those, by which the box of a person far away may be wrong for a long time."""
_MIN_BAND_AT_BORDER = 0.15
"""Next to the border of the picture, the band is at least this fraction of its usual width."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CrossingSettings:
    """The settings of the counting rule. Lengths in heights of the person's box, times in seconds."""

    anchor: Anchor = "bottom_center"
    """The point of the person that crosses: feet, middle or head."""
    min_age: int = 2
    """Age in frames below which a track is not counted."""
    band: float = 0.1
    """Half the width of the band around a line, box heights."""
    noise_factor: float = 3.0
    """Half the band is at least this many standard deviations of the track's own noise."""
    max_band: float = 0.35
    """Half the band is at most this, however noisy the track is, box heights."""
    confirm_observations: int = 2
    """A side is confirmed by this many observations in a row beyond the band."""
    confirm_time: float = 0.06
    """To change sides, those observations must also span at least this time, seconds: at 30 frames/s the noise of
    neighbouring frames is correlated."""
    clear_factor: float = 2.0
    """One observation confirms a side if it is this many half bands away from the line. At 2 frames/s people move far
    between two frames."""
    handover: float = 1.5
    """Seconds after the loss of a track in which a new track may continue it."""
    lifetime: float = 3.0
    """Seconds for which a lost track is remembered, because its id may come back."""
    door_time: float = 10.0
    """Longest time from one line of a door to the other, seconds."""

    @property
    def memory(self) -> float:
        """How long a lost track is remembered, seconds: long enough for its id to come back and for a handover."""
        return max(self.lifetime, self.handover)

    def half_band(self, motion: Motion, nearest: NearestPoint, side: int, frame_size: tuple[int, int]) -> float:
        """Half the width of the band for one track at one line, pixels.

        It depends on the height of the person, on the noise of the track across the line, and on the room between the
        line and the border of the picture.

        motion: that of the track. nearest: the point of the line that is nearest to the track. side: the side that the
        track is on, 1 or -1. frame_size: width and height of the picture.
        """
        frame_width, frame_height = frame_size
        height = min(motion.height, _TALLEST * frame_height)
        x, y = nearest.normal
        noise = math.sqrt(motion.noise_x * x * x + motion.noise_y * y * y)
        usual = max(
            min(max(self.noise_factor * noise, self.band * height), self.max_band * height),
            _MIN_BAND * frame_width,
        )
        return min(usual, max(nearest.distance_to_border(side, frame_size) / 2, _MIN_BAND_AT_BORDER * usual))
