"""Gaps are found in coverage and in silences, and never where there is none; calibration from past days."""

from __future__ import annotations

import itertools
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from metrica.dashboard.kpis.business_day import Calendar
from metrica.dashboard.kpis.estimator import StoreEstimator
from metrica.dashboard.kpis.events import END_OF_TIME, HOUR, IN, MINUTE, OUT, Events
from metrica.dashboard.kpis.gaps import Gap, UsualTraffic, gaps_in_coverage, gaps_in_silence, time_in_gaps
from metrica.dashboard.kpis.headcount import ErrorRates
from metrica.dashboard.kpis.history import (
    DEFAULT_RATES,
    UNCALIBRATED,
    PastDay,
    calibrate,
    mean_dwell_of_day,
)
from metrica.dashboard.kpis.store import Store
from tests.dashboard.footfall import at, footfall
from tests.dashboard.kpis.plain_past import past_days

ZONE, TODAY = "Africa/Tunis", date(2026, 11, 22)
TUNIS = Calendar(ZONE, 4)
EVENING = at(ZONE, 2026, 11, 22, 20)
SEEN = Events.from_pairs((e.time, 1 if e.direction == "in" else -1) for e in footfall(ZONE, TODAY, 40, until=EVENING))
FIRST = int(SEEN.times[0])
NOON, THREE = at(ZONE, 2026, 11, 22, 12), at(ZONE, 2026, 11, 22, 15)


def without(start: int, end: int) -> Events:
    before, after = SEEN.between(0, start), SEEN.between(end, END_OF_TIME)
    return before.merged(after)


# --- coverage


def test_a_camera_that_is_silent_for_more_than_two_minutes_has_a_gap() -> None:
    coverage = {"door": [(0, 10 * MINUTE), (11 * MINUTE, 20 * MINUTE), (30 * MINUTE, 40 * MINUTE)]}
    assert gaps_in_coverage(coverage, 41 * MINUTE) == [Gap(20 * MINUTE, 30 * MINUTE)]
    assert gaps_in_coverage(coverage, 50 * MINUTE)[-1] == Gap(40 * MINUTE, 50 * MINUTE)


def test_of_two_cameras_one_may_not_look() -> None:
    coverage = {"door": [(0, 60 * MINUTE)], "back": [(0, 10 * MINUTE), (30 * MINUTE, 60 * MINUTE)]}
    assert gaps_in_coverage(coverage, 61 * MINUTE) == [Gap(10 * MINUTE, 30 * MINUTE, whole=False)]


def test_a_camera_is_expected_from_its_first_coverage_until_it_was_taken_away() -> None:
    day = 24 * HOUR
    coverage = {"door": [(0, 20 * day)], "new": [(10 * day, 20 * day)], "gone": [(0, 5 * day)]}
    assert gaps_in_coverage(coverage, 20 * day) == []


spans = st.lists(st.tuples(st.integers(0, 500), st.integers(0, 60)), max_size=8).map(
    lambda parts: [(start * MINUTE, (start + length) * MINUTE) for start, length in parts]
)


@given(st.dictionaries(st.sampled_from(("a", "b", "c")), spans.filter(bool), max_size=3))
def test_gaps_are_in_order_and_hold_no_time_at_which_all_looked(
    coverage: dict[str, list[tuple[int, int]]],
) -> None:
    now = 600 * MINUTE
    found = gaps_in_coverage(coverage, now)
    for gap, later in itertools.pairwise(found):
        assert gap.start < gap.end <= later.start
    for gap in found:
        middle = (gap.start + gap.end) // 2
        looking = [any(start <= middle < end for start, end in listed) for listed in coverage.values()]
        assert not all(looking)
        assert not (gap.whole and any(looking))


def test_a_box_that_is_off_at_night_loses_nothing() -> None:
    night, day = Gap(at(ZONE, 2026, 11, 21, 23), at(ZONE, 2026, 11, 22, 8)), Gap(NOON, THREE)
    assert UsualTraffic(SEEN, TUNIS, FIRST).in_busy_hours([night, day]) == [day]
    assert UsualTraffic(SEEN, TUNIS, None).in_busy_hours([night]) == [night], (
        "a new store has no past weeks to compare with"
    )


# --- silence


def usual(events: Events, first: int = FIRST) -> UsualTraffic:
    return UsualTraffic(events, TUNIS, first)


