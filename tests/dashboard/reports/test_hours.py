"""The figures of an export are those of the pages."""

from __future__ import annotations

from metrica.dashboard.kpis.events import HOUR, MINUTE
from metrica.dashboard.reports.reports import Reports
from metrica.dashboard.store.database import Database
from metrica.dashboard.store.records import Span
from metrica.dashboard.upkeep import export
from tests.dashboard.client import NOON, STORE
from tests.dashboard.database.places import Place
from tests.dashboard.footfall import event

DAY = 24 * HOUR


def test_a_day_without_visitors_whose_nights_nobody_saw_is_zero_in_exports_too(place: Place) -> None:
    """The box is off at night, when nobody comes; on Sundays the shop is shut. Yesterday it was off for an hour too."""
    with Database(place, clock=lambda: NOON) as database:
        database.stores.put(STORE)
        days = range(35, 0, -1)
        crossings = [
            event(back * 100 + n, NOON - back * DAY + n * 20 * MINUTE) for back in days if back % 7 for n in range(10)
        ]
        database.events.add(STORE.id, crossings).result()
        looked = [Span(camera="door", start=NOON - b * DAY - 3 * HOUR, end=NOON - b * DAY + 6 * HOUR) for b in days]
        looked[-1] = Span(camera="door", start=NOON - DAY - 3 * HOUR, end=NOON - DAY + 2 * HOUR)
        database.coverage.add(STORE.id, looked).result()
        shown = {
            row.day.isoformat(): (row.visitors, round(row.missing, 3))
            for row in Reports(database).daily(STORE, NOON, 28)
        }
        exported = {
            str(row["business_day"]): (row["entered"], row["missing_hours"])
            for row in export.days(database, STORE, 0, 1 << 62)
        }
        assert {day: exported[day] for day in shown} == shown
        assert shown["2026-11-15"] == (0, 0.0)
        assert shown["2026-11-21"][1] > 0
