"""Each KPI against figures worked out by hand, and against a slow and obvious computation of the same."""

from __future__ import annotations

import random
from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from metrica.dashboard import kpis
from metrica.dashboard.businessday import Calendar
from metrica.dashboard.events import HOUR, IN, MINUTE, OUT, Events
from tests.dashboard_footfall import NS, at

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


# --- inside


def test_inside_is_in_minus_out() -> None:
    seen = events(comes(9), comes(9, 5), goes(9, 10), comes(9, 20))
    assert [kpis.inside(seen, TUNIS, clock(9, m)) for m in (0, 5, 10, 19, 20)] == [1, 2, 1, 1, 2]


def test_inside_is_never_below_zero_and_owes_nothing_afterwards() -> None:
    seen = events(goes(9), goes(9, 1), comes(9, 2))
    assert [kpis.inside(seen, TUNIS, clock(9, m)) for m in (0, 1, 2)] == [0, 0, 1]


def test_the_store_is_empty_at_the_cutoff_hour() -> None:
    seen = events(comes(23, back=1), comes(2), comes(3, 59))
    assert kpis.inside(seen, TUNIS, clock(3, 59)) == 3
    assert kpis.inside(seen, TUNIS, clock(4)) == 0


def test_in_and_out_at_the_same_moment_do_not_depend_on_their_order() -> None:
    assert kpis.inside(events(goes(9), comes(9)), TUNIS, clock(9)) == 0


def test_without_events_nobody_is_there() -> None:
    none = events()
    assert kpis.inside(none, TUNIS, clock(12)) == 0
    assert kpis.flow(none, TUNIS, clock(12)) == kpis.Flow(0, 0)
    assert kpis.inflow_rate(none, clock(12)) == 0
    assert kpis.peak_hour(none, TUNIS, clock(12)) is None
    assert kpis.visitors_by_now_last_week(none, TUNIS, clock(12), None) is None
    assert {row.reference for row in kpis.hourly(none, TUNIS, clock(12), None)} == {None}
    assert {row.visitors for row in kpis.daily(none, TUNIS, clock(12), None)} == {None}
    assert {cell for row in kpis.heat_map(none, TUNIS, clock(12), None).cells for cell in row} == {None}


def slow_inside(seen: list[tuple[int, int]], now: int) -> int:
    start = TUNIS.start(TUNIS.day_of(now))
    people = 0
    for time, sign in sorted(seen, key=lambda pair: (pair[0], -pair[1])):
        if start <= time <= now:
            people = max(0, people + sign)
    return people


around_today = st.integers(clock(2) // NS, clock(23) // NS).map(lambda second: second * NS)
crossings = st.lists(st.tuples(around_today, st.sampled_from((IN, OUT))), max_size=60)


@given(crossings, around_today, st.randoms())
def test_inside_equals_counting_person_by_person_in_any_order_of_arrival(
    seen: list[tuple[int, int]], now: int, rng: random.Random
) -> None:
    shuffled = list(seen)
    rng.shuffle(shuffled)
    half = len(seen) // 2
    merged = events(*shuffled[:half]).merged(events(*shuffled[half:]))
    assert kpis.inside(merged, TUNIS, now) == kpis.inside(events(*seen), TUNIS, now) == slow_inside(seen, now)


# --- today, and the pace


def test_flow_counts_from_the_cutoff_hour_up_to_now() -> None:
    seen = events(comes(3, 59), comes(4), goes(5), comes(12), comes(12, 1))
    assert kpis.flow(seen, TUNIS, clock(12)) == kpis.Flow(entered=2, left=1)
    assert kpis.flow(seen, TUNIS, clock(3, 59)) == kpis.Flow(entered=1, left=0)


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
    assert (rows[9].today, rows[9].reference) == (2, 1)
    assert (rows[11].today, rows[11].reference) == (1, 0)
    assert rows[10].today == 0, "nobody came"
    assert rows[12].today is None, "the hour has not begun"
    assert rows[7].reference is None, "before the first event ever there is no data"
    assert rows[1].reference == 1, "one at night still belongs to the business day"


def test_the_hour_that_came_twice_is_one_row_and_no_visitor_is_lost() -> None:
    paris = Calendar("Europe/Paris", 0)
    first = at("Europe/Paris", 2026, 10, 25, 2, 30)
    seen = events((first, IN), (first + HOUR, IN))
    rows = kpis.hourly(seen, paris, at("Europe/Paris", 2026, 10, 25, 20), first)
    assert len(rows) == 24
    assert {row.hour: row.today for row in rows}[2] == 2


def test_the_hour_that_was_skipped_has_no_data() -> None:
    now = at("Europe/Paris", 2026, 3, 29, 20)
    rows = kpis.hourly(events((now - HOUR, IN)), Calendar("Europe/Paris", 0), now, now - HOUR)
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
    today = kpis.flow(seen, calendar, now).entered
    assert sum(row.today or 0 for row in hours) == today == (days[-1].visitors or 0)
    assert sum(row.visitors or 0 for row in days) == len(ago)
    assert sum(row.reference or 0 for row in hours) == (days[-8].visitors or 0)
    peak = kpis.peak_hour(seen, calendar, now)
    assert (peak.visitors if peak else 0) == max(row.today or 0 for row in hours)


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
