"""The charts hold exactly the figures, show the hours that matter, and give nothing to fiddle with."""

from __future__ import annotations

from datetime import date, timedelta

from metrica.dashboard.kpis import footfall as kpis
from metrica.dashboard.kpis.business_day import Calendar
from metrica.dashboard.kpis.events import IN, Events
from metrica.dashboard.kpis.gaps import Gap
from metrica.dashboard.texts.texts import texts
from metrica.dashboard.web.figures.charts import Chart, daily_chart, heat_chart, hourly_chart, shown_hours
from metrica.dashboard.web.figures.tables import daily_table, heat_table, hourly_table
from tests.dashboard.footfall import at, footfall

T = texts()
ZONE, TODAY = "Africa/Tunis", date(2026, 11, 22)
CALENDAR = Calendar(ZONE, 4)
NOW = at(ZONE, 2026, 11, 22, 17, 30)
SEEN = Events.from_pairs((e.time, 1 if e.direction == "in" else -1) for e in footfall(ZONE, TODAY, 60, until=NOW))
FIRST = int(SEEN.times[0])
NOTHING = Events.from_pairs([])

ROWS = kpis.hourly(SEEN, CALENDAR, NOW, FIRST)
HEAT = kpis.heat_map(SEEN, CALENDAR, NOW, FIRST)
DAYS = kpis.daily(SEEN, CALENDAR, NOW, FIRST)


def test_the_hourly_chart_has_every_visitor_of_both_days() -> None:
    hours = shown_hours(ROWS, HEAT)
    reference, today = hourly_chart(ROWS, hours, 17, T)["data"]
    assert hours == list(range(9, 21))
    assert sum(n or 0 for n in today["y"]) == sum(row.today or 0 for row in ROWS) > 0
    assert sum(n or 0 for n in reference["y"]) == sum(row.last_week or 0 for row in ROWS) > 0
    assert today["marker"]["opacity"] == [1] * 8 + [0.6] + [1] * 3, "the hour that is not over is paler"


def test_the_daily_chart_ends_with_today_and_names_the_mondays() -> None:
    chart = daily_chart(DAYS, T)
    past, today = chart["data"]
    assert past["y"] + today["y"] == [row.visitors for row in DAYS]
    assert chart["layout"]["xaxis"]["ticktext"] == ["26 Oct", "2 Nov", "9 Nov", "16 Nov"]
    assert today["customdata"] == ["Sun 22 Nov"]


def test_the_heat_map_begins_with_monday_on_top() -> None:
    hours = shown_hours(ROWS, HEAT)
    chart = heat_chart(HEAT, hours, T)
    (map_,) = chart["data"]
    assert map_["y"][0] == "Mon"
    assert chart["layout"]["yaxis"]["autorange"] == "reversed"
    assert map_["z"][6][hours.index(18)] == HEAT.cells[6][HEAT.hours.index(18)]
    assert map_["customdata"][6][hours.index(18)] == "Sunday 18:00 – 19:00"


def test_without_data_the_charts_say_so() -> None:
    rows, heat = kpis.hourly(NOTHING, CALENDAR, NOW, None), kpis.heat_map(NOTHING, CALENDAR, NOW, None)
    hours = shown_hours(rows, heat)
    assert hours == list(range(9, 21))
    assert note(hourly_chart(rows, hours, 17, T)) == "No visitors yet today"
    assert note(heat_chart(heat, hours, T)) == "Fills up after the first whole day"
    assert daily_chart(kpis.daily(NOTHING, CALENDAR, NOW, None), T)["layout"]["yaxis"]["range"] == [0, 5]


def note(chart: Chart) -> str:
    (annotation,) = chart["layout"]["annotations"]
    text: str = annotation["text"]
    return text


def test_a_shop_that_trades_past_midnight_has_its_hours_in_one_piece() -> None:
    seen = Events.from_pairs([(at(ZONE, 2026, 11, 22, 22), IN), (at(ZONE, 2026, 11, 23, 1), IN)])
    now = at(ZONE, 2026, 11, 23, 1, 30)
    rows = kpis.hourly(seen, CALENDAR, now, int(seen.times[0]))
    assert shown_hours(rows, kpis.heat_map(seen, CALENDAR, now, None)) == [20, 21, 22, 23, 0, 1, 2, 3]


