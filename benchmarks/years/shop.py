"""A made-up shop: what kind it is, where, how busy, and how its cameras and its box are. The same for the same seed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchmarks.years.country import COUNTRIES, Country
from metrica.dashboard.kpis.store import Store

Interval = tuple[float, float]
"""From when to when, hours of the business day: 25.5 is half past one at night."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of shop."""

    name: str
    """What it is."""
    hours: tuple[Interval, ...]
    """When it is open on most days."""
    friday: tuple[Interval, ...]
    """When it is open on Fridays, around the prayer."""
    rest: tuple[Interval, ...]
    """When it is open on the day of rest; empty: closed."""
    iftar: float
    """Hours before sunset at which it closes in Ramadan."""
    night: Interval | None
    """From hours after sunset to an hour of the night at which it is open in Ramadan; None: it stays closed."""
    holidays: float
    """Probability that it is closed on a public holiday."""
    august: int
    """Days for which it is closed in August."""
    stay: float
    """Median of a visit, minutes."""
    humps: tuple[tuple[float, float, float], ...]
    """The day's shape: hour, width in hours and weight of each rush."""


KINDS = (
    Kind("boutique", ((9, 13), (15, 19.5)), ((9, 12.5), (15, 19.5)), (), 1.0, (1.5, 24.5), 0.8, 14, 9,
         ((11.2, 1.3, 1.0), (17.3, 1.6, 1.3))),
    Kind("mall shop", ((10, 22),), ((10, 22),), ((10, 22),), 1.0, (1.5, 25.5), 0.1, 0, 12,
         ((12.0, 1.6, 0.7), (18.4, 2.1, 1.3))),
    Kind("grocery", ((7.5, 21),), ((7.5, 12.25), (14, 21)), ((8, 14),), 0.5, None, 0.15, 0, 15,
         ((10.3, 1.9, 1.0), (18.2, 1.8, 1.2))),
    Kind("market street", ((8.5, 19),), ((8.5, 12), (14.5, 19)), ((8.5, 13.5),), 1.5, (2.0, 24.0), 0.5, 4, 6,
         ((11.5, 2.2, 1.3), (16.5, 1.8, 1.0))),
)  # fmt: skip
"""The kinds of shops, in turn."""


@dataclass(frozen=True, slots=True)
class Shop:
    """A shop with everything that its years are drawn from."""

    id: str
    """The store's id."""
    seed: int
    """What its random numbers are drawn from."""
    country: Country
    """Where it is."""
    kind: Kind
    """What it is."""
    visitors: float
    """On an average open day."""
    growth: float
    """Per year, of the logarithm: 0.05 is 5 % more each year."""
    cameras: tuple[tuple[str, float], ...]
    """Its doors' cameras, each with its share of the visitors."""
    recall: tuple[float, float]
    """Share of the INs and of the OUTs that its cameras count."""
    off_at_night: bool
    """Whether the box is switched off when the shop closes."""
    power_cuts: float
    """Per year."""

    @property
    def store(self) -> Store:
        """Its settings in the database."""
        return Store(self.id, self.country.timezone)


def make_shop(number: int, *, visitors: float = 300, seed: int = 1, countries: str = "TN,DZ,MA,LY,EG") -> Shop:
    """Draw a shop. number: from 0. visitors: on an average open day; shops differ by half of it.

    countries: codes to take in turn. Raises ValueError for one that is not known.
    """
    rng = np.random.default_rng((seed, number))
    codes = [code.strip().upper() for code in countries.split(",")]
    unknown = sorted({*codes} - {*COUNTRIES})
    if unknown:
        raise ValueError(f"there are no days for the country {unknown[0]!r}: use {', '.join(COUNTRIES)}")
    share = float(rng.uniform(0.6, 0.85))
    recall = float(np.clip(rng.normal(0.965, 0.012), 0.9, 0.995))
    return Shop(
        id=f"shop-{number:05d}",
        seed=seed * 1_000_003 + number,
        country=COUNTRIES[codes[number % len(codes)]],
        kind=KINDS[number % len(KINDS)],
        visitors=visitors * (float(rng.uniform(0.5, 1.5)) if number else 1.0),
        growth=float(rng.normal(0.02, 0.05)),
        cameras=(("door", share), ("back", 1 - share)) if number % 3 == 2 else (("door", 1.0),),
        recall=(recall, float(np.clip(recall + rng.normal(-0.008, 0.01), 0.88, 0.995))),
        off_at_night=number % 3 == 1,
        power_cuts=float(rng.uniform(2, 20)),
    )
