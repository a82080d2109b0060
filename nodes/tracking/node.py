"""The node around a tracking algorithm: it reads the detections of one camera and publishes its tracks."""

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
    """Follows the people of one camera with the algorithm that a subclass returns from `make_tracker`.

    It publishes one Tracks message for each Detections message, also for one without people.
    """

    score_new: float | None = param(
        default=None, ge=0, le=1, help="least score that starts a track; null: the model card's"
    )
    score_keep: float | None = param(
        default=None, ge=0, le=1, help="least score that continues a track; null: the model card's"
    )
    score_low: float | None = param(
        default=None,
        ge=0,
        le=1,
        help="least score that continues a track for which there is no better box; null: the model card's",
    )
    track_buffer: float = param(
        default=1.5, ge=0, le=10, unit="s", help="how long a track is kept while the person is not seen"
    )

    still_after: float = param(
        default=0.0,
        ge=0,
        le=86_400,
        unit="s",
        help="a track that has not moved for this long (a mannequin, a poster) is left out until it moves; 0: off",
    )

    tracks: ClassVar[Publisher[Tracks]] = publisher(Tracks, qos=STREAM, help="the confirmed tracks seen in each frame")

    def make_tracker(self) -> Tracker:
        """Return the algorithm, set up with the node's parameters. Called by `on_configure`."""
        raise TypeError(f"{type(self).__name__} does not say which tracker it is: define make_tracker")

    def check(self) -> None:
        """Raise ParameterError unless score_low <= score_keep <= score_new, as far as they are set."""
        given = [("score_low", self.score_low), ("score_keep", self.score_keep), ("score_new", self.score_new)]
        set_here = [(name, value) for name, value in given if value is not None]
        for (lower, a), (upper, b) in pairwise(set_here):
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
        """The people detected in each frame of one camera."""
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
        """The thresholds of the model card, with those that are set by parameters in their place."""
        if self.score_new is None and self.score_keep is None and self.score_low is None:
            return card
        return replace(
            card,
            new=card.new if self.score_new is None else self.score_new,
            keep=card.keep if self.score_keep is None else self.score_keep,
            low=card.low if self.score_low is None else self.score_low,
        )
