"""The countries whose days are made: time zone, weekend, public holidays, Ramadan and the Eids, sunset."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

import holidays
import numpy as np
from hijridate import Gregorian

from metrica.nodes.geometry.arrays import Bool, Float64, Int64

FAR = 99
"""So many days to or from an Eid, or more, are counted as this many."""
RAMADAN, SHAWWAL, DHU_AL_HIJJA = 9, 10, 12
"""Months of the Hijri calendar."""


@dataclass(frozen=True, slots=True)
class Country:
    """What the days of a country depend on."""

    code: str
    """ISO 3166, as the library `holidays` takes it."""
    timezone: str
    """IANA name."""
    latitude: float
    """Of its largest city, degrees north."""
    longitude: float
    """Of its largest city, degrees east."""
    rest: int
    """The weekday of rest, 0 is Monday."""
    eve: int
    """The weekday on which people go shopping, 0 is Monday."""


COUNTRIES = {
    country.code: country
    for country in (
        Country("TN", "Africa/Tunis", 36.8, 10.2, rest=6, eve=5),
        Country("DZ", "Africa/Algiers", 36.7, 3.1, rest=4, eve=3),
        Country("MA", "Africa/Casablanca", 33.6, -7.6, rest=6, eve=5),
        Country("LY", "Africa/Tripoli", 32.9, 13.2, rest=4, eve=3),
        Country("EG", "Africa/Cairo", 30.0, 31.2, rest=4, eve=3),
    )
}
"""By their codes."""


@dataclass(frozen=True, slots=True, eq=False)
class Days:
    """Consecutive days of a country; every array is [days]."""

    first: date
    """The first day."""
    weekday: Int64
    """0 is Monday."""
    year_share: Float64
    """How much of the year has passed, 0 to 1."""
    ramadan: Int64
    """The day of Ramadan, from 1; 0 outside."""
    to_fitr: Int64
    """Days until the next Eid al-Fitr, 0 on its first day; `FAR` if it is further."""
    to_adha: Int64
    """The same for Eid al-Adha."""
    eid: Int64
    """The day of an Eid, from 1 to 3; 0 on all others."""
    after_eid: Int64
    """Days since the last Eid began; `FAR` if it is longer ago."""
    holiday: Bool
    """Public holidays, without the Eids."""

    def __len__(self) -> int:
        return len(self.weekday)


@lru_cache(maxsize=32)
def days_of(code: str, first: date, count: int) -> Days:
    """Describe `count` days of a country from `first` on. The Hijri dates are those of Umm al-Qura."""
    margin = FAR + 1
    dates = [first + timedelta(days=n) for n in range(-margin, count + margin)]
    hijri = [Gregorian(day.year, day.month, day.day).to_hijri() for day in dates]
    months = np.array([day.month for day in hijri])
    month_days = np.array([day.day for day in hijri])
    fitr = np.flatnonzero((months == SHAWWAL) & (month_days == 1)) - margin
    adha = np.flatnonzero((months == DHU_AL_HIJJA) & (month_days == 10)) - margin
    inner = slice(margin, margin + count)
    ours = dates[inner]
    at = np.arange(count)
    after = np.minimum(_since(at, fitr), _since(at, adha))
    eid = np.where(after < 3, after + 1, 0)
    public = holidays.country_holidays(code, years=range(first.year - 1, ours[-1].year + 2))
    return Days(
        first=first,
        weekday=np.array([day.weekday() for day in ours]),
        year_share=np.array([(day.timetuple().tm_yday - 1) / 365.25 for day in ours]),
        ramadan=np.where(months == RAMADAN, month_days, 0)[inner],
        to_fitr=_until(at, fitr),
        to_adha=_until(at, adha),
        eid=eid,
        after_eid=after,
        holiday=np.array([day in public for day in ours]) & (eid == 0),
    )


def sunset(country: Country, days: Days, offset_hours: Float64) -> Float64:
    """When the sun sets, local hours, [days]; right to some minutes (NOAA's short formula).

    offset_hours: the offset of the local clock from UTC at noon, [days].
    """
    angle = 2 * np.pi * days.year_share
    declination = (
        0.006918 - 0.399912 * np.cos(angle) + 0.070257 * np.sin(angle)
        - 0.006758 * np.cos(2 * angle) + 0.000907 * np.sin(2 * angle)
    )  # fmt: skip
    equation = 229.18 * (
        0.000075 + 0.001868 * np.cos(angle) - 0.032077 * np.sin(angle)
        - 0.014615 * np.cos(2 * angle) - 0.040849 * np.sin(2 * angle)
    )  # fmt: skip
    latitude = np.radians(country.latitude)
    cosine = np.cos(np.radians(90.833)) / (np.cos(latitude) * np.cos(declination)) - np.tan(latitude) * np.tan(
        declination
    )
    minutes = 720 - 4 * (country.longitude - np.degrees(np.arccos(cosine))) - equation
    hours: Float64 = minutes / 60 + offset_hours
    return hours


def _until(at: Int64, events: Int64) -> Int64:
    found = np.append(events, at[-1] + FAR + 1)
    until: Int64 = np.minimum(found[np.searchsorted(found, at)] - at, FAR)
    return until


def _since(at: Int64, events: Int64) -> Int64:
    found = np.insert(events, 0, -FAR - 1)
    since: Int64 = np.minimum(at - found[np.searchsorted(found, at, side="right") - 1], FAR)
    return since
