"""The charts, as plain Plotly figures. Their colours are in assets/metrica.css, so that they follow light and dark."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from metrica.dashboard.kpis.footfall import DayRow, HeatMap, HourRow
from metrica.dashboard.web.texts import Texts
from metrica.dashboard.web.wording import date_short, date_tick, hour_span

Figure = dict[str, Any]

_CLEAR = "rgba(0,0,0,0)"
_HIDDEN = {"visible": False}

CONFIG: Any = {
    "displayModeBar": False,
    "responsive": True,
    "showTips": False,
    "scrollZoom": False,
    "doubleClick": False,
}
"""What every dcc.Graph is told: no tools, no zoom."""

BLANK: Any = {
    "data": [],
    "layout": {"xaxis": _HIDDEN, "yaxis": _HIDDEN, "paper_bgcolor": _CLEAR, "plot_bgcolor": _CLEAR},
}
"""A chart before its first data: nothing, instead of Plotly's axes from 0 to 6."""

_LABELS = 13  # as many hours fit under a chart on a phone


def shown_hours(rows: Sequence[HourRow], heat: HeatMap) -> list[int]:
    """The hours worth showing, in the order of the business day: from the first to the last that ever had visitors.

    At least eight of them; nine to nine when there is nothing yet.
    """
    busy = {row.hour for row in rows if row.today or row.reference}
    busy |= {hour for cells in heat.cells for hour, cell in zip(heat.hours, cells, strict=True) if cell}
    places = [place for place, hour in enumerate(heat.hours) if hour in (busy or set(range(9, 21)))]
    first, last = places[0], places[-1]
    while last - first < 7:
        first, last = max(0, first - 1), min(23, last + 1)
    return list(heat.hours[first : last + 1])


