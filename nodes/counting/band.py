"""The band around a line in which nobody has a side, and how it is tuned."""

from __future__ import annotations

import math
from dataclasses import dataclass

from metrica.nodes.counting.observations import Motion
from metrica.nodes.geometry.anchors import Anchor
from metrica.nodes.geometry.polyline import NearestPoint

_TALLEST = 0.5
"""Of the height of the picture: somebody taller (right before the camera) counts as this tall for the band."""
_FINEST = 0.01
"""Of the width of the picture: half the band is never less. A detector sees the picture shrunk to some hundred pixels,
and this is a few of those, by which the box of somebody far away may be off for long."""
_NARROWEST = 0.15
"""The band next to the border of the picture is at least this part of what it would be elsewhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CrossingSettings:
    """Lengths in heights of the person's box, times in seconds."""

    anchor: Anchor = "bottom_center"
    min_age: int = 2
    """Frames; a younger track does not count yet."""
    band: float = 0.1
    """Half the width of the band around a line in which nobody has a side."""
    jitters: float = 3.0
    """The band is also at least so many standard deviations of the track's own noise wide, on each side."""
    widest: float = 0.35
    """But half of it is never more than this."""
    sights: int = 2
    """So many sights in a row beyond the band confirm a side,"""
    settle: float = 0.06
    """which, to change sides, span at least this: at 30 frames/s the noise of neighbouring frames goes together;"""
    far: float = 2.0
    """one is enough beyond so many half bands (people jump far at 2 frames/s)."""
    handover: float = 1.5
    """How long after a track was lost another one may go on for it."""
    lifetime: float = 3.0
    """How long a lost track is remembered, should its id come back."""
    door_time: float = 10.0
    """How long it may take to get from one line of a door to the other."""

    @property
    def longest(self) -> float:
        """How long a lost track is remembered."""
        return max(self.lifetime, self.handover)

    def half_band(self, known: Motion, nearest: NearestPoint, side: int, frame_size: tuple[int, int]) -> float:
        """How far from a line a track has a side, pixels: by its height, its noise, and the room there is.

        nearest: the place of the line that is nearest to it; side: the one it is on.
        """
        frame_width, frame_height = frame_size
        height = min(known.height, _TALLEST * frame_height)
        x, y = nearest.normal
        noise = math.sqrt(known.noise_x * x * x + known.noise_y * y * y)
        wide = max(
            min(max(self.jitters * noise, self.band * height), self.widest * height),
            _FINEST * frame_width,
        )
        return min(wide, max(nearest.distance_to_border(side, frame_size) / 2, _NARROWEST * wide))
