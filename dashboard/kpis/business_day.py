"""The store's calendar: business days that begin at its cut-off hour, in its own time zone, summer time included."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from metrica.dashboard.kpis.events import MINUTE, SECOND

_QUARTER = 15 * MINUTE  # every zone's offset, and every change of one, is a multiple of this


@dataclass(frozen=True, slots=True)
class Hour:
    """One hour of a business day, `start` <= time < `end` (ns UTC), called by its local clock hour.

    Nearly always 3600 s long. When the clocks go back, an hour comes twice, as two of these with one name;
    when they go forward, one is missing.
    """

    hour: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Calendar:
    """Business days of a store: each begins at `cutoff_hour`, local time, and ends where the next begins."""

    timezone: str
    cutoff_hour: int = 0

    def start(self, day: date) -> int:
        """When the business day begins, ns UTC.

        A cut-off hour that the clocks skip is where they land; of one that comes twice it is the first.
        """
        local = datetime.combine(day, time(self.cutoff_hour), ZoneInfo(self.timezone))
        return round(local.timestamp()) * SECOND

    def bounds(self, day: date) -> tuple[int, int]:
        """When the business day begins and ends, ns UTC; 23, 24 or 25 hours apart."""
        return self.start(day), self.start(day + timedelta(days=1))

    def day_of(self, moment: int) -> date:
        """The business day that a time (ns UTC) belongs to; it is named by the date on which it begins."""
        day = (self.local(moment) - timedelta(hours=self.cutoff_hour)).date()
        # The subtraction ignores changes of the clock in between, so it may be off by one on such a day.
        while moment < self.start(day):
            day -= timedelta(days=1)
        while moment >= self.start(day + timedelta(days=1)):
            day += timedelta(days=1)
        return day

    def local(self, moment: int) -> datetime:
        """A time (ns UTC) on the store's own clock, to the microsecond."""
        return _utc(moment).astimezone(ZoneInfo(self.timezone))

    def hours(self, day: date) -> tuple[Hour, ...]:
        """The hours of the business day, in order; together they are exactly the day."""
        return _hours(self, day)

    def week_before(self, moment: int) -> int:
        """When the store's clock showed the same a week ago, ns UTC."""
        local = self.local(moment)
        # On the wall clock: seven days earlier is not 168 hours when summer time began in between.
        earlier = local.replace(microsecond=0) - timedelta(days=7)
        return round(earlier.timestamp()) * SECOND + moment % SECOND


def labels(calendar: Calendar) -> list[int]:
    """The 24 clock hours in the order of the business day."""
    return [(calendar.cutoff_hour + n) % 24 for n in range(24)]


@lru_cache(maxsize=1024)
def _hours(calendar: Calendar, day: date) -> tuple[Hour, ...]:
    begin, end = calendar.bounds(day)
    found: list[Hour] = []
    label = None
    for moment in range(begin, end, _QUARTER):
        local = calendar.local(moment)
        this = (local.date(), local.hour, local.fold)
        if this != label:
            if found:
                found[-1] = Hour(found[-1].hour, found[-1].start, moment)
            found.append(Hour(local.hour, moment, end))
            label = this
    return tuple(found)


def _utc(moment: int) -> datetime:
    seconds, rest = divmod(moment, SECOND)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest // 1000)
