"""When a shop is open: by weekday, around the prayer, in Ramadan by the sunset, and the days on which it is not."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchmarks.years.clock import Quarters
from benchmarks.years.country import Days, sunset
from benchmarks.years.shop import Interval, Shop
from metrica.nodes.geometry.arrays import Bool, Float64

_ODD = 0.006
"""Probability that the shop is closed on a day for a reason of its own."""
_AUGUST = 0.60
"""Share of the year at which the summer closing begins."""


def closed_days(shop: Shop, days: Days, rng: np.random.Generator) -> Bool:
    """Say for each day whether the shop stays closed all day, [days]."""
    closed = rng.uniform(size=len(days)) < _ODD
    closed |= days.holiday & (rng.uniform(size=len(days)) < shop.kind.holidays)
    closed |= (days.eid == 1) | ((days.eid == 2) & (shop.kind.holidays > 0.3))
    if shop.kind.august:
        since = (days.year_share - _AUGUST) * 365.25
        closed |= (since >= 0) & (since < shop.kind.august)
    return closed


def open_share(shop: Shop, when: Quarters, days: Days, closed: Bool) -> Float64:
    """Say for each quarter of an hour which share of it the shop is open, 0 to 1, [quarters]."""
    kind = shop.kind
    usual = _covered(when.hour, kind.hours)
    friday = _covered(when.hour, kind.friday)
    rest = _covered(when.hour, kind.rest)
    share = np.where(days.weekday[when.day] == 4, friday, usual)
    share = np.where(days.weekday[when.day] == shop.country.rest, rest, share)
    down = sunset(shop.country, days, when.noon_offset)[when.day]
    # By day until some time before the meal at sunset; the siesta is worked through, because nobody eats.
    opens = min(start for start, _ in kind.hours) + 1
    fasting = _between(when.hour, opens, down - kind.iftar)
    if kind.night is not None:
        fasting = np.maximum(fasting, _between(when.hour, down + kind.night[0], kind.night[1]))
    share = np.where(days.ramadan[when.day] > 0, fasting, share)
    # The third day of an Eid is open in the afternoon only.
    late = _between(when.hour, 15.0, max(end for _, end in kind.hours))
    share = np.where(days.eid[when.day] >= 2, late, share)
    return np.where(closed[when.day], 0.0, share)


def closing(when: Quarters, share: Float64) -> Float64:
    """Return when the shop next closes, ns UTC as float, for each quarter; its own start where it is closed."""
    width = float(when.start[1] - when.start[0])
    ends = when.start + share * width
    runs_on = np.zeros(len(share), np.bool_)
    runs_on[:-1] = (share[:-1] > 0) & (share[1:] > 0)
    last = np.where(~runs_on, np.arange(len(share)), len(share))
    found = np.minimum.accumulate(last[::-1])[::-1]
    return ends[found]


def _covered(hour: Float64, intervals: Sequence[Interval]) -> Float64:
    share = np.zeros(len(hour))
    for start, end in intervals:
        share = np.maximum(share, _between(hour, start, end))
    return share


def _between(hour: Float64, start: float | Float64, end: float | Float64) -> Float64:
    """The share of the quarter around `hour` that lies between two times."""
    return np.clip((np.minimum(hour + 0.125, end) - np.maximum(hour - 0.125, start)) / 0.25, 0.0, 1.0)
