"""The totals of the box's day, and its days: pure."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from metrica.dashboard.kpis.business_day import Calendar
from metrica.messages.crossing import Direction
from metrica.nodes.mqtt.day_totals import DayTotals
from metrica.nodes.mqtt.store_day import StoreDay

HOUR = 3600 * 1_000_000_000
DAY = StoreDay.of(1_767_225_600_000_000_000, "Africa/Tunis", 4)
DIRECTIONS: st.SearchStrategy[Direction] = st.sampled_from(["in", "out"])


@given(st.lists(st.tuples(st.integers(-HOUR, 25 * HOUR), st.sampled_from("ab"), DIRECTIONS)), st.randoms())
def test_the_order_of_arrival_changes_nothing(events: list[tuple[int, str, Direction]], random: object) -> None:
    events = list({event[0]: event for event in events}.values())
    in_order, shuffled = DayTotals(DAY), DayTotals(DAY)
    expected = 0
    for time, camera, direction in sorted(events):
        if in_order.add(DAY.start + time, camera, "main", direction):
            expected = max(0, expected + (1 if direction == "in" else -1))
        assert in_order.inside == expected
    random.shuffle(events)  # type: ignore[attr-defined]
    for time, camera, direction in events:
        assert shuffled.add(DAY.start + time, camera, "main", direction) == (0 <= time < DAY.end - DAY.start)
    assert shuffled.inside == expected
    assert (shuffled.store, shuffled.cameras, shuffled.lines) == (in_order.store, in_order.cameras, in_order.lines)
    assert shuffled.store.entered == sum(total.entered for total in shuffled.cameras.values())


@given(
    st.integers(1_500_000_000, 1_900_000_000),
    st.sampled_from(["Africa/Tunis", "Europe/Paris", "Africa/Cairo", "America/St_Johns", "Australia/Lord_Howe", "UTC"]),
    st.integers(0, 23),
)
def test_a_day_of_the_box_is_the_business_day_of_the_dashboard(seconds: int, timezone: str, cutoff: int) -> None:
    moment = seconds * 1_000_000_000
    found, calendar = StoreDay.of(moment, timezone, cutoff), Calendar(timezone, cutoff)
    assert found.day == calendar.day_of(moment) and moment in found
    assert (found.start, found.end) == calendar.bounds(found.day)


def test_the_day_on_which_the_clocks_change_is_longer() -> None:
    day = StoreDay.of(1_792_900_000_000_000_000, "Europe/Paris", 0)
    assert day.day == date(2026, 10, 25) and timedelta(microseconds=(day.end - day.start) // 1000) == timedelta(
        hours=25
    )
