"""Dash callbacks that keep the page up to date: the numbers at each tick, the charts when they may have changed."""

from __future__ import annotations

import logging
from typing import Any

from dash import ClientsideFunction, Dash, Input, Output, State, html, no_update

from metrica.dashboard.database.errors import DatabaseError
from metrica.dashboard.kpis.events import MINUTE, SECOND
from metrica.dashboard.kpis.store import Store
from metrica.dashboard.people.details_table import DetailsTable
from metrica.dashboard.people.rights import FIGURES
from metrica.dashboard.reports.answers import Answers
from metrica.dashboard.reports.store_reports import ChartData, Headline
from metrica.dashboard.reports.views import WEEKS, calendar_of
from metrica.dashboard.store.database import Database
from metrica.dashboard.texts.texts import Texts
from metrica.dashboard.texts.wording import (
    age,
    clock,
    comparison,
    date_long,
    duration,
    dwell_note,
    freshness,
    hour_span,
    margin,
    number,
    peak_note,
    weekday,
)
from metrica.dashboard.web.asking import asker_of, store_of, stores_of
from metrica.dashboard.web.figures.charts import daily_chart, heat_chart, hourly_chart, shown_hours
from metrica.dashboard.web.figures.tables import daily_table, heat_table, hourly_table
from metrica.dashboard.web.language import request_texts

log = logging.getLogger(__name__)

NUMBERS = {
    "store_name": Output("store-name", "children"),
    "now": Output("now", "children"),
    "age": Output("kpi-age", "children"),
    "dot": Output("freshness-dot", "className"),
    "inside": Output("kpi-inside", "children"),
    "margin": Output("kpi-inside-margin", "children"),
    "inside_note": Output("kpi-inside-note", "children"),
    "store_to_empty": Output("store-of-empty", "value"),
    "store_to_undo": Output("store-of-empty-undo", "value"),
    "empty_mark": Output("emptied-note", "children"),
    "empty_mark_n": Output("emptied-n", "value"),
    "empty_mark_hidden": Output("emptied", "hidden"),
    "entered": Output("kpi-in-today", "children"),
    "entered_note": Output("kpi-in-note", "children"),
    "entered_class": Output("kpi-in-note", "className"),
    "left": Output("kpi-out-today", "children"),
    "left_note": Output("kpi-out-note", "children"),
    "left_class": Output("kpi-out-note", "className"),
    "rate": Output("kpi-rate", "children"),
    "dwell": Output("kpi-dwell", "children"),
    "dwell_note": Output("kpi-dwell-note", "children"),
    "peak": Output("kpi-peak", "children"),
    "peak_note": Output("kpi-peak-note", "children"),
    "notice": Output("notice", "children"),
    "figures_hidden": Output("figures", "hidden"),
    "charts_hidden": Output("charts", "hidden"),
    "beat": Output("beat", "data"),
}
"""The elements of the page that change at every tick."""

CHARTS = {
    "hourly": Output("chart-hourly", "figure"),
    "legend": Output("hourly-legend", "children"),
    "hourly_table": Output("table-hourly", "children"),
    "daily": Output("chart-daily", "figure"),
    "daily_table": Output("table-daily", "children"),
    "daily_note": Output("daily-note", "children"),
    "heat": Output("chart-heat", "figure"),
    "heat_table": Output("table-heat", "children"),
    "heat_note": Output("heat-note", "children"),
    "revision": Output("revision", "data"),
}
"""The elements of the page that change when an event arrives, and every minute."""


def register(app: Dash, database: Database, answers: Answers) -> None:
    """Register the callbacks that fill the elements of `metrica.dashboard.web.page` with the figures."""

    @app.callback(output=NUMBERS, inputs={"tick": Input("tick", "n_intervals"), "name": Input("store", "value")})
    def numbers(tick: int | None, name: str | None) -> dict[str, Any]:  # pyright: ignore[reportUnusedFunction]
        now, t = database.clock(), request_texts()
        try:
            store = store_of(database, name, FIGURES)
            if store is None:
                return _unchanged(NUMBERS) | {"notice": _no_store(database, t), "figures_hidden": True, "beat": now}
            headline = answers.ask(store, "numbers", now, lambda reports: reports.headline(store, now)).value
            called = DetailsTable(database).names([store.id]).get(store.id, store.id)
            return _numbers(store, headline, t) | {"store_name": called, "beat": now}
        except DatabaseError as error:
            log.error("%s", error)
            return _unchanged(NUMBERS) | {"notice": _notice(t("trouble_title"), str(error)), "beat": now}

    @app.callback(
        output=CHARTS,
        inputs={"tick": Input("tick", "n_intervals"), "name": Input("store", "value")},
        state={"shown": State("revision", "data")},
    )
    def charts(tick: int | None, name: str | None, shown: str | None) -> dict[str, Any]:  # pyright: ignore[reportUnusedFunction]
        now, t = database.clock(), request_texts()
        try:
            store = store_of(database, name, FIGURES)
            if store is None:
                return _unchanged(CHARTS)
            if answers.ask(store, "revision", now, lambda reports: reports.revision(store, now)).value == shown:
                return _unchanged(CHARTS)
            charts = answers.ask(store, "charts", now, lambda reports: reports.charts(store, now))
            return _charts(store, charts.value, charts.moment, t)
        except DatabaseError:  # the callback of the numbers shows the error
            return _unchanged(CHARTS)

    untyped: Any = app
    untyped.clientside_callback(
        ClientsideFunction(namespace="metrica", function_name="beat"),
        Output("offline", "hidden"),
        Input("beat", "data"),
    )


