"""The charts of the page, as plain Plotly figures.

Their colours are in assets/metrica.css, so that they follow the light or dark setting of the device.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from metrica.dashboard.kpis.footfall import DayRow, HeatMap, HourRow
from metrica.dashboard.texts.texts import Texts
from metrica.dashboard.texts.wording import date_short, date_tick, hour_span

Chart = dict[str, Any]
"""A Plotly figure as plain data: `data` and `layout`."""

_CLEAR = "rgba(0,0,0,0)"
_HIDDEN = {"visible": False}

CONFIG: Any = {
    "displayModeBar": False,
    "responsive": True,
    "showTips": False,
    "scrollZoom": False,
    "doubleClick": False,
}
"""The configuration of every dcc.Graph: no tools, no zoom."""

BLANK: Any = {
    "data": [],
    "layout": {"xaxis": _HIDDEN, "yaxis": _HIDDEN, "paper_bgcolor": _CLEAR, "plot_bgcolor": _CLEAR},
}
"""A chart before its first data: empty, without the axes from 0 to 6 that Plotly would draw."""

_MAX_LABELS = 13  # as many hours fit under a chart on a phone


def shown_hours(rows: Sequence[HourRow], heat: HeatMap) -> list[int]:
    """Return the clock hours to show, in the order of the business day: from the first to the last with visitors.

    At least eight hours; 9:00 to 21:00 before the first visitor.
    """
    busy = {row.hour for row in rows if row.today or row.last_week}
    busy |= {hour for cells in heat.cells for hour, cell in zip(heat.hours, cells, strict=True) if cell}
    places = [place for place, hour in enumerate(heat.hours) if hour in (busy or set(range(9, 21)))]
    first, last = places[0], places[-1]
    while last - first < 7:
        first, last = max(0, first - 1), min(23, last + 1)
    return list(heat.hours[first : last + 1])


def hourly_chart(rows: Sequence[HourRow], hours: Sequence[int], now: int, t: Texts) -> Chart:
    """Make the chart of visitors per hour: today's bars in front of those of last week, which are wider and pale.

    hours: the clock hours to show. now: the present clock hour; its bar is paler, because the hour is not over.
    """
    by_hour = {row.hour: row for row in rows}
    shown = [by_hour[hour] for hour in hours]
    names = [t("hour_tick", hour=hour) for hour in hours]
    today = [row.today for row in shown]
    last_week = [row.last_week for row in shown]
    hover = t("hourly_hover") + "<extra></extra>"
    chart = _blank_chart([*today, *last_week], t)
    chart["data"] = [
        {"type": "bar", "name": "reference", "x": names, "y": last_week, "width": 0.84, "hovertemplate": hover},
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
    chart["data"] += _no_data(unseen, _top([*today, *last_week]), 0.84, t)
    step = -(-len(hours) // _MAX_LABELS)
    chart["layout"]["barmode"] = "overlay"
    # Today's bars have an axis of their own: so they are drawn in front and keep their rounded corners.
    chart["layout"]["yaxis2"] = {"overlaying": "y", "matches": "y", "visible": False, "fixedrange": True}
    chart["layout"]["xaxis"] |= {"type": "category", "tickvals": names[::step]}
    if not any(today) and not any(last_week):
        chart["layout"]["annotations"] = [_note(t("hourly_empty"))]
    return chart


def daily_chart(rows: Sequence[DayRow], t: Texts) -> Chart:
    """Make the chart of visitors per day. The last bar, in a strong colour, is today so far."""
    chart = _blank_chart([row.visitors for row in rows], t)
    places = list(range(len(rows)))
    bars: dict[str, Any] = {"type": "bar", "width": 0.72, "hovertemplate": t("daily_hover") + "<extra></extra>"}
    names = [date_short(row.day, t) for row in rows]
    visitors = [row.visitors for row in rows]
    chart["data"] = [
        bars | {"name": "past", "x": places[:-1], "y": visitors[:-1], "customdata": names[:-1]},
        bars | {"name": "today", "x": places[-1:], "y": visitors[-1:], "customdata": names[-1:]},
    ]
    unseen = [(n, names[n]) for n, row in enumerate(rows) if row.missing > 0.1]
    chart["data"] += _no_data(unseen, _top(visitors), 0.72, t)
    chart["layout"]["barmode"] = "overlay"
    mondays = [n for n, row in enumerate(rows) if row.day.weekday() == 0]
    chart["layout"]["xaxis"] |= {"tickvals": mondays, "ticktext": [date_tick(rows[n].day, t) for n in mondays]}
    ends = [-0.6, len(rows) - 0.4]
    chart["layout"]["xaxis"] |= {"range": ends[::-1] if t.direction == "rtl" else ends, "autorange": False}
    return chart


def heat_chart(heat: HeatMap, hours: Sequence[int], t: Texts) -> Chart:
    """Make the heat map: mean visitors by weekday (Monday on top) and clock hour."""
    places = [heat.hours.index(hour) for hour in hours]
    cells = [[row[place] for place in places] for row in heat.cells]
    names = [t("hour_tick", hour=hour) for hour in hours]
    hover = [[f"{t.item('weekdays', day)} {hour_span(hour, t)}" for hour in hours] for day in range(7)]
    chart = _blank_chart([], t)
    top = max((cell for row in cells for cell in row if cell is not None), default=0)
    chart["data"] = [
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
            # From transparent to the accent colour: the card, light or dark, is seen through it.
            "colorscale": [[0, "rgba(20,150,136,0.07)"], [0.5, "rgba(20,150,136,0.45)"], [1, "rgba(20,150,136,1)"]],
        }
    ]
    step = -(-len(hours) // _MAX_LABELS)
    chart["layout"]["xaxis"] |= {"type": "category", "tickvals": names[::step]}
    chart["layout"]["yaxis"] |= {"autorange": "reversed", "showgrid": False, "nticks": 0, "tickformat": ""}
    if not top:
        chart["layout"]["annotations"] = [_note(t("heat_empty"))]
    return chart


def _no_data(places: Sequence[tuple[object, str]], top: int, width: float, t: Texts) -> list[dict[str, Any]]:
    """Make hatched bars of the height `top` where not every camera looked. places: (x, name for the hover text)."""
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
    """Return the height of the axis: the largest value, at least 5."""
    return max(5, *(value for value in values if value is not None), 0)


def _blank_chart(values: Sequence[int | None], t: Texts) -> Chart:
    """Make a chart without data. In a language from right to left, the axes are mirrored."""
    rtl = t.direction == "rtl"
    top = max((value for value in values if value is not None), default=0)
    yaxis: dict[str, Any] = {"fixedrange": True, "rangemode": "tozero", "nticks": 5, "zeroline": False, "ticks": ""}
    yaxis |= {"tickformat": ",d", "automargin": True, "side": "right" if rtl else "left"}
    if top < 5:  # otherwise Plotly puts ticks at half a visitor
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
    """Make a sentence in the middle of an empty chart."""
    return {"text": text, "xref": "paper", "yref": "paper", "x": 0.5, "y": 0.5, "showarrow": False}
