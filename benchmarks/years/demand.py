"""How many people come in each quarter of an hour: what is expected, and what chance makes of it."""

from __future__ import annotations

import numpy as np
from scipy.signal import lfilter

from benchmarks.years.clock import Quarters
from benchmarks.years.country import FAR, Days, sunset
from benchmarks.years.shop import Shop
from metrica.nodes.geometry.arrays import Float64, Int64

_EVE, _REST, _BEFORE_EVE = 1.32, 0.76, 1.08
"""Visitors on the eve of the day of rest, on that day, and on the day before the eve; 1 on the others."""
_SEASON = ((0.06, 0.12, 0.14), (0.60, 0.07, 0.12), (0.70, 0.04, 0.18), (0.97, 0.04, 0.2), (0.14, 0.05, -0.1))
"""The year's seasons: sales in January and August, back to school, its end, and the quiet of February: place in the
year, width (share of a year), and height (logarithm)."""
_WEATHER, _WEATHER_MEMORY = 0.085, 0.45
"""Day to day: standard deviation of the logarithm, and what stays of it on the next day."""
_MOOD, _MOOD_MEMORY = 0.055, 0.95
"""The same for what lasts for weeks: roadworks, a competitor, fashion."""
_STORM, _STORM_EFFECT = 0.03, 0.35
"""Share of days with bad weather, and how many stay away on them."""
_HOUR, _HOUR_MEMORY = 0.08, 0.5
"""Hour to hour: standard deviation of the logarithm, and what stays of it an hour later."""
_DISPERSION = 40.0
"""Shape of the gamma distribution by which a quarter's rate varies; with chance, counts are negative binomial."""


def expected(shop: Shop, when: Quarters, days: Days, open_share: Float64, rng: np.random.Generator) -> Float64:
    """Return the visitors that are expected in each quarter, [quarters]: `shop.visitors` on an average open day."""
    day = _of_days(shop, when, days, rng)[when.day]
    shape = _of_hours(shop, when, days)
    noise = _autocorrelated(len(when) // 4 + 1, _HOUR, _HOUR_MEMORY, rng)[np.arange(len(when)) // 4]
    # The usual share of a day is that of the usual hours: a short day has fewer visitors, not the same ones faster.
    raw = shape * open_share
    per_day = np.bincount(when.day, raw, minlength=when.days)
    ordinary = (per_day > 0) & (days.ramadan == 0) & (days.eid == 0)
    usual = float(np.median(per_day[ordinary])) if ordinary.any() else float(per_day.max() or 1.0)
    fasting = (per_day > 0) & (days.ramadan > 0)
    scale = np.full(when.days, usual)
    scale[fasting] = 0.5 * (usual + per_day[fasting])  # in Ramadan people find the hours that are left
    rate: Float64 = shop.visitors * day * np.exp(noise) * raw / scale[when.day]
    return rate


def arrivals(rate: Float64, rng: np.random.Generator) -> Int64:
    """Draw how many people come in each quarter: negative binomial around `rate`, [quarters]."""
    return rng.poisson(rate * rng.gamma(_DISPERSION, 1 / _DISPERSION, len(rate)))


def _of_days(shop: Shop, when: Quarters, days: Days, rng: np.random.Generator) -> Float64:
    """The factor of each day: weekday, season, trend, Ramadan and Eids, holidays, weather; [days]."""
    count = len(days)
    eve, rest = shop.country.eve, shop.country.rest
    factor = np.ones(count)
    factor[days.weekday == (eve - 1) % 7] = _BEFORE_EVE
    factor[days.weekday == eve] = _EVE
    factor[days.weekday == rest] = _REST
    for place, width, height in _SEASON:
        away = np.abs(days.year_share - place)
        factor *= np.exp(height * np.exp(-0.5 * (np.minimum(away, 1 - away) / width) ** 2))
    factor *= np.exp(shop.growth * (np.arange(count) - count / 2) / 365.25)
    factor[days.ramadan > 0] *= 0.85
    factor *= 1 + 1.1 * np.exp(-days.to_fitr / 5.0) * (days.ramadan > 0)  # new clothes and sweets for the Eid
    factor *= 1 + 0.5 * np.exp(-days.to_adha / 3.0) * (days.to_adha > 0)
    factor *= np.where((days.after_eid < 10) & (days.after_eid < FAR), 0.75, 1.0)
    factor[days.holiday] *= rng.uniform(0.7, 1.3, int(days.holiday.sum()))
    weather = _autocorrelated(count, _WEATHER, _WEATHER_MEMORY, rng) + _autocorrelated(count, _MOOD, _MOOD_MEMORY, rng)
    factor *= np.exp(weather - 0.5 * (_WEATHER**2 + _MOOD**2))
    factor[rng.uniform(size=count) < _STORM] *= 1 - _STORM_EFFECT
    return factor


def _of_hours(shop: Shop, when: Quarters, days: Days) -> Float64:
    """The shape of a day, of any scale: its rushes; in Ramadan less by day and a rush after the meal; [quarters]."""
    shape = np.full(len(when), 0.12)
    for hour, width, weight in shop.kind.humps:
        shape += weight * np.exp(-0.5 * ((when.hour - hour) / width) ** 2)
    down = sunset(shop.country, days, when.noon_offset)[when.day]
    fasting = 0.08 + 0.9 * np.exp(-0.5 * ((when.hour - (down - 4.0)) / 2.2) ** 2)
    fasting += 1.3 * np.exp(-0.5 * ((when.hour - (down + 3.2)) / 1.2) ** 2)
    return np.where(days.ramadan[when.day] > 0, fasting, shape)


def _autocorrelated(count: int, deviation: float, memory: float, rng: np.random.Generator) -> Float64:
    """Noise with a standard deviation of which the share `memory` stays from step to step, [count]."""
    steps = rng.normal(0.0, deviation * np.sqrt(1 - memory**2), count)
    steps[0] = rng.normal(0.0, deviation)
    made: Float64 = lfilter([1.0], [1.0, -memory], steps)
    return made
