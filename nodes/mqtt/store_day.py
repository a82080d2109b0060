"""The store's business day, as the box knows it: it begins at a local hour, in the store's own time zone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_SECOND = 1_000_000_000


@dataclass(frozen=True, slots=True)
class StoreDay:
    """One business day: `start` <= time < `end`, ns UTC. It has 23 or 25 hours where the clocks change."""

    day: date
    """The date on which it begins."""
    start: int
    end: int

    @classmethod
    def of(cls, moment: int, timezone: str, cutoff_hour: int) -> StoreDay:
        """Return the business day that a time (ns UTC) belongs to. timezone: an IANA name."""
        zone = ZoneInfo(timezone)
        local = datetime.fromtimestamp(moment // _SECOND, UTC).astimezone(zone)
        day = (local - timedelta(hours=cutoff_hour)).date()
        # The subtraction ignores clock changes, so it may be off by one day near a change.
        while moment < _begin(day, zone, cutoff_hour):
            day -= timedelta(days=1)
        while moment >= _begin(day + timedelta(days=1), zone, cutoff_hour):
            day += timedelta(days=1)
        return cls(day, _begin(day, zone, cutoff_hour), _begin(day + timedelta(days=1), zone, cutoff_hour))

    def __contains__(self, moment: int) -> bool:
        return self.start <= moment < self.end


def _begin(day: date, zone: ZoneInfo, cutoff_hour: int) -> int:
    return round(datetime.combine(day, time(cutoff_hour), zone).timestamp()) * _SECOND
