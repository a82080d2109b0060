"""The OC-SORT node. The algorithm is in `ocsort_tracker`."""

from __future__ import annotations

from metrica.nodes.tracking.node import TrackerNode
from metrica.nodes.tracking.tracker import Tracker


class OcSort(TrackerNode):
    """Follows people with OC-SORT (Cao et al. 2023): for people who are often hidden and change direction meanwhile."""

    def make_tracker(self) -> Tracker:
        from metrica.nodes.tracking.ocsort_tracker import (  # scipy takes a second to import
            OcSortSettings,
            OcSortTracker,
        )

        return OcSortTracker(OcSortSettings(buffer=self.track_buffer))
