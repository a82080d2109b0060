"""The OC-SORT node. Its algorithm is in `ocsort_tracker`."""

from __future__ import annotations

from metrica.nodes.ocsort_tracker import OcSortSettings, OcSortTracker
from metrica.nodes.track_node import TrackerNode
from metrica.nodes.tracker import Tracker


class OcSort(TrackerNode):
    """Follows people with OC-SORT (Cao et al. 2023): for people who are often hidden and turn while they are."""

    def make_tracker(self) -> Tracker:
        return OcSortTracker(OcSortSettings(buffer=self.track_buffer))
