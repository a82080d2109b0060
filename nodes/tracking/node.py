"""What the tracker nodes have in common: detections in, tracks out, one camera."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import ClassVar

from metrica.errors import ParameterError
from metrica.messages import Detections, Thresholds, Tracks
from metrica.node import Node
from metrica.nodes.tracking.still import MovingOnly
from metrica.nodes.tracking.tracker import Tracker
from metrica.params import param
from metrica.ports import Publisher, publisher, subscription
from metrica.qos import STREAM
from metrica.steady_time import SteadyTime


class TrackerNode(Node):
    """Gives the people of one camera's frames ids. A subclass says with which algorithm.

    Every Detections message is answered with one Tracks message, also when nobody is there.
    """

    score_new: float | None = param(default=None, ge=0, le=1, help="score that starts a track; null: the model card's")
    score_keep: float | None = param(default=None, ge=0, le=1, help="score that continues one; null: the model card's")
    score_low: float | None = param(default=None, ge=0, le=1, help="score of the second look; null: the model card's")
    track_buffer: float = param(
        default=1.5, ge=0, le=10, unit="s", help="how long a track that is not seen is looked for"
    )

    still_after: float = param(
        default=0.0,
        ge=0,
        le=86_400,
        unit="s",
        help="what has not moved at all for so long is a mannequin or a poster: no track until it moves; 0: off",
    )

    tracks: ClassVar[Publisher[Tracks]] = publisher(
        Tracks, qos=STREAM, help="the people followed, as seen in each frame"
    )

    def make_tracker(self) -> Tracker:
        """The algorithm, with the node's parameters."""
        raise TypeError(f"{type(self).__name__} does not say which tracker it is: define make_tracker")

    def check(self) -> None:
        given = [("score_low", self.score_low), ("score_keep", self.score_keep), ("score_new", self.score_new)]
        known = [(name, value) for name, value in given if value is not None]
        for (lower, a), (upper, b) in pairwise(known):
            if a > b:
                raise ParameterError(lower, f"'{lower}' ({a:g}) must not be above '{upper}' ({b:g})")

    def on_configure(self) -> None:
        tracker = self.make_tracker()
        self._tracker = MovingOnly(tracker, self.still_after) if self.still_after else tracker
        self._time = SteadyTime()

    def on_cleanup(self) -> None:
        self._tracker.reset()

    @subscription(Detections, qos=STREAM)
    def detections(self, msg: Detections) -> None:
        """The people found in each frame of one camera."""
        now = self._time.read(msg.header) / 1e9
        found = self._tracker.update(msg.boxes, msg.scores, now, self._thresholds(msg.thresholds))
        self.tracks.publish(
            Tracks(
                header=msg.header,
                boxes=found.boxes,
                ids=found.ids,
                scores=found.scores,
                ages=found.ages,
                size=msg.size,
            )
        )

    def _thresholds(self, card: Thresholds) -> Thresholds:
        if self.score_new is None and self.score_keep is None and self.score_low is None:
            return card
        return replace(
            card,
            new=card.new if self.score_new is None else self.score_new,
            keep=card.keep if self.score_keep is None else self.score_keep,
            low=card.low if self.score_low is None else self.score_low,
        )
