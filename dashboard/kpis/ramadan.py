"""When Ramadan is: as it was announced, else as the calendar of Umm al-Qura has it, to within a day of the sighting."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from functools import lru_cache

from hijridate import Gregorian, Hijri

_RAMADAN = 9
_NEAR = timedelta(days=5)


def is_ramadan(day: date, announced: Iterable[tuple[date, date]] = ()) -> bool:
    """Whether a day is in Ramadan.

    announced: first and last day of Ramadan in some years, as a country has announced them. They stand against what is
    computed for the same year. Days before 1924 and after 2077 are in none that can be computed.
    """
    periods = list(announced)
    if any(first <= day <= last for first, last in periods):
        return True
    computed = _computed(day)
    if computed is None:
        return False
    return not any(first <= computed[1] + _NEAR and computed[0] - _NEAR <= last for first, last in periods)


@lru_cache(maxsize=1000)
def _computed(day: date) -> tuple[date, date] | None:
    """Return first and last day of the Ramadan that a day is in; None if it is in none."""
    try:
        hijri = Gregorian.fromdate(day).to_hijri()
        if hijri.month != _RAMADAN:
            return None
        start = Hijri(hijri.year, _RAMADAN, 1)
        first = start.to_gregorian()
    except OverflowError:  # outside of the calendar's tables
        return None
    begin = date(first.year, first.month, first.day)
    return begin, begin + timedelta(days=start.month_length() - 1)
