"""The charts' figures as tables: for screen readers, for whoever cannot see colours, and to copy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dash import html

from metrica.dashboard.kpis.footfall import DayRow, HeatMap, HourRow
from metrica.dashboard.texts.texts import Texts
from metrica.dashboard.texts.wording import date_short, hour_span, number


def hourly_table(rows: Sequence[HourRow], hours: Sequence[int], last_week: str, t: Texts) -> Any:
    """Make the table of visitors per hour. hours: the clock hours to show. last_week: what its column is called."""
    by_hour = {row.hour: row for row in rows}
    cells = [
        (
            hour_span(hour, t),
            _visitors(by_hour[hour].today, by_hour[hour].missing > 0, t),
            _visitors(by_hour[hour].last_week, False, t),
        )
        for hour in hours
    ]
    return _table((t("hour"), t("today"), last_week), cells)


def daily_table(rows: Sequence[DayRow], t: Texts) -> Any:
    """Make the table of visitors per day, the latest first."""
    cells = [(date_short(row.day, t), _visitors(row.visitors, row.missing > 0, t)) for row in reversed(rows)]
    return _table((t("day"), t("visitors")), cells)


def heat_table(heat: HeatMap, hours: Sequence[int], t: Texts) -> Any:
    """Make the table of mean visitors: a row for each clock hour, a column for each weekday."""
    cells: list[tuple[str, ...]] = []
    for hour in hours:
        place = heat.hours.index(hour)
        means = [row[place] for row in heat.cells]
        cells.append((hour_span(hour, t), *(t("none") if mean is None else number(round(mean), t) for mean in means)))
    return _table((t("hour"), *(t.item("weekdays_short", day) for day in range(7))), cells)


def _visitors(count: int | None, partial: bool, t: Texts) -> str:
    if count is None:
        return t("no_data") if partial else t("none")
    return t("partial_count", n=number(count, t)) if partial else number(count, t)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Any:
    return html.Table(
        [
            html.Thead(html.Tr([html.Th(name, scope="col") for name in head])),
            html.Tbody([html.Tr([html.Th(row[0], scope="row"), *(html.Td(cell) for cell in row[1:])]) for row in rows]),
        ]
    )
