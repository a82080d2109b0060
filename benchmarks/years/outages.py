"""When cameras look, between power cuts, faults and nights; and when the network is away."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from benchmarks.years.clock import Quarters
from benchmarks.years.shop import Shop
from metrica.dashboard.kpis.events import HOUR, MINUTE
from metrica.nodes.geometry.arrays import Bool, Float64, Int64

_DAY = 24 * HOUR
_YEAR = 365.25 * _DAY
_CAMERA_FAULTS = 3.0
"""Per year and camera; half of them are over after three hours."""
_BOX_FAULTS = 0.4
"""Per year: the box is broken until somebody brings another one, two to nine days later."""
_NETWORK = 5.0
"""Per year: how often the box is offline. It counts on, and sends later."""
_LONGEST_NETWORK = 12 * _DAY
_SIESTA = 5 * HOUR
"""A closing that is longer is the night: then a box that is off at night is off."""


def watched(shop: Shop, when: Quarters, open_share: Float64, until: int, rng: np.random.Generator) -> dict[str, Int64]:
    """Return for each camera from when to when it looked, ns UTC, up to `until`: [spans, 2], apart and in order."""
    begin, end = when.bounds
    on = _days_on(when, open_share, rng) if shop.off_at_night else np.array([[begin, end]])
    off = [
        _drawn(shop.power_cuts, begin, end, rng, lambda n: rng.exponential(1.4 * HOUR, n) + 2 * MINUTE),
        _drawn(_BOX_FAULTS, begin, end, rng, lambda n: rng.uniform(2 * _DAY, 9 * _DAY, n)),
    ]
    found: dict[str, Int64] = {}
    for camera, _ in shop.cameras:
        own = _drawn(_CAMERA_FAULTS, begin, end, rng, lambda n: rng.lognormal(np.log(3.0), 1.1, n) * HOUR)
        found[camera] = clipped(without(on, joined(np.concatenate((*off, own)))), begin, until)
    return found


def offline(when: Quarters, rng: np.random.Generator) -> Int64:
    """Return from when to when the network is away, ns UTC: [outages, 2], apart and in order."""
    begin, end = when.bounds
    drawn = _drawn(
        _NETWORK, begin, end, rng,
        lambda n: np.minimum(rng.lognormal(np.log(6.0), 1.4, n) * HOUR, _LONGEST_NETWORK),
    )  # fmt: skip
    return joined(drawn)


def joined(spans: Int64) -> Int64:
    """Sort spans by their start, and join those that touch; [spans, 2]."""
    if not len(spans):
        return spans.reshape(0, 2)
    spans = spans[np.argsort(spans[:, 0], kind="stable")]
    reach = np.maximum.accumulate(spans[:, 1])
    new = np.ones(len(spans), np.bool_)
    new[1:] = spans[1:, 0] > reach[:-1]
    first = np.flatnonzero(new)
    return np.column_stack((spans[first, 0], reach[np.append(first[1:], len(spans)) - 1]))


def without(spans: Int64, holes: Int64) -> Int64:
    """Cut holes out of spans. Both are apart and in order; so is the result."""
    # The edges of both, each with what it changes: inside a span, and in no hole.
    edges = np.concatenate((spans[:, 0], spans[:, 1], holes[:, 0], holes[:, 1]))
    change = np.concatenate(
        (np.ones(len(spans)), -np.ones(len(spans)), -2 * np.ones(len(holes)), 2 * np.ones(len(holes)))
    )
    order = np.argsort(edges, kind="stable")
    edges, inside = edges[order], np.cumsum(change[order]) > 0
    keep = inside[:-1] & (np.diff(edges) > 0)
    return joined(np.column_stack((edges[:-1][keep], edges[1:][keep])))


def clipped(spans: Int64, begin: int, end: int) -> Int64:
    """The parts of spans between two times."""
    cut = np.clip(spans, begin, end)
    return cut[cut[:, 0] < cut[:, 1]]


def within(times: Int64, spans: Int64) -> Bool:
    """Say for each time whether it lies in one of the spans, which are apart and in order."""
    if not len(spans):
        return np.zeros(len(times), np.bool_)
    at = np.searchsorted(spans[:, 0], times, side="right") - 1
    inside: Bool = (at >= 0) & (times < spans[np.maximum(at, 0), 1])
    return inside


def _days_on(when: Quarters, open_share: Float64, rng: np.random.Generator) -> Int64:
    """From some minutes before the shop opens to some minutes after it closes; through the siesta."""
    is_open = np.concatenate(([False], open_share > 0, [False]))
    starts = when.start[np.flatnonzero(is_open[1:-1] & ~is_open[:-2])]
    ends = when.start[np.flatnonzero(is_open[1:-1] & ~is_open[2:])] + 15 * MINUTE
    night = starts[1:] - ends[:-1] > _SIESTA
    starts, ends = starts[np.append(True, night)], ends[np.append(night, True)]
    early = rng.uniform(2 * MINUTE, 25 * MINUTE, len(starts))
    late = rng.uniform(5 * MINUTE, 30 * MINUTE, len(ends))
    return joined(np.column_stack((starts - early, ends + late)).astype(np.int64))


def _drawn(rate: float, begin: int, end: int, rng: np.random.Generator, lasting: Callable[[int], Float64]) -> Int64:
    """Draw spans at a rate per year. lasting: draws how long n of them are, ns."""
    count = int(rng.poisson(rate * max(end - begin, 0) / _YEAR))
    starts = rng.integers(begin, max(end, begin + 1), count)
    return np.column_stack((starts, starts + lasting(count).astype(np.int64)))
