"""The ByteTrack node. The algorithm is in `bytetrack_tracker`."""

from __future__ import annotations

from metrica.nodes.tracking.node import TrackerNode
from metrica.nodes.tracking.tracker import Tracker


class ByteTrack(TrackerNode):
    """Follows people with ByteTrack (Zhang et al. 2022): the default, good from 2 to 60 frames/s."""

    def make_tracker(self) -> Tracker:
        from metrica.nodes.tracking.bytetrack_tracker import (  # scipy takes a second to import
            ByteTracker,
            ByteTrackSettings,
        )

        return ByteTracker(ByteTrackSettings(buffer=self.track_buffer))
