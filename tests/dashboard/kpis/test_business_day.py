"""Business days begin at the store's cut-off hour and cover all of time exactly once, clock changes included."""

from __future__ import annotations

import itertools
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrica.dashboard.kpis import footfall as kpis
from metrica.dashboard.kpis.business_day import Calendar, clock_hours
from metrica.dashboard.kpis.events import END_OF_TIME, HOUR, IN, OUT, Events
from metrica.dashboard.kpis.occupancy import occupancy_at
from tests.dashboard.footfall import NS, at

# With and without summer time, clock changes at midnight (Cairo, Beirut), by half an hour (Lord Howe), at 1 am
# (Azores), odd offsets (Kathmandu), and Casablanca, which goes back for Ramadan.
ZONES = (
    "Africa/Tunis",
    "Africa/Cairo",
    "Africa/Casablanca",
    "Asia/Beirut",
    "Asia/Kathmandu",
    "Atlantic/Azores",
    "Australia/Lord_Howe",
    "Europe/Paris",
    "UTC",
)

calendars = st.builds(Calendar, st.sampled_from(ZONES), st.integers(0, 23))
moments = st.integers(at("UTC", 2020, 1, 1), at("UTC", 2037, 1, 1))
days = st.dates(date(2020, 1, 2), date(2036, 12, 30))


@pytest.mark.parametrize(
    ("day", "length"),
    [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (date(2026, 6, 1), 24)],
)
def test_a_day_in_paris_has_23_24_or_25_hours(day: date, length: int) -> None:
    calendar = Calendar("Europe/Paris", 0)
    start, end = calendar.bounds(day)
    assert (end - start, len(calendar.hours(day))) == (length * HOUR, length)


def test_the_hour_that_comes_twice_and_the_one_that_is_skipped() -> None:
    calendar = Calendar("Europe/Paris", 0)
    assert [hour.hour for hour in calendar.hours(date(2026, 10, 25))][:5] == [0, 1, 2, 2, 3]
    assert [hour.hour for hour in calendar.hours(date(2026, 3, 29))][:4] == [0, 1, 3, 4]


def test_until_the_cutoff_hour_it_is_still_yesterday() -> None:
    calendar = Calendar("Africa/Tunis", 4)
    assert calendar.day_of(at("Africa/Tunis", 2026, 3, 10, 3, 59, 59)) == date(2026, 3, 9)
    assert calendar.day_of(at("Africa/Tunis", 2026, 3, 10, 4)) == date(2026, 3, 10)
    assert [hour.hour for hour in calendar.hours(date(2026, 3, 10))] == clock_hours(calendar)


def test_a_cutoff_hour_that_the_clocks_skip_is_where_they_land() -> None:
    calendar = Calendar("Africa/Cairo", 0)  # on 2026-04-24 midnight became 01:00
    assert calendar.start(date(2026, 4, 24)) == at("Africa/Cairo", 2026, 4, 24, 1)
    assert calendar.day_of(at("Africa/Cairo", 2026, 4, 24, 1)) == date(2026, 4, 24)
    assert calendar.day_of(at("Africa/Cairo", 2026, 4, 24, 1) - 1) == date(2026, 4, 23)


def test_a_week_before_is_the_same_time_on_the_wall() -> None:
    calendar = Calendar("Europe/Paris", 4)
    now = at("Europe/Paris", 2026, 4, 1, 12, 30) + 123_456_789
    assert calendar.week_before(now) == at("Europe/Paris", 2026, 3, 25, 12, 30) + 123_456_789
    assert now - calendar.week_before(now) == (7 * 24 - 1) * HOUR


@given(calendars, moments)
def test_every_moment_is_in_the_business_day_that_it_is_said_to_be_in(calendar: Calendar, moment: int) -> None:
    start, end = calendar.bounds(calendar.day_of(moment))
    assert start <= moment < end


@given(calendars, days)
def test_days_follow_each_other_without_gap_and_their_hours_are_exactly_the_day(calendar: Calendar, day: date) -> None:
    start, end = calendar.bounds(day)
    assert end == calendar.bounds(day + timedelta(days=1))[0]
    assert 23 * HOUR <= end - start <= 25 * HOUR
    hours = calendar.hours(day)
    assert (hours[0].start, hours[-1].end) == (start, end)
    assert all(before.end == after.start for before, after in itertools.pairwise(hours))
    assert {calendar.local(hour.end - NS).hour for hour in hours} == {hour.hour for hour in hours}
    assert {hour.hour for hour in hours} <= set(clock_hours(calendar))


@pytest.mark.parametrize(
    ("zone", "cutoff", "day", "length"),
    [
        ("Africa/Casablanca", 0, date(2026, 2, 15), 25),  # Ramadan: an hour back …
        ("Africa/Casablanca", 4, date(2026, 2, 14), 25),
        ("Africa/Casablanca", 0, date(2026, 3, 22), 23),  # … and forward again after it
        ("Africa/Casablanca", 4, date(2026, 3, 21), 23),
        ("Africa/Cairo", 0, date(2026, 4, 24), 23),  # at midnight: the day begins at one
        ("Africa/Cairo", 4, date(2026, 4, 23), 23),
        ("Africa/Cairo", 0, date(2026, 10, 29), 25),
        ("Africa/Cairo", 4, date(2026, 10, 29), 25),
    ],
)
def test_a_day_around_a_clock_change_has_all_its_visitors_once(zone: str, cutoff: int, day: date, length: int) -> None:
    calendar = Calendar(zone, cutoff)
    start, end = calendar.bounds(day)
    assert end - start == length * HOUR
    moments = range(start + HOUR // 4, end, HOUR // 2)
    seen = Events.from_pairs([pair for t in moments for pair in ((t, IN), (t + HOUR // 8, OUT))])
    rows = kpis.hourly(seen, calendar, end - 1, start)
    assert sum(row.today or 0 for row in rows) == len(moments) == 2 * length
    counts = sorted(row.today or 0 for row in rows)
    assert (counts[0], counts[-1]) == ((0, 2) if length == 23 else (2, 4)), "the skipped hour, the one that came twice"
    assert kpis.traffic_today(seen, calendar, end - 1) == kpis.Traffic(2 * length, 2 * length)
    week = kpis.daily(seen, calendar, end, start, 2)
    assert [row.visitors for row in week] == [2 * length, 0]
    assert occupancy_at(seen, start, end - 1).people == 0
    late = seen.merged(Events.from_pairs([(end - 1, IN)] * 3))
    assert occupancy_at(late.between(start, end), start, end - 1).people == 3
    assert occupancy_at(late.between(end, END_OF_TIME), end, end).people == 0, "the next day begins empty"
