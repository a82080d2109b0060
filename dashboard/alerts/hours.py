"""When a store is open: as its settings say, else at the hours at which people usually come, else always."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from metrica.dashboard.kpis.business_day import Calendar
from metrica.dashboard.kpis.footfall import HeatMap
from metrica.dashboard.kpis.hours import OpeningHours

_HOUR = 3600 * 10**9
USUALLY_OPEN = 1.0
"""Mean visitors from which an hour of the week counts as one in which the store is open."""
_BACK = 24
"""Hours that are looked back for the beginning."""


@dataclass(frozen=True, slots=True)
class UsualHours:
    """How many people usually come, by weekday and clock hour."""

    calendar: Calendar
    hours: Sequence[int]
    """Clock hours in the order of the business day."""
    cells: Sequence[Sequence[float | None]]
    """Mean visitors by weekday of the business day and place in `hours`; None without data."""

    @classmethod
    def of(cls, calendar: Calendar, heat: HeatMap) -> UsualHours:
        """Take them from past figures."""
        return cls(calendar, heat.hours, heat.cells)

    @property
    def known(self) -> bool:
        """Whether there are past figures."""
        return any(cell is not None for row in self.cells for cell in row)

    def visitors(self, moment: int) -> float | None:
        """Return how many usually come in the clock hour of a moment, ns UTC; None without data."""
        weekday, hour = self.calendar.day_of(moment).weekday(), self.calendar.local(moment).hour
        return self.cells[weekday][self.hours.index(hour)]

    def open_since(self, now: int) -> int | None:
        """Return since when the store is usually open at `now`; None if it is usually closed. 0 without past figures.

        An hour of the week without data says nothing: it is taken for open.
        """
        if not self.known:
            return 0
        if not self._is_open(now):
            return None
        start = hour_of(self.calendar, now)
        for _ in range(_BACK):
            if not self._is_open(start - 1):
                break
            start = hour_of(self.calendar, start - 1)
        return start

    def _is_open(self, moment: int) -> bool:
        usual = self.visitors(moment)
        return usual is None or usual >= USUALLY_OPEN


def opened_since(hours: OpeningHours, timezone: str, now: int) -> int | None:
    """Return since when a store with these opening hours is open at `now`, ns UTC; None while it is closed."""
    today = Calendar(timezone).local(now).date()
    found: int | None = None
    end = 0
    for begins, ends in hours.between(today - timedelta(days=2), today, timezone):
        start = round(begins.timestamp()) * 10**9
        found = found if found is not None and start <= end else start  # a night that goes on in the morning is one
        end = round(ends.timestamp()) * 10**9
        if start <= now < end:
            return found
    return None


def hour_of(calendar: Calendar, moment: int) -> int:
    """Return the start of the clock hour of a moment on the store's own clock, ns UTC."""
    local = calendar.local(moment)
    return moment - (local.minute * 60 + local.second) * 10**9 - moment % 10**9


def once(work: Callable[[], int | None]) -> Callable[[], int | None]:
    """Return a function that does the work the first time only."""
    found: list[int | None] = []

    def ask() -> int | None:
        if not found:
            found.append(work())
        return found[0]

    return ask
