"""What the box tells over MQTT of the day: the totals, and which cameras look. No socket, no file.

What nobody has looked at is not zero: its figures are null until its camera has looked on that day.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from metrica.nodes.mqtt.day_totals import DayTotals, Total
from metrica.nodes.mqtt.home_assistant import Topics

_SECOND = 1_000_000_000
_LOOKS = 20 * _SECOND
"""So long after it was last seen to look a camera counts as looking: its counter reports once a second."""


class Cameras:
    """Which cameras there are, and which look. Another thread may call `hear`."""

    def __init__(self) -> None:
        self._looked: dict[str, int | None] = {}
        self._today: set[str] = set()

    def hear(self, camera: str, looked: int | None) -> None:
        """Note a heartbeat of a camera's counter. looked: the monotonic time, ns; None if it received nothing."""
        self._looked[camera] = self._looked.get(camera) if looked is None else looked

    def known(self) -> list[str]:
        """All cameras that were heard of, by name."""
        return sorted(self._looked)

    def look(self, now: int) -> None:
        """Note which cameras look at `now` (monotonic, ns): they have looked on this day."""
        self._today |= {camera for camera in self.known() if self.is_looking(camera, now)}

    def is_looking(self, camera: str, now: int) -> bool:
        """Whether a camera looks at `now` (monotonic, ns)."""
        looked = self._looked.get(camera)
        return looked is not None and now - looked < _LOOKS

    def has_looked(self, camera: str) -> bool:
        """Whether a camera has looked on this day, as far as this process knows."""
        return camera in self._today

    def new_day(self) -> None:
        """Begin a day on which no camera has looked yet."""
        self._today.clear()


def states(
    topics: Topics,
    store: str,
    timezone: str,
    totals: DayTotals | None,
    cameras: Cameras,
    lines: Iterable[tuple[str, str]],
    now: int,
) -> dict[str, dict[str, Any]]:
    """Return what is retained on each topic. totals: None while nobody knows what day it is. now: monotonic, ns."""
    lines = sorted(lines)
    names = sorted({*cameras.known(), *(camera for camera, _ in lines)})

    def seen(camera: str) -> bool:
        return totals is not None and (cameras.has_looked(camera) or camera in totals.cameras)

    day: dict[str, Any] = {"day": None, "since": None}
    if totals is not None:
        day = {"day": totals.day.day.isoformat(), "since": written(totals.day.start, timezone)}
    whole = totals.store if totals is not None and any(map(seen, names)) else None
    inside = totals.inside if totals is not None and whole is not None else None
    found = {topics.store: {"store": store, **day, "inside": inside, **_counts(whole)}}
    for camera in names:
        total = totals.cameras.get(camera, Total()) if totals is not None and seen(camera) else None
        looks = cameras.is_looking(camera, now)
        found[topics.camera(camera)] = {"camera": camera, **day, "looks": looks, **_counts(total)}
    for camera, line in lines:
        total = totals.lines.get((camera, line), Total()) if totals is not None and seen(camera) else None
        found[topics.line(camera, line)] = {"camera": camera, "line": line, **day, **_counts(total)}
    return found


def written(time: int, timezone: str) -> str:
    """A time (ns UTC) by the store's clock, as ISO 8601 with the offset, to the millisecond where it has any."""
    seconds, rest = divmod(time, _SECOND)
    local = datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest // 1000).astimezone(ZoneInfo(timezone))
    return local.isoformat(timespec="milliseconds" if rest else "seconds")


def _counts(total: Total | None) -> dict[str, int | None]:
    return {"entered": total.entered if total else None, "left": total.left if total else None}
