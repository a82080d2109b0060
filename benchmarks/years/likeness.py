"""Holds made-up footfall against the real: weekly shape, spread and noise, from counts per hour.

Every statistic is a ratio, so that a shop of 300 visitors a day can be held against a street of 30,000. What counting
by chance (Poisson) adds to the noise of small counts is taken off where that can be done.
"""

from __future__ import annotations

import csv
import gzip
from dataclasses import dataclass, fields
from datetime import date
from pathlib import Path

import numpy as np

from metrica.nodes.geometry.arrays import Bool, Float64, Int64

_AWAY = 14
"""Days ahead that the last known weeks are used for, as in the reference of the streets."""
_WEEKS = 4
"""Weeks whose mean is compared with the last week alone."""


@dataclass(frozen=True, slots=True)
class Hours:
    """Counts per hour of consecutive days."""

    counts: Float64
    """Visitors, [days, 24]; NaN where nobody counted."""
    first: date
    """The first day."""

    @property
    def weekdays(self) -> Int64:
        """The weekday of each day, 0 is Monday; [days]."""
        return (self.first.weekday() + np.arange(len(self.counts))) % 7


@dataclass(frozen=True, slots=True)
class Likeness:
    """What a series of hours looks like."""

    visitors_a_day: float
    """Mean of the days on which somebody was counted."""
    weekday_spread: float
    """Standard deviation of the seven weekdays' means, over their mean."""
    busiest_weekday: float
    """The busiest weekday's mean over the mean of all."""
    peak_hour_share: float
    """Share of a day's visitors that comes in its busiest hour, on average."""
    busy_hours: float
    """Hours of the average day that have at least half as many visitors as its busiest."""
    day_noise: float
    """How far a day is from what its weekday and season say: standard deviation (robust) of the logarithm."""
    day_memory: float
    """Correlation of that with the day before."""
    hour_noise: float
    """How far an hour is from its share of its own day: standard deviation over mean, beyond what chance gives."""
    four_weeks_over_last: float
    """Mean absolute error of "as the mean of the last four weeks" over that of "as last week", 14 days ahead;
    the median over the weeks of the last year, because Ramadan and the Eids break a shop's rhythm for some of them."""


def likeness(hours: Hours) -> Likeness:
    """Describe a series of at least 16 weeks. Days in which nobody was counted are left out."""
    counts, weekdays = hours.counts, hours.weekdays
    totals = counts.sum(axis=1)
    known = np.isfinite(totals) & (totals > 0)
    of_weekday = np.array([totals[known & (weekdays == day)].mean() if (known & (weekdays == day)).any() else np.nan
                           for day in range(7)])  # fmt: skip
    usual = np.nanmean(of_weekday)
    profile = counts[known].sum(axis=0)
    profile = profile / profile.sum()
    noise, memory = _days(totals, known, weekdays)
    return Likeness(
        visitors_a_day=float(totals[known].mean()),
        weekday_spread=float(np.nanstd(of_weekday) / usual),
        busiest_weekday=float(np.nanmax(of_weekday) / usual),
        peak_hour_share=float(profile.max()),
        busy_hours=float(np.count_nonzero(profile >= profile.max() / 2)),
        day_noise=noise,
        day_memory=memory,
        hour_noise=_hours(counts, known, weekdays),
        four_weeks_over_last=_last_weeks(counts, known),
    )


def table(columns: dict[str, Likeness]) -> str:
    """The descriptions side by side, one statistic a line."""
    lines = [f"{'':<22}" + "".join(f"{name[:16]:>18}" for name in columns)]
    for each in fields(Likeness):
        lines.append(f"{each.name:<22}" + "".join(f"{getattr(one, each.name):>18.3f}" for one in columns.values()))
    return "\n".join(lines)


def streets(folder: Path) -> dict[str, Hours]:
    """Read every `*-hourly.csv.gz` of a folder (`location, date, hour, count`). Days with many zeros are not known.

    Raises FileNotFoundError if there is none.
    """
    found: dict[str, dict[tuple[date, int], float]] = {}
    files = sorted(folder.glob("*-hourly.csv.gz"))
    if not files:
        raise FileNotFoundError(f"{folder} has no file *-hourly.csv.gz: name the folder that has the streets")
    for file in files:
        with gzip.open(file, "rt", encoding="utf-8", newline="") as text:
            for row in csv.DictReader(text):
                counts = found.setdefault(row["location"], {})
                counts[date.fromisoformat(row["date"]), int(row["hour"])] = float(row["count"] or "nan")
    made: dict[str, Hours] = {}
    for name, counts in found.items():
        first, last = min(day for day, _ in counts), max(day for day, _ in counts)
        grid = np.full(((last - first).days + 1, 24), np.nan)
        for (day, hour), count in counts.items():
            grid[(day - first).days, hour] = count
        grid[(grid == 0).sum(axis=1) >= 3] = np.nan  # a street is never empty: the camera was off
        made[name] = Hours(grid, first)
    return made


def _days(totals: Float64, known: Bool, weekdays: Int64) -> tuple[float, float]:
    """The noise of days, and its correlation with the day before."""
    logs = np.where(known, np.log(np.where(known, totals, 1.0)), np.nan)
    season = np.array([np.nanmedian(logs[max(0, at - 21) : at + 22]) for at in range(len(logs))])
    rest = logs - season
    for day in range(7):
        mine = weekdays == day
        if np.isfinite(rest[mine]).any():
            rest[mine] -= np.nanmedian(rest[mine])
    good = rest[np.isfinite(rest)]
    deviation = float(1.48 * np.median(np.abs(good - np.median(good))))
    clipped = np.clip(rest, -3 * deviation, 3 * deviation)
    both = np.isfinite(clipped[1:]) & np.isfinite(clipped[:-1])
    return deviation, float(np.corrcoef(clipped[1:][both], clipped[:-1][both])[0, 1])


def _hours(counts: Float64, known: Bool, weekdays: Int64) -> float:
    """The noise of hours beyond chance, over the hours that have at least 4 % of their day; median over them."""
    found: list[float] = []
    for day in range(7):
        mine = counts[known & (weekdays == day)]
        if len(mine) < 10:
            continue
        totals = mine.sum(axis=1, keepdims=True)
        share = np.median(mine / totals, axis=0)
        expected = totals * share
        for hour in np.flatnonzero(share >= 0.04):
            rest = (mine[:, hour] - expected[:, hour]) / expected[:, hour]
            spread = 1.48 * np.median(np.abs(rest - np.median(rest)))
            found.append(float(np.sqrt(max(0.0, spread**2 - np.mean((1 - share[hour]) / expected[:, hour])))))
    return float(np.median(found)) if found else float("nan")


def _last_weeks(counts: Float64, known: Bool) -> float:
    """The mean of the last four weeks against the last week, over the last year, 14 days ahead."""
    counts = np.where(known[:, None], counts, np.nan)
    ratios: list[float] = []
    for origin in range(max(7 * _WEEKS, len(counts) - 365), len(counts) - _AWAY, 7):
        four, last = 0.0, 0.0
        for ahead in range(_AWAY):
            before = [origin + ahead % 7 - 7 * week for week in range(1, _WEEKS + 1)]
            truth, weeks = counts[origin + ahead], counts[before]
            if np.isfinite(truth).all() and np.isfinite(weeks).all():
                four += float(np.abs(weeks.mean(axis=0) - truth).sum())
                last += float(np.abs(weeks[0] - truth).sum())
        if last:
            ratios.append(four / last)
    return float(np.median(ratios)) if ratios else float("nan")
