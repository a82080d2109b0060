"""What past days teach, plainly from all their events: what the sums are held against."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from metrica.dashboard.kpis.business_day import Calendar
from metrica.dashboard.kpis.events import IN, OUT, Events
from metrica.dashboard.kpis.gaps import Gap, overlaps_gap
from metrica.dashboard.kpis.history import DAYS, MIN_EVENTS, PastDay, mean_dwell_of_day


def past_days(
    events: Events, calendar: Calendar, now: int, gaps: Sequence[Gap] = (), days: int = DAYS
) -> list[PastDay]:
    """Return the usable ones of the `days` business days before today, the oldest first.

    A day is usable if it has at least `MIN_EVENTS` events and no gap. now: ns UTC.
    """
    today = calendar.day_of(now)
    found: list[PastDay] = []
    for back in range(days, 0, -1):
        start, end = calendar.bounds(today - timedelta(days=back))
        day = events.between(start, end)
        if len(day) >= MIN_EVENTS and not overlaps_gap(gaps, start, end):
            found.append(PastDay(day.count(IN), day.count(OUT), mean_dwell_of_day(day)))
    return found
