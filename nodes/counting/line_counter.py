"""The node that turns tracks into crossings. Its rule is in `crossing`: see docs/counting.md."""

from __future__ import annotations

from functools import partial
from typing import ClassVar

from metrica.errors import ParameterError
from metrica.messages import Crossing, Header, Tracks
from metrica.node import Node
from metrica.nodes.counting.crossing import CrossingSettings, LineCrossingRule, Passage
from metrica.nodes.counting.doors import Door
from metrica.nodes.counting.live_time import LiveTime
from metrica.nodes.counting.picture_check import PictureCheck, compare
from metrica.nodes.geometry.anchors import Anchor
from metrica.nodes.geometry.lines import Line, Numbers
from metrica.nodes.geometry.visible import visible_share_of_line
from metrica.params import param
from metrica.ports import Publisher, publisher, subscription
from metrica.qos import EVENTS, STREAM
from metrica.steady_time import SteadyTime

_MAX_NAME = 80
"""Characters in the name of a line or a door: an event's id holds it beside the camera's name, and the server accepts
ids of up to 200 characters."""


class LineCounter(Node):
    """Publishes a Crossing each time a track passes from one side of a line to the other.

    A person who passes from the left of the line to its right comes IN; left and right are those of somebody who
    stands on the first point and looks along the line.
    """

    line: Numbers | None = param(
        default=None,
        unit="px",
        help="the one line: x1, y1, x2, y2, and so on if it bends; left to right of it is IN",
    )
    line_name: str = param(default="main", help="the name of the one line")
    lines: dict[str, Numbers] = param(
        default_factory=dict[str, Numbers], unit="px", help="several lines instead, by name"
    )
    doors: dict[str, tuple[str, str]] = param(
        default_factory=dict[str, tuple[str, str]],
        help="strict doors by name, each of two lines, [outer, inner]: only who passes both, in order, is counted",
    )
    door_time: float = param(
        default=10.0,
        gt=0,
        le=600,
        unit="s",
        help="who takes longer from one line of a door to the other is not counted",
    )
    anchor: Anchor = param(default="bottom_center", help="the point of the box that crosses: feet, middle or head")
    min_age: int = param(default=2, ge=1, unit="frames", help="younger tracks do not count yet")
    band: float = param(
        default=0.1, ge=0, le=0.5, unit="box heights", help="how far from the line a person must be to have a side"
    )
    handover: float = param(
        default=1.5, ge=0, le=10, unit="s", help="how long after a track is lost another may go on for it"
    )

    crossings: ClassVar[Publisher[Crossing]] = publisher(Crossing, qos=EVENTS, help="who passed which line when")

    def check(self) -> None:
        self._make_rule()

    def on_configure(self) -> None:
        self._rule = self._make_rule()
        self._picture = PictureCheck(
            "line", {line.name: partial(visible_share_of_line, line.points) for line in self._lines()}
        )
        self._time = SteadyTime()
        self._live = LiveTime(self.clock)
        self._started = self.clock.now()
        self._number = 0
        self._last = Header()

    def on_deactivate(self) -> None:
        self._publish(self._rule.flush())

    @subscription(Tracks, qos=STREAM)
    def tracks(self, msg: Tracks) -> None:
        """The people of one camera, as followed in each frame."""
        self._last = msg.header
        compare(self, self._picture, msg.size)
        now = self._time.read(msg.header, live=self._live.read(msg.header))
        self._publish(self._rule.update(now, msg.header.epoch, msg.boxes, msg.ids, msg.ages, msg.size))

    def _publish(self, passages: list[Passage]) -> None:
        camera = self._last.camera or self.context.camera
        for passage in passages:
            self._number += 1
            self.count(passage.direction)
            time = self._time.to_stamp(passage.time_ns)
            self.crossings.publish(
                Crossing(
                    header=self._last,
                    id=f"{camera}/{passage.line}/{self._started:x}/{self._number}",
                    line=passage.line,
                    direction=passage.direction,
                    track=passage.track,
                    time=time,
                    boot=self.clock.boot(),
                    uptime=self._live.uptime(time),
                )
            )

    def _make_rule(self) -> LineCrossingRule:
        """The rule with the node's parameters. Raises ParameterError."""
        lines = self._lines()
        doors = [Door(name, outer, inner) for name, (outer, inner) in self.doors.items()]
        for name in self.doors:
            _check_name(name, "doors", "door")
        settings = CrossingSettings(
            anchor=self.anchor,
            min_age=self.min_age,
            band=self.band,
            handover=self.handover,
            door_time=self.door_time,
        )
        try:
            return LineCrossingRule(lines, settings, doors)
        except ValueError as error:
            raise ParameterError("doors", str(error)) from None

    def _lines(self) -> list[Line]:
        """The lines of the parameters. Raises ParameterError."""
        if self.line is not None and self.lines:
            raise ParameterError("lines", "give 'line' for one line or 'lines' for several, not both")
        if self.line is None and not self.lines:
            raise ParameterError("line", "there is no line to count at: give 'line: [x1, y1, x2, y2]', or 'lines'")
        given = self.lines if self.line is None else {self.line_name: self.line}
        parameter = "lines" if self.line is None else "line"
        for name in given:
            _check_name(name, "lines" if self.line is None else "line_name", "line")
        try:
            return [Line.of(name, numbers) for name, numbers in given.items()]
        except ValueError as error:
            raise ParameterError(parameter, str(error)) from None


def _check_name(name: str, parameter: str, kind: str) -> None:
    """Raises ParameterError if a line or a door cannot have this name."""
    if not name.strip() or len(name) > _MAX_NAME or not name.isprintable():
        raise ParameterError(parameter, f"{name!r} cannot name a {kind}: use 1 to {_MAX_NAME} letters and digits")
