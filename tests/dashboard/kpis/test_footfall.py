"""Each KPI against figures worked out by hand, and against a slow and obvious computation of the same."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from metrica.dashboard.kpis import footfall as kpis
from metrica.dashboard.kpis.business_day import Calendar
from metrica.dashboard.kpis.events import HOUR, IN, MINUTE, OUT, Events
from metrica.dashboard.kpis.gaps import Gap
from tests.dashboard.footfall import NS, at

ZONE = "Africa/Tunis"
TUNIS = Calendar(ZONE, 4)
TODAY = date(2026, 11, 22)  # a Sunday


def clock(hour: int, minute: int = 0, *, back: int = 0) -> int:
    """A time of today, or of `back` days ago."""
    day = TODAY - timedelta(days=back)
    return at(ZONE, day.year, day.month, day.day, hour, minute)


def events(*pairs: tuple[int, int]) -> Events:
    return Events.from_pairs(pairs)


def comes(hour: int, minute: int = 0, *, back: int = 0) -> tuple[int, int]:
    return clock(hour, minute, back=back), IN


def goes(hour: int, minute: int = 0, *, back: int = 0) -> tuple[int, int]:
    return clock(hour, minute, back=back), OUT


# --- today, and the pace


def test_without_events_there_are_no_figures() -> None:
    none = events()
    assert kpis.traffic_today(none, TUNIS, clock(12)) == kpis.Traffic(0, 0)
    assert kpis.inflow_rate(none, clock(12)) == 0
    assert kpis.peak_hour(none, TUNIS, clock(12)) is None
    assert kpis.visitors_by_now_last_week(none, TUNIS, clock(12), None) is None
    assert {(row.today, row.last_week) for row in kpis.hourly(none, TUNIS, clock(12), None)} == {(None, None)}
    assert {row.visitors for row in kpis.daily(none, TUNIS, clock(12), None)} == {None}
    assert {cell for row in kpis.heat_map(none, TUNIS, clock(12), None).cells for cell in row} == {None}


def test_traffic_counts_from_the_cutoff_hour_up_to_now() -> None:
    seen = events(comes(3, 59), comes(4), goes(5), comes(12), comes(12, 1))
    assert kpis.traffic_today(seen, TUNIS, clock(12)) == kpis.Traffic(entered=2, left=1)
    assert kpis.traffic_today(seen, TUNIS, clock(3, 59)) == kpis.Traffic(entered=1, left=0)


def test_last_week_is_compared_up_to_the_same_time() -> None:
    seen = events(comes(3, back=7), comes(10, back=7), comes(12, back=7), comes(12, 1, back=7), goes(11, back=7))
    assert kpis.visitors_by_now_last_week(seen, TUNIS, clock(12), clock(3, back=7)) == 2
    assert kpis.visitors_by_now_last_week(seen, TUNIS, clock(12), clock(13, back=7)) is None


def test_the_inflow_rate_is_that_of_the_last_quarter_of_an_hour() -> None:
    seen = events(comes(11, 45), comes(11, 46), goes(11, 50), comes(12), comes(12, 1))
    assert kpis.inflow_rate(seen, clock(12)) == 8
    assert kpis.inflow_rate(seen, clock(12), 60 * MINUTE) == 3


# --- hours


def test_hours_of_today_stand_beside_those_of_the_same_weekday_last_week() -> None:
    seen = events(
        comes(9, 10), comes(9, 50), goes(9, 55), comes(11), comes(9, 30, back=7), comes(1, back=6), comes(9, back=1)
    )
    rows = {row.hour: row for row in kpis.hourly(seen, TUNIS, clock(11), clock(8, 30, back=7))}
    assert list(rows) == [*range(4, 24), 0, 1, 2, 3]
    assert (rows[9].today, rows[9].last_week) == (2, 1)
    assert (rows[11].today, rows[11].last_week) == (1, 0)
    assert rows[10].today == 0, "nobody came"
    assert rows[12].today is None, "the hour has not begun"
    assert rows[7].last_week is None, "before the first event ever there is no data"
    assert rows[1].last_week == 1, "one at night still belongs to the business day"


def test_an_hour_of_today_that_ended_before_the_history_begins_is_no_data() -> None:
    seen = events(comes(8, 10), comes(11, 20), comes(12))
    for first, known in ((clock(11, 20), (8, 11, 12)), (clock(11), (8, 11, 12)), (clock(10, 59), (8, 10, 11, 12))):
        rows = kpis.hourly(seen, TUNIS, clock(12, 30), first)
        assert tuple(row.hour for row in rows if row.today is not None) == known, "a count stands wherever it lies"
    assert kpis.peak_hour(seen, TUNIS, clock(12, 30)) == kpis.Peak(8, 1)


def test_last_week_is_compared_only_if_all_of_that_day_is_known() -> None:
    seen = events(comes(11, back=7), comes(12))
    assert kpis.visitors_by_now_last_week(seen, TUNIS, clock(14), clock(11, back=7)) is None
    assert kpis.visitors_by_now_last_week(seen, TUNIS, clock(14), clock(4, back=7)) == 1


def test_the_hour_that_came_twice_is_one_row_and_no_visitor_is_lost() -> None:
    paris = Calendar("Europe/Paris", 0)
    first = at("Europe/Paris", 2026, 10, 25, 2, 30)
    seen = events((first, IN), (first + HOUR, IN))
    rows = kpis.hourly(seen, paris, at("Europe/Paris", 2026, 10, 25, 20), first)
    assert len(rows) == 24
    assert {row.hour: row.today for row in rows}[2] == 2


def test_the_hour_that_was_skipped_has_no_data() -> None:
    now = at("Europe/Paris", 2026, 3, 29, 20)
    rows = kpis.hourly(events((now - HOUR, IN)), Calendar("Europe/Paris", 0), now, now - 24 * HOUR)
    assert [row.hour for row in rows if row.today is None] == [2, 21, 22, 23]


def test_the_peak_hour_is_the_busiest_and_of_equals_the_first() -> None:
    seen = events(comes(9), comes(10), comes(10, 30), comes(15), comes(15, 30), comes(16))
    assert kpis.peak_hour(seen, TUNIS, clock(20)) == kpis.Peak(10, 2)


zones = st.sampled_from(("Africa/Tunis", "Africa/Cairo", "Europe/Paris", "Australia/Lord_Howe"))
moments = st.integers(at("UTC", 2026, 3, 1) // NS, at("UTC", 2026, 11, 20) // NS).map(lambda second: second * NS)


@given(zones, st.integers(0, 23), moments, st.lists(st.integers(0, 9 * 24 * 3600), max_size=80))
def test_hours_days_and_today_agree_with_each_other(zone: str, cutoff: int, now: int, ago: list[int]) -> None:
    calendar = Calendar(zone, cutoff)
    seen = events(*((now - seconds * NS, IN) for seconds in ago))
    first = min((now - seconds * NS for seconds in ago), default=None)
    hours = kpis.hourly(seen, calendar, now, first)
    days = kpis.daily(seen, calendar, now, first, 14)
    today = kpis.traffic_today(seen, calendar, now).entered
    assert sum(row.today or 0 for row in hours) == today == (days[-1].visitors or 0)
    assert sum(row.visitors or 0 for row in days) == len(ago)
    assert sum(row.last_week or 0 for row in hours) == (days[-8].visitors or 0)
    peak = kpis.peak_hour(seen, calendar, now)
    assert (peak.visitors if peak else 0) == max(row.today or 0 for row in hours)


crossings = st.lists(st.tuples(st.integers(0, 9 * 24 * 3600), st.sampled_from((IN, OUT))), max_size=60)


@given(zones, st.integers(0, 23), moments, crossings)
def test_the_arrays_count_what_a_plain_loop_counts(
    zone: str, cutoff: int, now: int, ago: list[tuple[int, int]]
) -> None:
    calendar = Calendar(zone, cutoff)
    pairs = [(now - seconds * NS, sign) for seconds, sign in ago]
    first = min((time for time, _ in pairs), default=None)
    seen = events(*pairs[::2]).merged(events(*pairs[1::2]))
    assert list(zip(seen.times.tolist(), seen.signs.tolist(), strict=True)) == sorted(
        pairs, key=lambda p: (p[0], -p[1])
    )
    came = [time for time, sign in pairs if sign == IN]
    for row in kpis.daily(seen, calendar, now, first, 12):
        start, end = calendar.bounds(row.day)
        assert (row.visitors or 0) == sum(start <= time < end for time in came)
    hours = calendar.hours(calendar.day_of(now))
    for row in kpis.hourly(seen, calendar, now, first):
        of_hour = [hour for hour in hours if hour.hour == row.hour]
        assert (row.today or 0) == sum(hour.start <= time < hour.end for hour in of_hour for time in came)


# --- days and weeks


def test_daily_visitors_end_with_today_and_begin_with_the_first_data() -> None:
    seen = events(comes(10, back=3), comes(10, back=1), comes(3, back=0), comes(12), goes(13))
    rows = kpis.daily(seen, TUNIS, clock(14), clock(10, back=3), days=5)
    assert [row.visitors for row in rows] == [None, 1, 0, 2, 1]
    assert [row.day for row in rows] == [TODAY - timedelta(days=n) for n in (4, 3, 2, 1, 0)]


def test_the_heat_map_is_the_mean_of_complete_days_only() -> None:
    seen = events(
        *(comes(10, m, back=7) for m in range(4)),
        *(comes(10, m, back=14) for m in range(2)),
        comes(10),
        goes(10, back=7),
    )
    heat = kpis.heat_map(seen, TUNIS, clock(12), clock(9, 30, back=14), weeks=8)
    cells = {hour: heat.cells[6][n] for n, hour in enumerate(heat.hours)}
    assert cells[10] == 3, "two Sundays of four and two visitors; today is not over"
    assert cells[9] == 0
    assert cells[8] == 0, "the Sunday before had no data at eight, the last one had"
    assert heat.cells[0][heat.hours.index(10)] == 0
    assert kpis.usual_peak(heat, 6) == kpis.Peak(10, 3)
    assert kpis.usual_peak(heat, 0) is None


def test_the_heat_map_looks_back_only_so_many_weeks() -> None:
    seen = events(comes(10, back=7), comes(10, back=14), comes(10, 30, back=14))
    one = kpis.heat_map(seen, TUNIS, clock(12), clock(10, back=14), weeks=1)
    two = kpis.heat_map(seen, TUNIS, clock(12), clock(10, back=14), weeks=2)
    at_ten = one.hours.index(10)
    assert (one.cells[6][at_ten], two.cells[6][at_ten]) == (1, 1.5)


# --- hours in which nobody looked


def test_an_hour_that_no_camera_saw_is_no_data_and_one_half_seen_is_partial() -> None:
    seen = events(comes(9, 10), comes(11, 40), comes(13, 5), comes(9, back=7), comes(11, back=7))
    gaps = [Gap(clock(10), clock(11, 30))]
    rows = {row.hour: row for row in kpis.hourly(seen, TUNIS, clock(13, 10), clock(4, back=14), gaps)}
    assert (rows[9].today, rows[9].missing) == (1, 0)
    assert (rows[10].today, rows[10].missing) == (None, 1)
    assert (rows[11].today, rows[11].missing) == (1, 0.5)
    assert (rows[12].today, rows[12].missing) == (0, 0), "somebody looked, nobody came"


def test_a_day_says_how_many_hours_are_missing_and_is_no_data_where_nobody_was_counted() -> None:
    seen = events(comes(10, back=3), comes(10, back=1), comes(12))
    gaps = [Gap(clock(9, back=2), clock(18, back=2)), Gap(clock(11, back=1), clock(13, back=1))]
    rows = kpis.daily(seen, TUNIS, clock(14), clock(10, back=3), 4, gaps)
    assert [(row.visitors, row.missing) for row in rows] == [(1, 0), (None, 9), (1, 2), (1, 0)]


def test_what_was_not_seen_is_not_compared_and_not_in_the_mean() -> None:
    seen = events(*(comes(10, m, back=7) for m in range(4)), comes(10, back=14), comes(10))
    first, gaps = clock(4, back=14), [Gap(clock(10, 30, back=14), clock(11, back=14))]
    heat = kpis.heat_map(seen, TUNIS, clock(12), first, 8, gaps)
    assert heat.cells[6][heat.hours.index(10)] == 4
    assert kpis.visitors_by_now_last_week(seen, TUNIS, clock(12), first, gaps) == 4
    then = [Gap(clock(8, back=7), clock(9, back=7))]
    assert kpis.visitors_by_now_last_week(seen, TUNIS, clock(12), first, then) is None
