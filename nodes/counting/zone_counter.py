"""The node that reports who is in which zone and for how long. Its rule is in `zone_visits`: see docs/zones.md."""

from __future__ import annotations

from functools import partial
from typing import ClassVar

from metrica.errors import ParameterError, TopicError
from metrica.messages import Header, Occupancy, Tracks, Visit
from metrica.node import Node
from metrica.nodes.counting.picture_check import PictureCheck, compare
from metrica.nodes.counting.zone_visits import ZoneSettings, ZoneVisit, ZoneVisitRule
from metrica.nodes.geometry.anchors import Anchor
from metrica.nodes.geometry.visible import visible_share_of_zone
from metrica.nodes.geometry.zones import Zone
from metrica.params import param
from metrica.ports import Publisher, publisher, subscription
from metrica.qos import STREAM
from metrica.steady_time import SteadyTime
from metrica.topics import check_name


class ZoneCounter(Node):
    """Publishes a Visit for each stay in a zone, and the Occupancy of every zone."""

    zones: dict[str, list[tuple[int, int]]] = param(
        unit="px", help="the zones by name, each a list of corners [x, y] in order around it"
    )
    anchor: Anchor = param(default="bottom_center", help="the point of the box that is inside: feet, middle or head")
    band: float = param(
        default=0.1, ge=0, le=0.5, unit="box heights", help="how far beyond its border one must be to have passed it"
    )
    bridge: float = param(
        default=3.0, ge=0, le=60, unit="s", help="out of sight or out of the zone for this long is still the same visit"
    )
    min_visit: float = param(default=1.0, ge=0, unit="s", help="shorter stays are people who pass through: no visit")
    loiter: float = param(default=120.0, gt=0, unit="s", help="who stays longer than this is loitering")
    period: float = param(
        default=1.0, ge=0, unit="s", help="how often the occupancy is published where nothing changes"
    )

    visits: ClassVar[Publisher[Visit]] = publisher(Visit, qos=STREAM, help="who stayed in which zone from when to when")
    occupancy: ClassVar[Publisher[Occupancy]] = publisher(
        Occupancy, qos=STREAM, help="how many people are in each zone: at every change, and every `period`"
    )

    def check(self) -> None:
        self._read_zones()

    def on_configure(self) -> None:
        settings = ZoneSettings(
            anchor=self.anchor, band=self.band, bridge=self.bridge, min_visit=self.min_visit, loiter=self.loiter
        )
        zones = self._read_zones()
        self._rule = ZoneVisitRule(zones, settings)
        shares = {zone.name: partial(visible_share_of_zone, zone.corners) for zone in zones}
        self._picture = PictureCheck("zone", shares)
        self._time = SteadyTime()
        self._started = self.clock.now()
        self._number = 0
        self._last = Header()
        self._published: dict[str, tuple[int, int]] = {}
        self._published_at: int | None = None

    def on_deactivate(self) -> None:
        self._publish_visits(self._rule.flush())

    @subscription(Tracks, qos=STREAM)
    def tracks(self, msg: Tracks) -> None:
        """The people of one camera, as followed in each frame."""
        self._last = msg.header
        compare(self, self._picture, msg.size)
        now = self._time.read(msg.header)
        self._publish_visits(self._rule.update(now, msg.header.epoch, msg.boxes, msg.ids, msg.size))
        self._publish_occupancy()

    def _publish_visits(self, visits: list[ZoneVisit]) -> None:
        camera = self._last.camera or self.context.camera
        for visit in visits:
            self._number += 1
            self.count("visits")
            self.visits.publish(
                Visit(
                    header=self._last,
                    id=f"{camera}/{visit.zone}/{self._started:x}/{self._number}",
                    zone=visit.zone,
                    track=visit.track,
                    entered=self._time.to_stamp(visit.entered_ns),
                    left=self._time.to_stamp(visit.left_ns),
                )
            )

    def _publish_occupancy(self) -> None:
        """Publish the occupancy of each zone where it has changed, and of all zones every `period` seconds."""
        now = self._last.stamp
        since = None if self._published_at is None else (now - self._published_at) / 1e9
        due = since is None or not 0 <= since < self.period
        for zone, occupancy in self._rule.occupancy().items():
            state = (occupancy.people, occupancy.loitering)
            if due or self._published.get(zone) != state:
                self._published[zone] = state
                self.occupancy.publish(
                    Occupancy(
                        header=self._last,
                        zone=zone,
                        people=occupancy.people,
                        loitering=occupancy.loitering,
                        longest=occupancy.longest,
                    )
                )
        if due:
            self._published_at = now

    def _read_zones(self) -> list[Zone]:
        """The zones of the parameter. Raises ParameterError."""
        if not self.zones:
            raise ParameterError("zones", "there is no zone: give 'zones: {queue: [[x1, y1], [x2, y2], [x3, y3]]}'")
        try:
            for name in self.zones:
                check_name(name, "name for a zone")
            return [Zone(name, tuple((float(x), float(y)) for x, y in given)) for name, given in self.zones.items()]
        except (TopicError, ValueError) as error:
            raise ParameterError("zones", str(error)) from None
