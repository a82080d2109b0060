"""Plausible footfall for tests: weeks of people coming to a store and leaving it, the same for the same seed."""

from __future__ import annotations

import random
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from metrica.dashboard.store.records import Event
from metrica.messages import Direction

NS = 1_000_000_000
OPENS, CLOSES = 9, 21
# Visitors of a day by weekday (Monday first), and how they spread over the opening hours.
BY_WEEKDAY = (150, 160, 165, 180, 240, 330, 270)
BY_HOUR = (3, 5, 8, 10, 9, 6, 6, 8, 12, 15, 11, 7)


def at(zone: str, *fields: int) -> int:
    """A local time (year, month, day, hour, minute, second) as ns UTC."""
    year, month, day, *rest = fields
    hour, minute, second = (*rest, 0, 0, 0)[:3]
    return round(datetime(year, month, day, hour, minute, second, tzinfo=ZoneInfo(zone)).timestamp()) * NS


def event(n: int, time: int, direction: str = "in", camera: str = "door") -> Event:
    """One crossing."""
    way: Direction = "in" if direction == "in" else "out"
    return Event(id=f"{camera}/main/epoch/{n}", camera=camera, line="main", direction=way, track=n, time=time)


def footfall(zone: str, last_day: date, days: int, *, until: int | None = None, seed: int = 1) -> list[Event]:
    """Crossings of `days` days up to `last_day`, those after `until` (ns UTC) left out; 1 in 60 OUTs is missed."""
    rng = random.Random(seed)
    crossings: list[tuple[int, str]] = []
    for back in range(days):
        day = last_day - timedelta(days=back)
        opening = at(zone, day.year, day.month, day.day, OPENS)
        visitors = round(BY_WEEKDAY[day.weekday()] * rng.uniform(0.85, 1.15))
        for hour in rng.choices(range(CLOSES - OPENS), BY_HOUR, k=visitors):
            came = opening + round((hour + rng.random()) * 3600 * NS)
            stayed = round(rng.lognormvariate(2.3, 0.7) * 60 * NS)
            crossings.append((came, "in"))
            if rng.random() > 1 / 60:
                crossings.append((came + stayed, "out"))
    crossings.sort()
    return [event(n, time, way) for n, (time, way) in enumerate(crossings) if until is None or time <= until]
