"""The SORT node. The algorithm is in `sort_tracker`."""

from __future__ import annotations

from metrica.nodes.tracking.node import TrackerNode
from metrica.nodes.tracking.tracker import Tracker


class Sort(TrackerNode):
    """Follows people with SORT (Bewley et al. 2016): the classic, for comparison; it does not use `score_low`."""

    def make_tracker(self) -> Tracker:
        from metrica.nodes.tracking.sort_tracker import SortSettings, SortTracker  # filterpy takes a second to import

        return SortTracker(SortSettings(buffer=self.track_buffer))
