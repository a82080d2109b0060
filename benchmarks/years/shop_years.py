"""The years of one shop: its visits, what was counted of them, and when its cameras looked. No database, no network."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np

from benchmarks.years.clock import CUTOFF, QUARTER, Quarters, quarters
from benchmarks.years.counting import Crossings, after_outage, count_crossings
from benchmarks.years.country import Days, days_of
from benchmarks.years.demand import arrivals, expected
from benchmarks.years.likeness import Hours
from benchmarks.years.opening import closed_days, open_share
from benchmarks.years.outages import offline, watched
from benchmarks.years.shop import Shop
from benchmarks.years.visits import Visits, draw_visits
from metrica.dashboard.kpis.events import HOUR, IN, SECOND
from metrica.dashboard.store.records import Event, Span
from metrica.nodes.geometry.arrays import Float64, Int64

_DAY = 24 * HOUR


@dataclass(frozen=True, slots=True, eq=False)
class ShopYears:
    """All that happened at a shop in some business days, up to a moment."""

    shop: Shop
    """The shop."""
    when: Quarters
    """Its quarters of an hour."""
    days: Days
    """Its days."""
    open_share: Float64
    """Which share of each quarter it was open, [quarters]."""
    visits: Visits
    """The truth."""
    crossings: Crossings
    """What its cameras counted."""
    watched: dict[str, Int64]
    """From when to when each camera looked, ns UTC, [spans, 2]."""
    offline: Int64
    """From when to when the network was away, ns UTC, [outages, 2]."""
    until: int
    """Nothing is later, ns UTC."""

    def events(self) -> list[Event]:
        """The crossings as the records that the database takes, in order of time."""
        return [Event.model_validate(fields) for fields in self.bodies(np.arange(len(self.crossings)))]

    def spans(self) -> list[Span]:
        """The times at which cameras looked as the records that the database takes."""
        return [
            Span(camera=camera, start=int(start), end=int(end))
            for camera, found in self.watched.items()
            for start, end in found
        ]

    def bodies(self, which: Int64) -> list[dict[str, str | int]]:
        """Some crossings as `POST /v1/events` takes them. which: their numbers, [n]."""
        made = self.crossings
        heads = [f"{camera}/main/{int(self.when.start[0]):x}" for camera, _ in self.shop.cameras]
        names = [camera for camera, _ in self.shop.cameras]
        return [
            {
                "id": f"{heads[camera]}/{number}",
                "camera": names[camera],
                "line": "main",
                "direction": "in" if sign == IN else "out",
                "track": number,
                "time": time,
            }
            for time, sign, camera, number in zip(
                made.times[which].tolist(),
                made.signs[which].tolist(),
                made.cameras[which].tolist(),
                made.numbers[which].tolist(),
                strict=True,
            )
        ]

    def by_hour(self) -> Hours:
        """The true visitors per hour of the local clock, for each calendar day; the hours after `until` are 0."""
        return by_hour(self.when, np.bincount(self._quarter_of(self.visits.came), minlength=len(self.when)))

    def _quarter_of(self, times: Int64) -> Int64:
        quarter: Int64 = (times - self.when.start[0]) // QUARTER
        return quarter

    def coverage_messages(self) -> Iterator[tuple[int, dict[str, str | int]]]:
        """Each day's coverage as `POST /v1/watched` takes it, with when the box sends it (ns UTC)."""
        for camera, spans in self.watched.items():
            for start, end in spans.tolist():
                cuts = [start, *range((start // _DAY + 1) * _DAY, end, _DAY), end]
                for since, until in pairwise(cuts):
                    sent = int(after_outage(np.array([until]), self.offline)[0])
                    yield sent, {"camera": camera, "start": since, "end": until}


def make_years(shop: Shop, until: int, days: int) -> ShopYears:
    """Draw the last `days` business days of a shop, of which the last one is cut off at `until` (ns UTC).

    The same shop, moment and number of days give the same years. A later moment of the same business day gives the
    same ones, and what has come since.
    """
    counts, visit, watch, net, count = (np.random.default_rng(each) for each in _streams(shop))
    when, of_days, share, arrived = _arrivals(shop, until, days, counts)
    visits = draw_visits(shop, when, share, arrived, visit)
    looked = watched(shop, when, share, until, watch)
    away = offline(when, net)
    crossings = count_crossings(shop, when, visits, looked, away, count)
    came = visits.came <= until
    visits = Visits(visits.came[came], visits.left[came])
    return ShopYears(shop, when, of_days, share, visits, crossings, looked, away, until)


def visitors_by_hour(shop: Shop, until: int, days: int) -> Hours:
    """Return the visitors per hour of the days of `make_years`, without drawing each visit: for a million a day."""
    when, _, _, arrived = _arrivals(shop, until, days, np.random.default_rng(_streams(shop)[0]))
    return by_hour(when, arrived)


def by_hour(when: Quarters, counts: Int64) -> Hours:
    """Sum counts per quarter, [quarters], to hours of the local clock, for each calendar day from the first one on."""
    grid = np.zeros((when.days + 1, 24))
    hour = when.hour.astype(np.int64)
    np.add.at(grid, (when.day + hour // 24, hour % 24), counts.astype(np.float64))
    return Hours(grid[: when.days], when.first)


def _streams(shop: Shop) -> list[np.random.SeedSequence]:
    """Random numbers for each subject by itself: more of one does not change the others."""
    return np.random.SeedSequence(shop.seed).spawn(5)


def _arrivals(shop: Shop, until: int, days: int, rng: np.random.Generator) -> tuple[Quarters, Days, Float64, Int64]:
    now = datetime.fromtimestamp(until // SECOND, UTC).astimezone(ZoneInfo(shop.country.timezone))
    last = (now - timedelta(hours=CUTOFF)).date()
    when = quarters(shop.country.timezone, last, days)
    of_days = days_of(shop.country.code, when.first, days)
    share = open_share(shop, when, of_days, closed_days(shop, of_days, rng))
    return when, of_days, share, arrivals(expected(shop, when, of_days, share, rng), rng)
