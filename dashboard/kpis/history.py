"""What past days teach: how much the two directions drift apart, how many crossings go wrong, how long people stay.

At its cut-off hour the shop is empty, so on every complete day as many people left as came. If the counts differ, the
counter is wrong by at least as much: a difference that is the same every day is a drift that can be corrected, and
what remains from day to day is the size of the random errors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from metrica.dashboard.kpis.business_day import Calendar
from metrica.dashboard.kpis.events import IN, OUT, SECOND, Events
from metrica.dashboard.kpis.gaps import Gap, is_touched
from metrica.dashboard.kpis.headcount import ErrorRates, Stay

DAYS = 28
"""Complete days that are looked back on."""
FEWEST = 20
"""A day with fewer events teaches nothing."""
PRIOR = ErrorRates()
"""What is believed of a counter that nobody has measured: 2 % of the crossings missed, in both directions."""

_PRIOR_DRIFT = 0.03  # standard deviation, per visit, of what the drift of an unknown counter may be
_PRIOR_DAYS, _MEASURED_DAYS = 8.0, 30.0  # how many days the belief, or a measurement, of the error rate outweighs
_FAR = 4.0  # standard deviations: a day further off had something else, such as a box that was down
_LEAST = 0.002
_STAY = Stay()
_MOST_WEIGHT = 20  # visits: a day of 200 is itself known to 5 % only, and days differ by more than that


@dataclass(frozen=True, slots=True)
class PastDay:
    """A complete day: what was counted, and the mean stay in seconds (None where it makes no sense)."""

    entered: int
    left: int
    stay: float | None

    @property
    def visits(self) -> float:
        return (self.entered + self.left) / 2

    @property
    def surplus(self) -> int:
        """How many more left than came."""
        return self.left - self.entered


@dataclass(frozen=True, slots=True)
class Learned:
    """What today's figures are made with."""

    rates: ErrorRates
    stay: Stay
    drift: float
    """By how many people a visit makes the count of the people inside too low (above 0) or too high."""
    days: int
    """How many past days taught it."""


NOTHING = Learned(PRIOR, _STAY, 0.0, 0)
"""What is known on the first day."""


def past_days(
    events: Events, calendar: Calendar, now: int, gaps: Sequence[Gap] = (), days: int = DAYS
) -> list[PastDay]:
    """The complete business days before today that had `FEWEST` events and no gap, the oldest first."""
    today = calendar.day_of(now)
    found: list[PastDay] = []
    for back in range(days, 0, -1):
        start, end = calendar.bounds(today - timedelta(days=back))
        day = events.between(start, end)
        if len(day) >= FEWEST and not is_touched(gaps, start, end):
            found.append(PastDay(day.count(IN), day.count(OUT), balanced_stay(day)))
    return found


def balanced_stay(day: Events) -> float | None:
    """The mean stay of a whole day that began and ended empty, seconds; None if nobody came, or nobody left.

    By Little's law: person-seconds over visits, the day's surplus being spread evenly over its events.
    """
    visits = (day.count(IN) + day.count(OUT)) / 2
    if len(day) < 2 or day.count(IN) == 0 or day.count(OUT) == 0:
        return None
    people = np.cumsum(day.signs, dtype=np.float64)
    people -= people[-1] * np.arange(1, len(day) + 1) / len(day)
    stay = float((people[:-1] * np.diff(day.times)).sum()) / SECOND / visits
    return stay if stay > 0 else None


def learn(days: Sequence[PastDay], measured: ErrorRates | None = None) -> Learned:
    """Error rates and expected stay after these days; `measured` is what metrica-eval found, if anybody asked it.

    Few days move the result little, one strange day never much.
    """
    base = measured or PRIOR
    rate = (base.missed_in + base.missed_out + base.extra_in + base.extra_out) / 2
    expected = base.missed_in - base.extra_in - base.missed_out + base.extra_out
    visits = np.array([day.visits for day in days])
    surplus = np.array([day.surplus for day in days], np.float64)
    spread = np.sqrt(2 * max(rate, _LEAST) * visits)
    middle = float(np.median(surplus / visits)) if len(days) else 0.0
    near = middle * visits + np.clip(surplus - middle * visits, -_FAR * spread, _FAR * spread)
    total = float(visits.sum())
    trust = total / (total + 2 * rate / _PRIOR_DRIFT**2)
    drift = expected + trust * (float(near.sum()) / max(total, 1.0) - expected) if len(days) else expected
    left_over = float(((near - drift * visits) ** 2 / (2 * np.maximum(visits, 1))).sum())
    weight = _MEASURED_DAYS if measured else _PRIOR_DAYS
    found = (weight * rate + left_over) / (weight + len(days))
    return Learned(_split(base, found / max(rate, _LEAST), drift), _stay(days), drift, len(days))


def _split(base: ErrorRates, factor: float, drift: float) -> ErrorRates:
    """The base rates times `factor`, the two directions moved apart until they explain the drift."""
    missed_in, missed_out = base.missed_in * factor, base.missed_out * factor
    extra_in, extra_out = base.extra_in * factor, base.extra_out * factor
    apart = drift - (missed_in - extra_in - missed_out + extra_out)
    missed_in, missed_out = missed_in + apart / 2, missed_out - apart / 2
    lift = max(0.0, _LEAST - min(missed_in, missed_out))  # a share cannot be negative, the difference must remain
    return ErrorRates(*(min(0.3, value) for value in (missed_in + lift, missed_out + lift, extra_in, extra_out)))


def _stay(days: Sequence[PastDay]) -> Stay:
    known = np.log([day.stay for day in days if day.stay is not None])
    if not len(known):
        return _STAY
    middle = float(np.median(known))
    between = 1.48 * float(np.median(np.abs(known - middle)))
    of_middle = 0.3 / np.sqrt(len(known))
    return Stay(
        float(np.exp(middle)), float(np.clip(np.hypot(between, of_middle), 0.1, 0.7)), min(_MOST_WEIGHT, len(known))
    )
