"""The time of a shop in quarters of an hour: local time and business day of each, across changes of the clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from metrica.dashboard.kpis.events import HOUR, MINUTE, SECOND
from metrica.nodes.geometry.arrays import Float64, Int64

QUARTER = 15 * MINUTE
"""A quarter of an hour, ns."""
CUTOFF = 4
"""Local hour at which a business day begins."""


@dataclass(frozen=True, slots=True, eq=False)
class Quarters:
    """The quarters of an hour of some business days, in order; every array is [quarters] unless it says otherwise."""

    first: date
    """The first business day."""
    days: int
    """How many business days."""
    start: Int64
    """When each begins, ns UTC."""
    day: Int64
    """The business day of each, from 0."""
    hour: Float64
    """Local time at its middle in hours of the business day, 4 to 28: 25 is one o'clock at night."""
    noon_offset: Float64
    """Offset of the local clock from UTC at noon of each day, hours; [days]."""

    @property
    def bounds(self) -> tuple[int, int]:
        """When the first one begins and the last one ends, ns UTC."""
        return int(self.start[0]), int(self.start[-1]) + QUARTER

    def __len__(self) -> int:
        return len(self.start)


def quarters(timezone: str, last: date, count: int) -> Quarters:
    """Make the quarters of `count` business days, of which `last` is the last one."""
    zone = ZoneInfo(timezone)
    first = last - timedelta(days=count - 1)
    begin, end = (
        round(datetime(day.year, day.month, day.day, CUTOFF, tzinfo=zone).timestamp()) * SECOND
        for day in (first, last + timedelta(days=1))
    )
    start = np.arange(begin, end, QUARTER)
    # Clocks change at a full hour of UTC everywhere in these countries, so one look an hour is enough.
    stamps = np.arange(begin // HOUR, (end - 1) // HOUR + 1)
    offsets = np.array([_offset(zone, int(stamp) * 3600) for stamp in stamps]) * SECOND
    local = start + offsets[start // HOUR - begin // HOUR]
    midnight = (first - date(1970, 1, 1)).days
    shifted = local - CUTOFF * HOUR
    day = shifted // (24 * HOUR) - midnight
    hour = (shifted % (24 * HOUR) + QUARTER / 2) / HOUR + CUTOFF
    noons = [_offset(zone, (midnight + n) * 86400 + 43200) / 3600 for n in range(count)]
    return Quarters(first, count, start, np.clip(day, 0, count - 1), hour, np.array(noons))


def _offset(zone: ZoneInfo, stamp: int) -> int:
    offset = datetime.fromtimestamp(stamp, UTC).astimezone(zone).utcoffset()
    assert offset is not None
    return round(offset.total_seconds())