def test_a_long_silence_in_busy_hours_is_a_gap_and_a_quiet_night_is_none() -> None:
    start = TUNIS.start(TODAY)
    assert gaps_in_silence(SEEN, usual(SEEN), start, EVENING) == []
    seen = without(NOON, THREE)
    (gap,) = gaps_in_silence(seen, usual(seen), start, EVENING)
    assert abs(gap.start - NOON) < 20 * MINUTE
    assert abs(gap.end - THREE) < 35 * MINUTE


def test_a_new_store_has_no_silences() -> None:
    young = SEEN.between(EVENING - 10 * 24 * HOUR, EVENING)
    quiet = young.between(0, NOON)
    assert gaps_in_silence(quiet, usual(quiet, int(young.times[0])), TUNIS.start(TODAY), EVENING) == []


def test_a_gap_makes_the_people_uncertain_and_leaves_its_day_out_of_the_calibration() -> None:
    estimator, store = StoreEstimator(), Store("tunis-01", ZONE)
    seen = without(NOON, END_OF_TIME)
    calibration = calibrate(past_days(seen, TUNIS, NOON))
    gaps = gaps_in_silence(seen, usual(seen), TUNIS.start(TODAY), THREE)
    in_gap = estimator.today(store, seen, TUNIS, THREE, calibration, usual(seen), gaps)
    without_gap = StoreEstimator().today(store, SEEN, TUNIS, THREE, calibration, usual(SEEN), [])
    assert in_gap.in_gap
    assert not without_gap.in_gap
    assert in_gap.occupancy.margin > without_gap.occupancy.margin
    assert abs(in_gap.missing - 3 * HOUR) < 30 * MINUTE
    yesterday = Gap(NOON - 24 * HOUR, THREE - 24 * HOUR)
    assert len(past_days(SEEN, TUNIS, NOON, [yesterday])) == len(past_days(SEEN, TUNIS, NOON)) - 1
    assert time_in_gaps([yesterday], NOON - 25 * HOUR, NOON - 23 * HOUR) == HOUR


# --- calibration from past days


def test_without_past_days_there_is_nothing_to_calibrate() -> None:
    assert calibrate([]) == UNCALIBRATED
    measured = ErrorRates(0.01, 0.03)
    assert calibrate([], measured).rates == measured


def test_the_drift_of_many_days_is_believed_and_that_of_few_only_half() -> None:
    days = [PastDay(200, 208, 900.0)] * 28
    calibration = calibrate(days)
    assert 0.036 < calibration.drift < 0.04
    assert calibration.rates.missed_in - calibration.rates.missed_out > 0.035
    assert 0 < calibrate([PastDay(20, 21, None)]).drift < 0.02


def test_one_strange_day_moves_little() -> None:
    usual = [PastDay(200, 200 + n % 5 - 2, 900.0) for n in range(20)]
    assert abs(calibrate([*usual, PastDay(200, 90, 5000.0)]).drift - calibrate(usual).drift) < 0.01
    assert round(calibrate([*usual, PastDay(200, 90, 5000.0)]).dwell.seconds) == 900


def test_days_that_never_agree_widen_the_error_rates() -> None:
    wild = [PastDay(200, 200 + (30 if n % 2 else -30), 900.0) for n in range(28)]
    assert calibrate(wild).rates.missed_in > 3 * DEFAULT_RATES.missed_in
    assert calibrate([PastDay(200, 200, 900.0)] * 28).rates.missed_in < DEFAULT_RATES.missed_in


small_days = st.builds(PastDay, st.integers(10, 400), st.integers(10, 400), st.none() | st.floats(30, 20_000))


@given(st.lists(small_days, max_size=30))
def test_calibrated_rates_are_shares_and_explain_the_drift(days: list[PastDay]) -> None:
    calibration = calibrate(days)
    rates = calibration.rates
    assert all(0 <= rate <= 0.5 for rate in (rates.missed_in, rates.missed_out))
    if max(rates.missed_in, rates.missed_out) < 0.3:
        assert abs(rates.missed_in - rates.missed_out - calibration.drift) < 1e-9
    assert 0.1 <= calibration.dwell.spread <= 0.7


def test_the_mean_dwell_of_a_day_is_person_seconds_over_visits() -> None:
    visits = [(n * 7 * MINUTE, (5 + n % 11) * MINUTE) for n in range(60)]
    day = Events.from_pairs([*((a, IN) for a, _ in visits), *((a + d, OUT) for a, d in visits)])
    mean = mean_dwell_of_day(day)
    assert mean is not None
    assert abs(mean - sum(d for _, d in visits) / 60 / 1e9) < 1e-6
    assert mean_dwell_of_day(Events.from_pairs([(0, IN), (1, IN)])) is None
