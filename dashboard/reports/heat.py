"""The heat map of any period, of which neither memory nor a server feels how long it is."""

from __future__ import annotations

from datetime import date, timedelta

from metrica.dashboard.kpis.footfall import HeatMap, HeatMeans
from metrica.dashboard.kpis.store import Store
from metrica.dashboard.reports.views import WEEKS, View, Views
from metrica.dashboard.store.database import Database
from metrica.dashboard.store.days import Wanted
from metrica.dashboard.store.teaching import read_quarters

_BLOCK = 28  # business days that are read at a time


def heat_between(database: Database, store: Store, since: int | None, until: int) -> HeatMap:
    """Return mean visitors by weekday and clock hour over the complete business days that begin in a time, ns UTC.

    since: None for the last `WEEKS` before `until`, which is what the page shows if `until` is now or later.
    """
    view = Views(database).at(store, database.clock())
    calendar, means = view.calendar, HeatMeans(view.calendar, view.since)
    if view.since is None:
        return means.heat_map()
    last = min(calendar.day_of(min(until, view.now) - 1), view.day - timedelta(days=1))
    known = calendar.day_of(view.since)
    if since is None:
        first = last - timedelta(days=7 * WEEKS - 1)
    else:
        first = calendar.day_of(min(since, view.now))
        first += timedelta(days=calendar.start(first) < since)
    day = max(first, known)
    while day <= last:
        end = min(day + timedelta(days=_BLOCK - 1), last)
        _add(database, view, means, day, end)
        day = end + timedelta(days=1)
    return means.heat_map()


def _add(database: Database, view: View, means: HeatMeans, first: date, last: date) -> None:
    """Add some days."""
    with database.snapshot() as db:
        counts = read_quarters(db, view.store.id, view.calendar.start(first), view.calendar.bounds(last)[1])
    taught = database.days.get(Wanted(view.store, first, last, first), view.known)
    gaps = [gap for day in taught.values() for gap in day.gaps]
    for n in range((last - first).days + 1):
        means.add(first + timedelta(days=n), counts, gaps)
