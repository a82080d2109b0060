"""The store's calendar: business days that begin at its cut-off hour, in its own time zone, with clock changes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from metrica.dashboard.kpis.events import QUARTER, SECOND


@dataclass(frozen=True, slots=True)
class Hour:
    """One clock hour of a business day: `start` <= time < `end`, ns UTC.

    It is 3600 s long except near a clock change. When the clocks go back, two of these have the same `hour`; when they
    go forward, one is missing.
    """

    hour: int
    """What the store's clock shows at its start, 0 to 23."""
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Calendar:
    """The business days of a store: each begins at the cut-off hour and ends where the next one begins."""

    timezone: str
    """IANA name, such as Africa/Tunis."""
    cutoff_hour: int = 0
    """Local hour at which a business day begins, 0 to 23."""

    def start(self, day: date) -> int:
        """Return when the business day begins, ns UTC.

        If the clocks skip the cut-off hour, the day begins at the change. If the hour comes twice, it begins at the
        first.
        """
        local = datetime.combine(day, time(self.cutoff_hour), ZoneInfo(self.timezone))
        return round(local.timestamp()) * SECOND

    def bounds(self, day: date) -> tuple[int, int]:
        """Return when the business day begins and ends, ns UTC; 23, 24 or 25 hours apart."""
        return self.start(day), self.start(day + timedelta(days=1))

    def day_of(self, moment: int) -> date:
        """Return the business day that a time (ns UTC) belongs to, named by the date on which it begins."""
        day = (self.local(moment) - timedelta(hours=self.cutoff_hour)).date()
        # The subtraction ignores clock changes, so it may be off by one day near a change.
        while moment < self.start(day):
            day -= timedelta(days=1)
        while moment >= self.start(day + timedelta(days=1)):
            day += timedelta(days=1)
        return day

    def local(self, moment: int) -> datetime:
        """Convert a time (ns UTC) to the store's own clock, to the microsecond."""
        return _utc(moment).astimezone(ZoneInfo(self.timezone))

    def hours(self, day: date) -> tuple[Hour, ...]:
        """Return the hours of the business day, in order; together they cover it exactly."""
        return _hours(self, day)

    def week_before(self, moment: int) -> int:
        """Return the time (ns UTC) at which the store's clock showed the same a week earlier."""
        local = self.local(moment)
        # In local time, as seven days are not 168 hours when the clocks changed in between.
        earlier = local.replace(microsecond=0) - timedelta(days=7)
        return round(earlier.timestamp()) * SECOND + moment % SECOND


def clock_hours(calendar: Calendar) -> list[int]:
    """Return the 24 clock hours in the order of the business day."""
    return [(calendar.cutoff_hour + n) % 24 for n in range(24)]


@lru_cache(maxsize=1024)
def _hours(calendar: Calendar, day: date) -> tuple[Hour, ...]:
    begin, end = calendar.bounds(day)
    hours: list[Hour] = []
    previous = None
    for moment in range(begin, end, QUARTER):
        local = calendar.local(moment)
        clock_hour = (local.date(), local.hour, local.fold)  # fold: the second of an hour that comes twice
        if clock_hour != previous:
            if hours:
                hours[-1] = Hour(hours[-1].hour, hours[-1].start, moment)
            hours.append(Hour(local.hour, moment, end))
            previous = clock_hour
    return tuple(hours)


def _utc(moment: int) -> datetime:
    seconds, rest = divmod(moment, SECOND)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest // 1000)