def hourly_figure(rows: Sequence[HourRow], hours: Sequence[int], now: int, t: Texts) -> Figure:
    """Visitors per hour: today's bars in front of last week's, which are wider and pale.

    now: the clock hour that is not over yet; its bar is paler.
    """
    by_hour = {row.hour: row for row in rows}
    shown = [by_hour[hour] for hour in hours]
    names = [t("hour_tick", hour=hour) for hour in hours]
    today = [row.today for row in shown]
    reference = [row.reference for row in shown]
    hover = t("hourly_hover") + "<extra></extra>"
    figure = _figure([*today, *reference], t)
    figure["data"] = [
        {"type": "bar", "name": "reference", "x": names, "y": reference, "width": 0.84, "hovertemplate": hover},
        {
            "type": "bar",
            "name": "today",
            "x": names,
            "y": today,
            "width": 0.5,
            "yaxis": "y2",
            "hovertemplate": hover,
            "marker": {"opacity": [0.6 if hour == now else 1 for hour in hours]},
        },
    ]
    unseen = [(name, hour_span(row.hour, t)) for name, row in zip(names, shown, strict=True) if row.missing > 0.02]
    figure["data"] += _no_data(unseen, _top([*today, *reference]), 0.84, t)
    step = -(-len(hours) // _LABELS)
    figure["layout"]["barmode"] = "overlay"
    # On an axis of their own, today's bars are drawn in front and keep their rounded corners.
    figure["layout"]["yaxis2"] = {"overlaying": "y", "matches": "y", "visible": False, "fixedrange": True}
    figure["layout"]["xaxis"] |= {"type": "category", "tickvals": names[::step]}
    if not any(today) and not any(reference):
        figure["layout"]["annotations"] = [_note(t("hourly_empty"))]
    return figure


def daily_figure(rows: Sequence[DayRow], t: Texts) -> Figure:
    """Visitors per day; today's bar, which still grows, is the last and strong one."""
    figure = _figure([row.visitors for row in rows], t)
    places = list(range(len(rows)))
    bars: dict[str, Any] = {"type": "bar", "width": 0.72, "hovertemplate": t("daily_hover") + "<extra></extra>"}
    names = [date_short(row.day, t) for row in rows]
    visitors = [row.visitors for row in rows]
    figure["data"] = [
        bars | {"name": "past", "x": places[:-1], "y": visitors[:-1], "customdata": names[:-1]},
        bars | {"name": "today", "x": places[-1:], "y": visitors[-1:], "customdata": names[-1:]},
    ]
    unseen = [(n, names[n]) for n, row in enumerate(rows) if row.missing > 0.1]
    figure["data"] += _no_data(unseen, _top(visitors), 0.72, t)
    figure["layout"]["barmode"] = "overlay"
    mondays = [n for n, row in enumerate(rows) if row.day.weekday() == 0]
    figure["layout"]["xaxis"] |= {"tickvals": mondays, "ticktext": [date_tick(rows[n].day, t) for n in mondays]}
    ends = [-0.6, len(rows) - 0.4]
    figure["layout"]["xaxis"] |= {"range": ends[::-1] if t.direction == "rtl" else ends, "autorange": False}
    return figure


def heat_figure(heat: HeatMap, hours: Sequence[int], t: Texts) -> Figure:
    """Mean visitors by weekday (Monday on top) and hour."""
    places = [heat.hours.index(hour) for hour in hours]
    cells = [[row[place] for place in places] for row in heat.cells]
    names = [t("hour_tick", hour=hour) for hour in hours]
    hover = [[f"{t.item('weekdays', day)} {hour_span(hour, t)}" for hour in hours] for day in range(7)]
    figure = _figure([], t)
    top = max((cell for row in cells for cell in row if cell is not None), default=0)
    figure["data"] = [
        {
            "type": "heatmap",
            "x": names,
            "y": [t.item("weekdays_short", day) for day in range(7)],
            "z": cells,
            "zmin": 0,
            "zmax": top or 1,
            "customdata": hover,
            "hovertemplate": t("heat_hover") + "<extra></extra>",
            "xgap": 2,
            "ygap": 2,
            "showscale": False,
            # From nothing to the accent: what shines through is the card, light or dark.
            "colorscale": [[0, "rgba(20,150,136,0.07)"], [0.5, "rgba(20,150,136,0.45)"], [1, "rgba(20,150,136,1)"]],
        }
    ]
    step = -(-len(hours) // _LABELS)
    figure["layout"]["xaxis"] |= {"type": "category", "tickvals": names[::step]}
    figure["layout"]["yaxis"] |= {"autorange": "reversed", "showgrid": False, "nticks": 0, "tickformat": ""}
    if not top:
        figure["layout"]["annotations"] = [_note(t("heat_empty"))]
    return figure


def _no_data(places: Sequence[tuple[object, str]], top: int, width: float, t: Texts) -> list[dict[str, Any]]:
    """Hatched bars of the full height where not every camera looked; nothing if there is no such place."""
    if not places:
        return []
    return [
        {
            "type": "bar",
            "name": "no data",
            "x": [place for place, _ in places],
            "y": [top] * len(places),
            "width": width,
            "customdata": [name for _, name in places],
            "hovertemplate": t("no_data_hover") + "<extra></extra>",
            "marker": {
                "color": _CLEAR,
                "pattern": {"shape": "/", "size": 6, "solidity": 0.25, "fgcolor": "rgba(125,137,146,0.7)"},
            },
        }
    ]


def _top(values: Sequence[int | None]) -> int:
    """The height of the axis."""
    return max(5, *(value for value in values if value is not None), 0)


def _figure(values: Sequence[int | None], t: Texts) -> Figure:
    """The frame of a chart; from right to left, time goes that way and the axis is on the right."""
    rtl = t.direction == "rtl"
    top = max((value for value in values if value is not None), default=0)
    yaxis: dict[str, Any] = {"fixedrange": True, "rangemode": "tozero", "nticks": 5, "zeroline": False, "ticks": ""}
    yaxis |= {"tickformat": ",d", "automargin": True, "side": "right" if rtl else "left"}
    if top < 5:  # else Plotly would put ticks at half a visitor
        yaxis |= {"dtick": 1, "range": [0, 5]}
    return {
        "data": [],
        "layout": {
            "margin": {"l": 4, "r": 34, "t": 8, "b": 28} if rtl else {"l": 34, "r": 4, "t": 8, "b": 28},
            "paper_bgcolor": _CLEAR,
            "plot_bgcolor": _CLEAR,
            "font": {"family": "inherit", "size": 12},
            "showlegend": False,
            "dragmode": False,
            "hovermode": "closest",
            "bargap": 0,
            "barcornerradius": 4,
            "xaxis": {
                "fixedrange": True,
                "autorange": "reversed" if rtl else True,
                "showgrid": False,
                "zeroline": False,
                "tickangle": 0,
                # Invisible ticks keep the labels clear of the zero beside them.
                "ticks": "outside",
                "ticklen": 5,
                "tickcolor": _CLEAR,
            },
            "yaxis": yaxis,
        },
    }


def _note(text: str) -> dict[str, Any]:
    """A sentence in the middle of an empty chart."""
    return {"text": text, "xref": "paper", "yref": "paper", "x": 0.5, "y": 0.5, "showarrow": False}
