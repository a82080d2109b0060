"""When a store is open: siestas, nights, single days, Ramadan, and the days on which the clocks change."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrica.dashboard.kpis.hours import WEEKDAYS, OpeningHours, OpenSpan
from metrica.dashboard.kpis.ramadan import is_ramadan

TUNIS = "Africa/Tunis"
SIESTA = {"weekdays": {key: ["09:00-13:00", "16:00-20:00"] for key in WEEKDAYS[:6]}}


def is_open(hours: OpeningHours, text: str, timezone: str = TUNIS) -> bool:
    return hours.is_open(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(timezone)), timezone)


def test_a_siesta_is_two_spans_and_a_day_without_one_is_closed() -> None:
    hours = OpeningHours.of(SIESTA)
    times = ("08:59", "09:00", "12:59", "13:00", "15:59", "16:00", "20:00")
    assert [is_open(hours, f"2026-11-28T{t}") for t in times] == [False, True, True, False, False, True, False]
    assert not is_open(hours, "2026-11-29T10:00"), "Sunday"


def test_a_span_may_pass_midnight() -> None:
    hours = OpeningHours.of({"weekdays": {"friday": ["20:00-02:00"], "sunday": ["22:00-01:00"]}})
    assert [is_open(hours, f"2026-11-2{t}") for t in ("7T23:59", "8T01:59", "8T02:00", "8T23:00")] == [
        True,
        True,
        False,
        False,
    ]
    assert is_open(hours, "2026-11-30T00:30"), "from Sunday into Monday, where the week begins again"


def test_a_single_day_stands_against_the_week() -> None:
    hours = OpeningHours.of(SIESTA | {"exceptions": {"2026-11-28": [], "2026-11-29": ["10:00-12:00"]}})
    assert not is_open(hours, "2026-11-28T10:00")
    assert is_open(hours, "2026-11-29T10:00")


def test_ramadan_has_hours_of_its_own_and_a_single_day_stands_against_them() -> None:
    ramadan = {"ramadan": {key: ["10:00-16:00", "21:00-01:00"] for key in WEEKDAYS}}
    hours = OpeningHours.of(SIESTA | ramadan | {"exceptions": {"2026-02-25": []}})
    assert [is_open(hours, f"2026-02-2{t}") for t in ("3T17:00", "3T22:00", "4T00:30", "5T11:00", "6T00:30")] == [
        False,
        True,
        True,
        False,
        False,
    ]
    assert is_open(hours, "2026-02-17T17:00"), "the day before it"


def test_ramadan_is_when_it_was_announced() -> None:
    announced = [(date(2026, 2, 19), date(2026, 3, 20))]
    assert is_ramadan(date(2026, 2, 18))
    assert not is_ramadan(date(2026, 2, 18), announced)
    assert is_ramadan(date(2026, 3, 20), announced)
    assert is_ramadan(date(2027, 2, 10), announced), "another year, for which nothing was announced"
    assert not is_ramadan(date(2300, 1, 1))


@given(st.dates(date(1930, 1, 1), date(2076, 1, 1)))
def test_ramadan_has_29_or_30_days_each_year(day: date) -> None:
    month = [day + timedelta(days=n) for n in range(400) if is_ramadan(day + timedelta(days=n))]
    assert 29 <= len(month) <= 75, "one, or parts of two"


def test_nine_is_nine_on_the_day_on_which_the_clocks_change() -> None:
    hours = OpeningHours.of({"weekdays": {key: ["09:00-18:00"] for key in WEEKDAYS}})
    ((start, end),) = hours.between(date(2026, 3, 29), date(2026, 3, 29), "Europe/Paris")
    assert (start.isoformat(), end.isoformat()) == ("2026-03-29T09:00:00+02:00", "2026-03-29T18:00:00+02:00")
    assert is_open(hours, "2026-03-29T09:00", "Europe/Paris")
    assert not is_open(hours, "2026-03-29T08:59", "Europe/Paris")


def test_a_whole_day_is_from_0_to_24() -> None:
    hours = OpeningHours.of({"weekdays": {key: ["00:00-24:00"] for key in WEEKDAYS}})
    assert all(is_open(hours, f"2026-11-28T{t:02}:00") for t in range(24))


@pytest.mark.parametrize(
    ("document", "sentence"),
    [
        ({"weekdays": {"monday": ["9-18"]}}, "'9-18' is no time of opening: write it like 09:00-18:30"),
        ({"weekdays": {"monday": ["10:00-24:30"]}}, "'10:00-24:30' ends after 24:00"),
        ({"weekdays": {"monday": ["10:00-10:00"]}}, "'10:00-10:00' is open for no time"),
        ({"weekdays": {"monday": "10:00-11:00"}}, "'10:00-11:00' is no list of times of opening"),
        ({"weekdays": {"lundi": []}}, "'lundi' is no weekday"),
        ({"weekdays": ["10:00-11:00"]}, "the hours of a week are given by weekday"),
        ({"weekdays": {"monday": ["09:00-12:00", "11:00-14:00"]}}, "09:00-12:00 and 11:00-14:00 of Monday overlap"),
        ({"weekdays": {"monday": ["20:00-03:00"], "tuesday": ["02:00-04:00"]}}, "Monday's 20:00-03:00 goes on after"),
        ({"weekdays": {"monday": [f"{n:02}:00-{n:02}:30" for n in range(7)]}}, "Monday has 7 times of opening"),
        ({"exceptions": {"25.12.2026": []}}, "'25.12.2026' is no date"),
        ({"exceptions": []}, ""),
        ({"exceptions": [1]}, "single days are given by date"),
        ({"exceptions": {"2026-12-25": ["09:00-10:00", "09:30-11:00"]}}, "of 2026-12-25 overlap"),
        ({"ramadan": {"friday": ["x"]}}, "'x' is no time of opening"),
        ({"ramadan_dates": [["2026-02-18", "2026-02-19"]]}, "Ramadan cannot be from 2026-02-18 to 2026-02-19"),
        ({"ramadan_dates": 5}, "5 is not first and last day of Ramadan"),
        ({"ramadan_dates": [["2026-02-18"]]}, "is not first and last day of Ramadan"),
        ({"holidays": []}, "opening hours have no 'holidays'"),
    ],
)
def test_hours_that_cannot_be_are_said_in_one_sentence(document: dict[str, Any], sentence: str) -> None:
    if not sentence:
        OpeningHours.of(document)
        return
    with pytest.raises(ValueError) as error:
        OpeningHours.of(document)
    assert sentence in str(error.value)
    assert "\n" not in str(error.value)


spans = st.integers(0, 1439).flatmap(lambda a: st.integers(a + 1, 1440).map(lambda b: OpenSpan(a, b)))
days = st.lists(spans, max_size=1).map(tuple)
weeks = st.tuples(*[days] * 7)
dates = st.dates(date(2020, 1, 1), date(2030, 1, 1))


@given(weeks, st.dictionaries(dates, days, max_size=3), st.none() | weeks)
def test_hours_that_are_kept_are_the_same_when_they_are_read(week: Any, exceptions: Any, ramadan: Any) -> None:
    hours = OpeningHours(week, exceptions, ramadan)
    assert OpeningHours.of(hours.as_document()) == hours


@given(weeks, st.dictionaries(dates, days, max_size=3), st.datetimes(datetime(2020, 1, 2), datetime(2029, 1, 1)))
def test_a_store_is_open_when_a_span_says_so(week: Any, exceptions: Any, moment: datetime) -> None:
    hours = OpeningHours(week, exceptions)
    minute = 60 * moment.hour + moment.minute
    expected = any(span.start <= minute < span.end for span in hours.on(moment.date()))
    assert hours.is_open(moment.replace(tzinfo=ZoneInfo("UTC")), "UTC") == expected
