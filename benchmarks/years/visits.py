"""The visits: who comes when, alone or with others, and when they leave."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchmarks.years.clock import QUARTER, Quarters
from benchmarks.years.opening import closing
from benchmarks.years.shop import Shop
from metrica.dashboard.kpis.events import MINUTE, SECOND
from metrica.nodes.geometry.arrays import Bool, Float64, Int64

_STAY_SPREAD = 0.75
"""Standard deviation of the logarithm of a visit's length."""
_ALONE = 0.55
"""Probability that the next person is not with the one before."""
_LINGER = 4 * MINUTE
"""Mean time after closing at which the last ones leave, ns."""


@dataclass(frozen=True, slots=True, eq=False)
class Visits:
    """The true visits of a shop, in order of arrival; every array is [visits]."""

    came: Int64
    """ns UTC."""
    left: Int64
    """ns UTC, after `came`."""

    def __len__(self) -> int:
        return len(self.came)


def draw_visits(shop: Shop, when: Quarters, open_share: Float64, arrivals: Int64, rng: np.random.Generator) -> Visits:
    """Draw the visits of all quarters. arrivals: people who come in each quarter. Nobody comes while it is closed."""
    quarter = np.repeat(np.arange(len(when)), arrivals)
    # The open part of a quarter is its first one, unless the shop opens in it.
    opens = np.zeros(len(when), np.bool_)
    opens[1:] = (open_share[1:] > 0) & (open_share[:-1] <= 0)
    offset = np.where(opens, 1 - open_share, 0.0)[quarter]
    place = offset + rng.uniform(size=len(quarter)) * open_share[quarter]
    order = np.lexsort((place, quarter))
    quarter, place = quarter[order], place[order]
    alone = rng.uniform(size=len(quarter)) < _ALONE
    if len(quarter):
        alone[0] = True
        alone[1:] |= quarter[1:] != quarter[:-1]
    group = np.cumsum(alone) - 1
    first = np.flatnonzero(alone)
    came = when.start[quarter] + (place[first][group] * QUARTER).astype(np.int64)
    came += _steps(alone, rng)
    closes = closing(when, open_share)[quarter]
    came = np.minimum(came, closes.astype(np.int64) - SECOND)
    stay = rng.lognormal(np.log(shop.kind.stay), _STAY_SPREAD, len(first))[group] * MINUTE
    left = came + np.maximum(stay, 20 * SECOND) + rng.exponential(2 * SECOND, len(quarter))
    sent_out = closes + rng.exponential(_LINGER, len(first))[group] + rng.exponential(2 * SECOND, len(quarter))
    left = np.maximum(np.minimum(left, sent_out), came + 3.0 * SECOND).astype(np.int64)
    order = np.argsort(came, kind="stable")
    return Visits(came[order], left[order])


def _steps(alone: Bool, rng: np.random.Generator) -> Int64:
    """How long after the first of its group each person comes, ns."""
    gaps = np.where(alone, 0.0, 0.5 * SECOND + rng.exponential(SECOND, len(alone)))
    total = np.cumsum(gaps)
    first = np.flatnonzero(alone)
    return (total - total[first][np.cumsum(alone) - 1]).astype(np.int64) if len(alone) else np.zeros(0, np.int64)
