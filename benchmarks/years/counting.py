"""What the cameras count of the visits, and when the server hears of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchmarks.years.clock import Quarters
from benchmarks.years.outages import within
from benchmarks.years.shop import Shop
from benchmarks.years.visits import Visits
from metrica.dashboard.kpis.events import HOUR, IN, OUT, SECOND
from metrica.nodes.geometry.arrays import Bool, Float64, Int64

_SAME_DOOR = 0.8
"""Share of the people who leave by the door by which they came."""
_TWICE = 0.004
"""Share of the crossings that are counted twice."""
_NOBODY = 0.004
"""Crossings that are counted though nobody crossed, per crossing."""
_DRIFTS = 2.0
"""Per year: how often a camera is moved, or a lamp changed, and its recall with it."""
_DRIFT = 0.015
"""Standard deviation of the recall from one such change to the next."""
_ON_LINE = 3.0
"""Mean seconds until an event is sent while the network is there."""


@dataclass(frozen=True, slots=True, eq=False)
class Crossings:
    """The events of a shop, in order of time; every array is [events]."""

    times: Int64
    """When the line was crossed, ns UTC."""
    signs: Int64
    """`IN` or `OUT`."""
    cameras: Int64
    """The number of the camera in `Shop.cameras`."""
    numbers: Int64
    """The number of the event at its camera, from 1, in order of time."""
    delivered: Int64
    """When the box sends it, ns UTC: later than it happened, by days if the network was away."""

    def __len__(self) -> int:
        return len(self.times)


def count_crossings(
    shop: Shop, when: Quarters, visits: Visits, watched: dict[str, Int64], offline: Int64, rng: np.random.Generator
) -> Crossings:
    """Return what the cameras count. watched: see `outages.watched`; nothing is counted outside it.

    offline: when the network is away; what happens then is sent at its end.
    """
    doors = np.searchsorted(np.cumsum([share for _, share in shop.cameras])[:-1], rng.uniform(size=len(visits)))
    others = np.searchsorted(np.cumsum([share for _, share in shop.cameras])[:-1], rng.uniform(size=len(visits)))
    out_by = np.where(rng.uniform(size=len(visits)) < _SAME_DOOR, doors, others)
    times = np.concatenate((visits.came, visits.left))
    signs = np.repeat([IN, OUT], len(visits))
    cameras = np.concatenate((doors, out_by))
    seen = rng.uniform(size=len(times)) < _recall(shop, when, times, signs, rng)
    times, signs, cameras = times[seen], signs[seen], cameras[seen]
    twice = rng.uniform(size=len(times)) < _TWICE
    nobody = rng.uniform(size=len(times)) < _NOBODY
    again = times[twice] + (1 + rng.exponential(2, int(twice.sum()))) * SECOND
    false = times[nobody] + rng.uniform(-0.5 * HOUR, 0.5 * HOUR, int(nobody.sum()))
    times = np.concatenate((times, again.astype(np.int64), false.astype(np.int64)))
    signs = np.concatenate((signs, signs[twice], rng.choice([IN, OUT], int(nobody.sum()))))
    cameras = np.concatenate((cameras, cameras[twice], cameras[nobody]))
    looked = _looked(shop, times, cameras, watched)
    order = np.flatnonzero(looked)[np.lexsort((cameras[looked], times[looked]))]
    times, signs, cameras = times[order], signs[order], cameras[order]
    numbers = np.zeros(len(times), np.int64)
    for number in range(len(shop.cameras)):
        mine = cameras == number
        numbers[mine] = np.arange(1, int(mine.sum()) + 1)
    sent = times + (rng.exponential(_ON_LINE, len(times)) * SECOND).astype(np.int64)
    return Crossings(times, signs, cameras, numbers, after_outage(sent, offline))


def after_outage(times: Int64, offline: Int64) -> Int64:
    """Move the times at which the network is away to when it is back."""
    if not len(offline):
        return times
    at = np.maximum(np.searchsorted(offline[:, 0], times, side="right") - 1, 0)
    return np.where(within(times, offline), offline[at, 1], times)


def _recall(shop: Shop, when: Quarters, times: Int64, signs: Int64, rng: np.random.Generator) -> Float64:
    """The share of the crossings that is counted at each time: it changes some times a year, for each direction."""
    begin, end = int(when.start[0]), int(when.start[-1])
    recall = np.empty(len(times))
    for sign, usual in zip((IN, OUT), shop.recall, strict=True):
        changes = np.sort(rng.integers(begin, end, int(rng.poisson(_DRIFTS * when.days / 365.25))))
        levels = np.clip(rng.normal(usual, _DRIFT, len(changes) + 1), 0.85, 0.998)
        levels[0] = usual
        mine = signs == sign
        recall[mine] = levels[np.searchsorted(changes, times[mine], side="right")]
    return recall


def _looked(shop: Shop, times: Int64, cameras: Int64, watched: dict[str, Int64]) -> Bool:
    looked = np.zeros(len(times), np.bool_)
    for number, (camera, _) in enumerate(shop.cameras):
        mine = cameras == number
        looked[mine] = within(times[mine], watched[camera])
    return looked
