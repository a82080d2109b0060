"""When a store without opening hours is open: at the hours at which people usually come."""

from __future__ import annotations

from metrica.dashboard.alerts.hours import UsualHours, hour_of, once, opened_since
from metrica.dashboard.kpis.business_day import Calendar, clock_hours
from metrica.dashboard.kpis.hours import OpeningHours
from tests.dashboard.footfall import at

TUNIS = Calendar("Africa/Tunis", 4)
HOUR = 3600 * 10**9


def usual(*open_hours: int, data: bool = True) -> UsualHours:
    hours = clock_hours(TUNIS)
    row = [(40.0 if hour in open_hours else 0.0) if data else None for hour in hours]
    return UsualHours(TUNIS, hours, [row] * 7)


def test_it_is_open_from_the_first_hour_in_a_row_in_which_people_come() -> None:
    found = usual(9, 10, 11, 12, 16, 17)
    assert found.open_since(at("Africa/Tunis", 2026, 11, 22, 8, 59)) is None
    assert found.open_since(at("Africa/Tunis", 2026, 11, 22, 11, 30)) == at("Africa/Tunis", 2026, 11, 22, 9)
    assert found.open_since(at("Africa/Tunis", 2026, 11, 22, 13)) is None
    assert found.open_since(at("Africa/Tunis", 2026, 11, 22, 16, 1)) == at("Africa/Tunis", 2026, 11, 22, 16)


def test_it_may_be_open_past_midnight_and_past_the_cut_off_hour() -> None:
    found = usual(20, 21, 22, 23, 0, 1, 2, 3, 4)
    assert found.open_since(at("Africa/Tunis", 2026, 11, 23, 4, 30)) == at("Africa/Tunis", 2026, 11, 22, 20)


def test_without_past_figures_it_is_always_open() -> None:
    assert usual(data=False).open_since(at("Africa/Tunis", 2026, 11, 22, 3)) == 0


def test_one_that_is_open_day_and_night_is_open_for_a_day_and_more() -> None:
    now = at("Africa/Tunis", 2026, 11, 22, 12)
    since = usual(*range(24)).open_since(now)
    assert since is not None
    assert now - since >= 24 * HOUR


def test_its_own_opening_hours_count_with_siesta_and_midnight() -> None:
    zone = "Africa/Tunis"
    hours = OpeningHours.of(
        {"weekdays": {"sunday": ["09:00-13:00", "16:00-24:00"], "monday": ["00:00-02:00", "09:00-18:00"]}}
    )

    def since(*when: int) -> int | None:
        return opened_since(hours, zone, at(zone, *when))

    assert since(2026, 11, 22, 8, 59) is None
    assert since(2026, 11, 22, 9) == since(2026, 11, 22, 12, 59) == at(zone, 2026, 11, 22, 9)
    assert since(2026, 11, 22, 13) is None
    assert since(2026, 11, 23, 1) == at(zone, 2026, 11, 22, 16), "one night"
    assert since(2026, 11, 23, 2) is None
    assert since(2026, 11, 24, 12) is None, "closed on Tuesday"


def test_an_hour_is_that_of_the_store_s_own_clock() -> None:
    nepal = Calendar("Asia/Kathmandu")  # 5:45 ahead
    assert hour_of(nepal, at("Asia/Kathmandu", 2026, 11, 22, 12, 59) + 5) == at("Asia/Kathmandu", 2026, 11, 22, 12)


def test_what_is_asked_once_is_not_computed_twice() -> None:
    asked: list[int] = []
    ask = once(lambda: asked.append(1))  # type: ignore[func-returns-value, arg-type, return-value]
    assert (ask(), ask(), len(asked)) == (None, None, 1)