def test_at_least_eight_hours_are_shown_wherever_they_lie() -> None:
    for hour in range(24):
        now = at(ZONE, 2026, 11, 22, 12) if hour < 12 else at(ZONE, 2026, 11, 23, 3, 30)
        time = CALENDAR.start(TODAY) + ((hour - 4) % 24) * 3_600_000_000_000
        rows = kpis.hourly(Events.from_pairs([(time, IN)]), CALENDAR, max(now, time), None)
        shown = shown_hours(rows, kpis.heat_map(NOTHING, CALENDAR, now, None))
        assert hour in shown
        assert 8 <= len(shown) <= 9


def test_few_visitors_have_whole_numbers_beside_them() -> None:
    rows = [kpis.DayRow(TODAY - timedelta(days=n), 2) for n in range(7, -1, -1)]
    assert daily_chart(rows, T)["layout"]["yaxis"]["dtick"] == 1


def test_no_chart_can_be_dragged_or_zoomed() -> None:
    hours = shown_hours(ROWS, HEAT)
    for chart in (hourly_chart(ROWS, hours, 17, T), daily_chart(DAYS, T), heat_chart(HEAT, hours, T)):
        layout = chart["layout"]
        assert layout["dragmode"] is False
        assert all(axis["fixedrange"] for name, axis in layout.items() if "axis" in name)
        assert layout["paper_bgcolor"] == layout["plot_bgcolor"] == "rgba(0,0,0,0)"


def test_hours_and_days_without_data_are_hatched_and_never_a_zero() -> None:
    gap = Gap(at(ZONE, 2026, 11, 22, 12), at(ZONE, 2026, 11, 22, 14, 30))
    seen = Events.from_pairs(
        (time, sign)
        for time, sign in zip(SEEN.times.tolist(), SEEN.signs.tolist(), strict=True)
        if not gap.start <= time < gap.end
    )
    rows = kpis.hourly(seen, CALENDAR, NOW, FIRST, [gap])
    hours = shown_hours(rows, HEAT)
    _, today, none = hourly_chart(rows, hours, 17, T)["data"]
    assert [today["y"][hours.index(hour)] for hour in (12, 13)] == [None, None]
    assert today["y"][hours.index(14)] > 0
    assert none["x"] == ["12", "13", "14"]
    assert none["customdata"][0] == "12:00 – 13:00"
    assert none["marker"]["pattern"]["shape"] == "/"
    *_, none = daily_chart(kpis.daily(seen, CALENDAR, NOW, FIRST, gaps=[gap]), T)["data"]
    assert none["customdata"] == ["Sun 22 Nov"], "the sum of today is partial"


def cells(table: object) -> list[list[str]]:
    """The texts of an HTML table, row by row, the head first."""
    head, body = table.children  # type: ignore[attr-defined]
    return [[cell.children for cell in row.children] for row in (head.children, *body.children)]


def test_each_chart_is_also_a_table_with_the_same_figures() -> None:
    hours = shown_hours(ROWS, HEAT)
    head, *rows = cells(hourly_table(ROWS, hours, "Last Sunday", T))
    assert head == ["Hour", "Today", "Last Sunday"]
    today = next(row.today for row in ROWS if row.hour == 12)
    assert ["12:00 – 13:00", f"{today}"] == rows[hours.index(12)][:2]
    assert rows[-1][1] == "–", "an hour that has not begun has no figure"
    head, *rows = cells(daily_table(DAYS, T))
    assert (head, rows[0][0], len(rows)) == (["Day", "Visitors"], "Sun 22 Nov", len(DAYS))
    assert rows[0][1] == f"{DAYS[-1].visitors}"
    head, *rows = cells(heat_table(HEAT, hours, T))
    mean = HEAT.cells[6][HEAT.hours.index(18)]
    assert head[-1] == "Sun" and mean is not None and rows[hours.index(18)][-1] == f"{round(mean)}"


def test_a_table_says_what_was_not_seen() -> None:
    gaps = [Gap(at(ZONE, 2026, 11, 22, 12), at(ZONE, 2026, 11, 22, 14, 30))]
    unseen = Events.from_pairs(
        (time, sign)
        for time, sign in zip(SEEN.times.tolist(), SEEN.signs.tolist(), strict=True)
        if not gaps[0].start <= time < gaps[0].end
    )
    rows = cells(hourly_table(kpis.hourly(unseen, CALENDAR, NOW, FIRST, gaps), [12, 13, 14, 15], "Last Sunday", T))
    assert [row[1] for row in rows[1:3]] == ["No data", "No data"]
    assert rows[3][1].endswith("(partial)") and "partial" not in rows[4][1]
