"""The layout of the page, the most important first; `metrica.dashboard.web.callbacks` fills in the figures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import dash_mantine_components as dmc
from dash import dcc, html

from metrica.dashboard.texts.texts import LANGUAGES, Texts
from metrica.dashboard.web.figures.charts import BLANK, CONFIG

_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'Helvetica Neue', Arial, sans-serif"


def layout(
    stores: Sequence[tuple[str, str]], csrf: str, refresh: float, t: Texts, root: str = "", *, may_mark: bool = True
) -> Any:
    """Make the page for these stores, each given as its id and what people call it.

    csrf: the session's token, for the forms. refresh: seconds between two updates. t: the texts of the page.
    root: what comes before every address, such as /footfall. may_mark: whether the user may mark a store as empty.
    """
    offline: dict[str, Any] = {"data-text": t("offline"), "data-root": root}
    language: dict[str, Any] = {"aria-label": t("language")}
    page = dmc.MantineProvider(
        defaultColorScheme="auto",
        theme={"fontFamily": _FONT, "primaryColor": "teal", "defaultRadius": "md"},
        children=html.Div(
            className="page",
            children=[
                _header(stores, csrf, t, root),
                html.Div(
                    t("offline"),
                    id="offline",
                    className="banner banner-warning",
                    role="status",
                    hidden=True,
                    **offline,
                ),
                html.Div(id="notice"),
                html.Main(
                    id="figures",
                    children=[
                        _now(csrf, t, root, may_mark=may_mark),
                        html.Div(
                            className="tiles",
                            children=[
                                _tile("rate", t("rate"), t, unit=t("rate_unit"), note=t("rate_note")),
                                _tile("dwell", t("dwell"), t),
                                _tile("peak", t("peak"), t),
                            ],
                        ),
                        html.Div(
                            id="charts",
                            children=[
                                _chart("hourly", t("hourly"), html.Div(id="hourly-legend", className="legend"), t),
                                html.Div(
                                    className="pair",
                                    children=[
                                        _chart("daily", t("daily"), html.Div(id="daily-note", className="note"), t),
                                        _chart("heat", t("heat"), html.Div(id="heat-note", className="note"), t),
                                    ],
                                ),
                            ],
                        ),
                    ],
                ),
                html.Nav(
                    className="languages",
                    children=[
                        html.A(
                            name,
                            href=f"{root}/language?code={code}",
                            lang=code,
                            className="chosen" * (code == t.language),
                        )
                        for code, name in LANGUAGES.items()
                    ],
                    **language,
                ),
                html.Div(
                    className="account",
                    children=html.A(t("password_change"), id="new-password", href=f"{root}/password", className="link"),
                ),
                dcc.Interval(id="tick", interval=round(refresh * 1000)),
                dcc.Store(id="revision"),
                dcc.Store(id="beat"),
            ],
        ),
    )
    return dmc.DirectionProvider(page, direction=t.direction)


def _header(stores: Sequence[tuple[str, str]], csrf: str, t: Texts, root: str) -> Any:
    aria: dict[str, Any] = {"aria-label": t("store")}
    return html.Header(
        className="top",
        children=[
            html.Div(
                className="top-name",
                children=[
                    html.H1(id="store-name", className="store-name"),
                    dmc.Select(
                        id="store",
                        data=[{"value": store, "label": name} for store, name in stores],
                        value=stores[0][0] if stores else None,
                        allowDeselect=False,
                        size="xs",
                        className="store-select",
                        display="block" if len(stores) > 1 else "none",
                        **aria,
                    ),
                    html.Div(id="now", className="note"),
                ],
            ),
            html.Div(
                className="top-side",
                children=[
                    html.Div(
                        className="freshness",
                        children=[html.Span(id="freshness-dot", className="dot"), html.Span(id="kpi-age")],
                    ),
                    html.Form(
                        action=f"{root}/logout",
                        method="POST",
                        children=[
                            dcc.Input(type="hidden", name="csrf", value=csrf),
                            html.Button(t("log_out"), id="log-out", type="submit", className="link"),
                        ],
                    ),
                ],
            ),
        ],
    )


def _empty_button(csrf: str, t: Texts, root: str) -> list[Any]:
    """Make the button "the shop is empty now" and, hidden until it was pressed, its undo."""
    return [
        _form(root, "/empty", csrf, html.Button(t("empty_now"), id="empty-now", type="submit", className="button")),
        html.Div(
            id="emptied",
            className="emptied",
            hidden=True,
            children=[
                html.Span(id="emptied-note", className="note"),
                _form(
                    root,
                    "/empty/undo",
                    csrf,
                    dcc.Input(type="hidden", name="n", id="emptied-n"),
                    html.Button(t("undo"), id="empty-undo", type="submit", className="link"),
                ),
            ],
        ),
    ]


def _form(root: str, action: str, csrf: str, *children: Any) -> Any:
    """Make a form that assets/metrica.js sends without leaving the page."""
    quiet: dict[str, Any] = {"data-quiet": "yes"}
    hidden = dcc.Input(type="hidden", name="csrf", value=csrf)
    store = dcc.Input(type="hidden", name="store", id=f"store-of{action.replace('/', '-')}")
    return html.Form(
        action=f"{root}{action}", method="POST", children=[hidden, store, *children], className="quiet", **quiet
    )


def _now(csrf: str, t: Texts, root: str, *, may_mark: bool) -> Any:
    return html.Section(
        className="card now",
        children=[
            html.Div(
                className="now-inside",
                children=[
                    html.H2(t("inside"), className="label"),
                    html.Div(
                        className="hero",
                        children=[
                            html.Span(t("none"), id="kpi-inside"),
                            html.Span(id="kpi-inside-margin", className="margin"),
                        ],
                    ),
                    html.Div(t("inside_note"), id="kpi-inside-note", className="note"),
                    html.Div(_empty_button(csrf, t, root), hidden=not may_mark),
                ],
            ),
            html.Div(
                className="now-traffic",
                children=[
                    html.Div(
                        className="traffic",
                        children=[
                            html.H2(t("in_today"), className="label"),
                            html.Div(t("none"), id="kpi-in-today", className="figure"),
                            html.Div(id="kpi-in-note", className="note"),
                        ],
                    ),
                    html.Div(
                        className="traffic",
                        children=[
                            html.H2(t("out_today"), className="label"),
                            html.Div(t("none"), id="kpi-out-today", className="figure"),
                            html.Div(id="kpi-out-note", className="note"),
                        ],
                    ),
                ],
            ),
        ],
    )


def _tile(name: str, label: str, t: Texts, *, unit: str = "", note: str = "") -> Any:
    value = [html.Span(t("none"), id=f"kpi-{name}")]
    if unit:
        value.append(html.Span(unit, className="unit"))
    return html.Section(
        className="card tile",
        children=[
            html.H2(label, className="label"),
            html.Div(value, className="figure figure-small"),
            html.Div(note, id=f"kpi-{name}-note", className="note"),
        ],
    )


def _chart(name: str, title: str, side: Any, t: Texts) -> Any:
    described: dict[str, Any] = {"aria-label": t("chart_of", title=title)}
    return html.Section(
        className="card",
        children=[
            html.Div(className="card-head", children=[html.H2(title, className="card-title"), side]),
            html.Div(
                className=f"chart chart-{name}",
                role="img",
                # The frame sets the height, and Plotly fills it, also after a phone was turned.
                children=dcc.Graph(
                    id=f"chart-{name}", figure=BLANK, config=CONFIG, responsive=True, style={"height": "100%"}
                ),
                **described,
            ),
            html.Details([html.Summary(t("as_table")), html.Div(id=f"table-{name}")], className="as-table"),
        ],
    )
