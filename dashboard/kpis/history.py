"""What past days say about a counter: its drift, its error rates, and how long people stay.

At its cut-off hour the store is empty, so on each complete day as many people left as came. If the counts of a day
differ, the counter made at least as many errors. A difference that is the same every day is a drift, which can be
corrected; what varies from day to day shows how large the random errors are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from metrica.dashboard.kpis.events import IN, OUT, SECOND, Events
from metrica.dashboard.kpis.headcount import ErrorRates, ExpectedDwell

DAYS = 28
"""How many business days before today are looked at."""
MIN_EVENTS = 20
"""A day with fewer events is not used."""
DEFAULT_RATES = ErrorRates()
"""Error rates of a counter that nobody has measured: 2 % of the crossings missed, in both directions."""

_DRIFT_DEVIATION = 0.03  # standard deviation, per visit, of the drift that an unknown counter may have
_DEFAULT_WEIGHT, _MEASURED_WEIGHT = 8.0, 30.0  # days that the default, or a measured, error rate counts as much as
_MAX_DEVIATION = 4.0  # standard deviations: a day further off is clipped, as something else went wrong on it
_MIN_RATE = 0.002
_MAX_RATE = 0.3
_DEFAULT_DWELL = ExpectedDwell()
_MAX_DWELL_WEIGHT = 20  # visits: a day of 200 gives its mean dwell to 5 % only, and days differ by more than that


@dataclass(frozen=True, slots=True)
class PastDay:
    """The counts of a complete business day."""

    entered: int
    """Counted INs."""
    left: int
    """Counted OUTs."""
    mean_dwell: float | None
    """Mean dwell, seconds; None where the counts give none."""

    @property
    def visits(self) -> float:
        """Mean of INs and OUTs."""
        return (self.entered + self.left) / 2

    @property
    def surplus(self) -> int:
        """Counted OUTs minus counted INs."""
        return self.left - self.entered


@dataclass(frozen=True, slots=True)
class Calibration:
    """What is assumed of the counter and the visits when today's figures are computed."""

    rates: ErrorRates
    """Error rates of the counter, which include the drift."""
    dwell: ExpectedDwell
    """Expected mean dwell."""
    drift: float
    """People per visit by which IN minus OUT becomes too low (above 0) or too high (below 0)."""
    days: int
    """How many past days were used."""


UNCALIBRATED = Calibration(DEFAULT_RATES, _DEFAULT_DWELL, 0.0, 0)
"""The calibration of a store's first day."""


def mean_dwell_of_day(day: Events) -> float | None:
    """Return the mean dwell of a complete day that began and ended empty, seconds; None without INs or without OUTs.

    By Little's law it is person-seconds over visits. The day's surplus is spread evenly over its events, so that the
    count ends at zero.
    """
    visits = (day.count(IN) + day.count(OUT)) / 2
    if len(day) < 2 or day.count(IN) == 0 or day.count(OUT) == 0:
        return None
    people = np.cumsum(day.signs, dtype=np.float64)
    people -= people[-1] * np.arange(1, len(day) + 1) / len(day)
    dwell = float((people[:-1] * np.diff(day.times)).sum()) / SECOND / visits
    return dwell if dwell > 0 else None


def calibrate(days: Sequence[PastDay], measured: ErrorRates | None = None) -> Calibration:
    """Estimate error rates, drift and expected dwell from past days. Few days, or one odd day, change little.

    measured: the error rates that metrica-eval measured; None if nobody did. docs/kpis.md has the formulas.
    """
    base = measured or DEFAULT_RATES
    rate = (base.missed_in + base.missed_out + base.extra_in + base.extra_out) / 2
    expected_drift = base.missed_in - base.extra_in - base.missed_out + base.extra_out
    visits = np.array([day.visits for day in days])
    surplus = np.array([day.surplus for day in days], np.float64)
    deviation = np.sqrt(2 * max(rate, _MIN_RATE) * visits)
    median = float(np.median(surplus / visits)) if len(days) else 0.0
    clipped = median * visits + np.clip(
        surplus - median * visits, -_MAX_DEVIATION * deviation, _MAX_DEVIATION * deviation
    )
    total = float(visits.sum())
    trust = total / (total + 2 * rate / _DRIFT_DEVIATION**2)
    drift = expected_drift
    if len(days):
        drift += trust * (float(clipped.sum()) / max(total, 1.0) - expected_drift)
    residual = float(((clipped - drift * visits) ** 2 / (2 * np.maximum(visits, 1))).sum())
    weight = _MEASURED_WEIGHT if measured else _DEFAULT_WEIGHT
    estimated = (weight * rate + residual) / (weight + len(days))
    rates = _rates_with_drift(base, estimated / max(rate, _MIN_RATE), drift)
    return Calibration(rates, _expected_dwell(days), drift, len(days))


def _rates_with_drift(base: ErrorRates, factor: float, drift: float) -> ErrorRates:
    """Multiply the rates by `factor`, then move the missed shares of IN and OUT apart until they explain the drift."""
    missed_in, missed_out = base.missed_in * factor, base.missed_out * factor
    extra_in, extra_out = base.extra_in * factor, base.extra_out * factor
    difference = drift - (missed_in - extra_in - missed_out + extra_out)
    missed_in, missed_out = missed_in + difference / 2, missed_out - difference / 2
    # A share cannot be negative: raise both, so that their difference stays.
    lift = max(0.0, _MIN_RATE - min(missed_in, missed_out))
    return ErrorRates(*(min(_MAX_RATE, value) for value in (missed_in + lift, missed_out + lift, extra_in, extra_out)))


def _expected_dwell(days: Sequence[PastDay]) -> ExpectedDwell:
    """Return median and spread of the days' mean dwells (of their logarithms)."""
    logarithms = np.log([day.mean_dwell for day in days if day.mean_dwell is not None])
    if not len(logarithms):
        return _DEFAULT_DWELL
    median = float(np.median(logarithms))
    # 1.48 times the median absolute deviation estimates the standard deviation.
    between_days = 1.48 * float(np.median(np.abs(logarithms - median)))
    of_median = 0.3 / np.sqrt(len(logarithms))
    spread = float(np.clip(np.hypot(between_days, of_median), 0.1, 0.7))
    return ExpectedDwell(float(np.exp(median)), spread, min(_MAX_DWELL_WEIGHT, len(logarithms)))