def _numbers(store: Store, headline: Headline, t: Texts) -> dict[str, Any]:
    """Return what the elements in `NUMBERS` show that come from the figures, by the same keys."""
    note, trend = comparison(headline.traffic.entered, headline.last_week, headline.day, t)
    calendar, mark = calendar_of(store), headline.empty_mark
    moment = calendar.local(headline.now)
    since = t("since_hour", hour=store.cutoff_hour)
    if headline.estimate.missing >= MINUTE:
        since = t("partial", missing=duration(headline.estimate.missing / SECOND, t))
        note, trend = since, "partial"
    empty = headline.last_event is None
    return {
        "now": t("date_clock", date=date_long(moment.date(), t), clock=clock(moment, t)),
        "age": age(headline.last_event, headline.now, t),
        "dot": f"dot {freshness(headline.last_event, headline.now)}",
        "inside": number(headline.estimate.occupancy.people, t),
        "margin": margin(headline.estimate.occupancy, t),
        "inside_note": t("inside_no_camera") if headline.estimate.in_gap else t("inside_note"),
        "store_to_empty": store.id,
        "store_to_undo": store.id,
        "empty_mark": t("emptied_at", time=clock(calendar.local(mark.time), t)) if mark else "",
        "empty_mark_n": mark.n if mark else None,
        "empty_mark_hidden": mark is None,
        "entered": number(headline.traffic.entered, t),
        "entered_note": note or since,
        "entered_class": f"note {trend}",
        "left": number(headline.traffic.left, t),
        "left_note": since,
        "left_class": f"note {trend}" if trend == "partial" else "note",
        "rate": number(round(headline.inflow_rate), t),
        "dwell": duration(headline.estimate.dwell.seconds, t) if headline.estimate.dwell else t("none"),
        "dwell_note": dwell_note(headline.estimate.dwell, t),
        "peak": hour_span(headline.peak.hour, t) if headline.peak else t("none"),
        "peak_note": peak_note(headline.peak, headline.usual_peak, t),
        "notice": _notice(t("waiting_title"), t("waiting_text")) if empty else None,
        "figures_hidden": False,
        "charts_hidden": empty,
    }


def _charts(store: Store, data: ChartData, now: int, t: Texts) -> dict[str, Any]:
    """Return what the elements in `CHARTS` show, by the same keys. now: the moment of the figures, ns UTC."""
    rows, heat, days = data.hours, data.heat, data.days
    hours = shown_hours(rows, heat)
    past = [day.visitors for day in days[:-1] if day.visitors is not None and not day.missing]
    notes = [t("daily_note", n=len(days))]
    if past:
        notes.append(t("daily_mean", n=number(round(sum(past) / len(past)), t)))
    last = t("last_weekday", weekday=weekday(calendar_of(store).day_of(now), t))
    came = any(row.today for row in rows)
    legend = [html.Span(t("today") if came else t("hourly_empty"), className="key key-today")]
    if any(row.last_week is not None for row in rows):
        legend.append(html.Span(last, className="key key-reference"))
    if any(row.missing > 0 for row in rows):
        legend.append(html.Span(t("no_data"), className="key key-nodata"))
    return {
        "hourly": hourly_chart(rows, hours, calendar_of(store).local(now).hour, t),
        "hourly_table": hourly_table(rows, hours, last, t),
        "legend": legend,
        "daily": daily_chart(days, t),
        "daily_table": daily_table(days, t),
        "daily_note": " · ".join(notes),
        "heat": heat_chart(heat, hours, t),
        "heat_table": heat_table(heat, hours, t),
        "heat_note": t("heat_note", n=WEEKS),
        "revision": data.revision,
    }


def _no_store(database: Database, t: Texts) -> Any:
    """Say why there are no figures: the user's role is not for figures, the store is not theirs, or there is none."""
    asker = asker_of(database)
    if FIGURES not in asker.rights:
        return _notice(t("no_figures_title"), t("no_figures_text"))
    if asker.stores is not None or stores_of(database):
        return _notice(t("not_your_store_title"), t("not_your_store_text"))
    return _notice(t("no_store_title"), t("no_store_text"))


def _notice(title: str, text: str) -> Any:
    return html.Section(className="card notice", children=[html.H2(title), html.P(text)])


def _unchanged(outputs: dict[str, Output]) -> dict[str, Any]:
    return dict.fromkeys(outputs, no_update)
