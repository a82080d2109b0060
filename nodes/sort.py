"""The SORT node. Its algorithm is in `sort_tracker`."""

from __future__ import annotations

from metrica.nodes.track_node import TrackerNode
from metrica.nodes.tracker import Tracker


class Sort(TrackerNode):
    """Follows people with SORT (Bewley et al. 2016): the classic to compare with; `score_low` has no part in it."""

    def make_tracker(self) -> Tracker:
        from metrica.nodes.sort_tracker import SortSettings, SortTracker  # filterpy takes a second to import

        return SortTracker(SortSettings(buffer=self.track_buffer))
