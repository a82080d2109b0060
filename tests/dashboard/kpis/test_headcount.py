"""The head count: never negative, as plain counting says where nothing is missed, and honest about how sure it is."""

from __future__ import annotations

import random
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.occupancy import CLOSE, OPEN, SimulatedStore, days_of, measure
from metrica.dashboard.kpis import occupancy
from metrica.dashboard.kpis.events import END_OF_TIME, HOUR, IN, MINUTE, OUT, SECOND, Events
from metrica.dashboard.kpis.headcount import WINDOW, ErrorRates, ExpectedDwell, Headcount
from metrica.dashboard.kpis.history import UNCALIBRATED, Calibration, calibrate
from metrica.dashboard.kpis.occupancy import DayContext, DayReplay, UnseenTraffic, occupancy_at
from tests.dashboard.kpis.plain_headcount import PlainHeadcount

PERFECT = Calibration(ErrorRates(0.0, 0.0), ExpectedDwell(), 0.0, 0)
FEW = settings(max_examples=30, deadline=None)


def events(*pairs: tuple[int, int]) -> Events:
    return Events.from_pairs(pairs)


def after(seen: Events, now: int, calibration: Calibration = UNCALIBRATED, **context: object) -> int:
    return occupancy_at(seen, 0, now, calibration, DayContext(**context)).people  # type: ignore[arg-type]


def test_inside_is_in_minus_out_where_nothing_is_missed() -> None:
    seen = events((0, IN), (5 * MINUTE, IN), (10 * MINUTE, OUT), (20 * MINUTE, IN))
    assert [after(seen, n * MINUTE) for n in (0, 5, 10, 19, 20)] == [1, 2, 1, 1, 2]


def test_an_out_without_anybody_inside_owes_nothing_afterwards() -> None:
    seen = events((0, OUT), (MINUTE, OUT), (2 * MINUTE, IN))
    assert [after(seen, n * MINUTE) for n in (0, 1, 2)] == [0, 0, 1]


def test_who_came_and_went_at_the_same_moment_is_gone() -> None:
    assert after(events((MINUTE, OUT), (MINUTE, IN)), MINUTE) == 0


def test_a_ghost_fades_when_nobody_would_have_stayed_so_long() -> None:
    seen = events((0, IN))
    alone = [occupancy_at(seen, 0, n * HOUR) for n in (0, 1, 12)]
    assert [inside.people for inside in alone] == [1, 1, 0]
    assert alone[0].margin == 0


def test_an_empty_time_counts_from_then_on_and_not_before() -> None:
    seen = events(*((n * MINUTE, IN) for n in range(5)), (30 * MINUTE, IN))
    empty_times = (20 * MINUTE,)
    assert [after(seen, n * MINUTE, empty_times=empty_times) for n in (19, 20, 29, 30)] == [5, 0, 0, 1]
    assert occupancy_at(seen, 0, 20 * MINUTE, UNCALIBRATED, DayContext(empty_times=empty_times)).margin == 0


def test_the_margin_grows_with_the_events_since_the_shop_was_surely_empty() -> None:
    pairs = [(n * MINUTE, IN) for n in range(400)] + [(n * MINUTE + 15 * MINUTE + 1, OUT) for n in range(400)]
    seen = events(*pairs)
    margins = [occupancy_at(seen, 0, n * MINUTE).margin for n in (0, 5, 40)]
    assert margins == sorted(margins)
    assert margins[0] == 0 < margins[2]
    worse = Calibration(ErrorRates(0.1, 0.1), ExpectedDwell(), 0.0, 0)
    assert occupancy_at(seen, 0, 40 * MINUTE, worse).margin > margins[2]
    assert occupancy_at(seen, 0, 40 * MINUTE, PERFECT).margin == 0
    assert occupancy_at(seen, 0, 40 * MINUTE, UNCALIBRATED, DayContext(empty_times=(39 * MINUTE,))).margin == 0


def test_while_no_camera_looks_silence_says_nothing_and_the_margin_grows() -> None:
    seen = events(*((n * 2 * MINUTE, IN) for n in range(10)))
    in_gap = DayContext(unseen=(UnseenTraffic(20 * MINUTE, END_OF_TIME, 0.0, 10 / 3600),))
    start, later = (occupancy_at(seen, 0, n * MINUTE, UNCALIBRATED, in_gap) for n in (19, 79))
    assert later.margin > start.margin
    assert 1 <= later.people <= 9, "some of the ten have left, others came"


def test_a_crowd_beyond_the_window_is_counted_too() -> None:
    seen = events(*((n * SECOND, IN) for n in range(1000)))
    inside = occupancy_at(seen, 0, 1000 * SECOND)
    # Whoever was missed coming in is part of it, and at the last 20 of a thousand nobody can have left unseen.
    assert 980 <= inside.people <= 1060
    assert inside.margin < 40
    out = events(*((n * SECOND, IN) for n in range(1000)), *((n * SECOND, OUT) for n in range(1000, 2000)))
    assert occupancy_at(out, 0, 2000 * SECOND).people <= 60


crossings = st.lists(st.tuples(st.integers(0, 600), st.sampled_from((IN, OUT))), max_size=40).map(
    lambda pairs: [(minute * MINUTE, sign) for minute, sign in pairs]
)


@FEW
@given(crossings, st.integers(0, 700))
def test_it_is_never_negative_and_never_more_than_ever_came(seen: list[tuple[int, int]], minute: int) -> None:
    inside = occupancy_at(events(*seen), 0, minute * MINUTE)
    assert 0 <= inside.people <= 2 * sum(sign == IN and time <= minute * MINUTE for time, sign in seen)
    assert inside.margin >= 0


contexts = st.builds(
    DayContext,
    st.sets(st.integers(0, 700).map(lambda minute: minute * MINUTE), max_size=2).map(
        lambda times: tuple(sorted(times))
    ),
    st.lists(st.integers(0, 20), max_size=4, unique=True).map(
        lambda halves: tuple(
            UnseenTraffic(n * 30 * MINUTE, (n + 1) * 30 * MINUTE, 0.5 * (n % 2), n / 3600) for n in sorted(halves)
        )
    ),
)


@settings(FEW, max_examples=60)
@given(crossings, st.lists(st.tuples(st.integers(0, 700), st.integers(0, 60), contexts), max_size=6), st.randoms())
def test_late_events_new_gaps_and_questions_on_the_way_change_nothing(
    seen: list[tuple[int, int]], asked: list[tuple[int, int, DayContext]], rng: random.Random
) -> None:
    with mock.patch.object(occupancy, "_CHECKPOINT_EVENTS", 3), mock.patch.object(occupancy, "_MAX_CHECKPOINTS", 4):
        rng.shuffle(seen)
        replay = DayReplay(0)
        for minute, arrived, context in asked:
            replay.totals_at(events(*seen[:arrived]), minute * MINUTE, context)
        last = asked[-1][2] if asked else DayContext()
        assert replay.totals_at(events(*seen), 701 * MINUTE, last) == DayReplay(0).totals_at(
            events(*seen), 701 * MINUTE, last
        )


def test_a_late_event_and_an_open_gap_walk_a_short_part_of_the_day_again() -> None:
    seen = events(*((minute * MINUTE, IN if minute % 2 else OUT) for minute in range(1, 601)))
    replay = DayReplay(0)
    with mock.patch.object(DayReplay, "_advance", autospec=True, side_effect=DayReplay._advance) as advance:  # pyright: ignore[reportPrivateUsage]
        replay.totals_at(seen, 600 * MINUTE)
        assert advance.call_count == 601, "each event, and the question"
        advance.reset_mock()
        late = seen.merged(events((598 * MINUTE + 1, IN)))
        replay.totals_at(late, 601 * MINUTE)
        assert advance.call_count < 120
        advance.reset_mock()
        for minute in range(602, 640):
            open_gap = DayContext(unseen=tuple(UnseenTraffic(n * MINUTE, (n + 1) * MINUTE) for n in range(601, minute)))
            replay.totals_at(late, minute * MINUTE, open_gap)
        assert advance.call_count == 38, "only the questions: nothing before the gap has changed"


@FEW
@given(st.lists(st.tuples(st.integers(0, 300), st.integers(1, 90)), min_size=1, max_size=30))
def test_with_a_perfect_counter_it_is_the_plain_count_and_the_mean_dwell_is_exact(
    visits: list[tuple[int, int]],
) -> None:
    seen = events(*((a * MINUTE, IN) for a, _ in visits), *(((a + d) * MINUTE, OUT) for a, d in visits))
    replay = DayReplay(0, Calibration(ErrorRates(0.0, 0.0), ExpectedDwell(weight=0.0), 0.0, 0))
    for minute in range(0, 391, 30):
        real = sum(a <= minute < a + d for a, d in visits)
        assert replay.totals_at(seen, minute * MINUTE).occupancy.people == real
    end = replay.totals_at(seen, 391 * MINUTE)
    assert end.occupancy.people == 0
    assert end.visits == pytest.approx(len(visits), abs=0.1)
    assert end.person_seconds / len(visits) == pytest.approx(60 * sum(d for _, d in visits) / len(visits), rel=0.02)


steps = st.lists(
    st.tuples(
        st.floats(0, 3600),
        st.sampled_from((0.0, 0.5, 1.0)),
        st.sampled_from((0.0, 0.01)),
        st.sampled_from(("came_in", "went_out", "set_empty", "")),
    ),
    max_size=12,
)


@FEW
@given(steps)
def test_the_arrays_do_what_the_plain_head_count_does(seen: list[tuple[float, float, float, str]]) -> None:
    rates, dwell = ErrorRates(0.05, 0.03, 0.02, 0.01), ExpectedDwell()
    count, plain, time = Headcount(0.0, rates, dwell), PlainHeadcount(rates, dwell), 0.0
    for seconds, seen_share, arrival_rate, crossing in seen:
        time += seconds
        plain.advance(time - count.time, seen_share, arrival_rate)
        count.advance(time, seen_share, arrival_rate)
        if crossing:
            getattr(count, crossing)()
            getattr(plain, crossing)()
    expected = [plain.probability(people) for people in range(WINDOW)]
    assert count.probabilities == pytest.approx(expected, abs=1e-9)
    assert count.mean == pytest.approx(plain.mean, abs=1e-9)
    assert count.person_seconds == pytest.approx(plain.person_seconds, rel=1e-6, abs=1e-6)


@FEW
@given(crossings)
def test_probability_is_conserved(seen: list[tuple[int, int]]) -> None:
    count = Headcount(0.0, ErrorRates(0.05, 0.03, 0.02, 0.01), ExpectedDwell())
    for time, sign in sorted(seen):
        count.advance(time / SECOND)
        count.came_in() if sign == IN else count.went_out()
        probabilities = count.probabilities
        assert probabilities.sum() == pytest.approx(1)
        assert probabilities.min() >= 0
    assert count.person_seconds >= 0


# --- the figures of benchmarks/occupancy.py, on days that it does not print


def test_with_2_percent_lost_it_is_within_a_person_and_exact_at_close() -> None:
    errors = measure(SimulatedStore("test", 200), 7, 12)
    assert np.mean(errors.people) < 1
    assert np.mean(errors.people) < 0.8 * np.mean(errors.plain)
    assert np.mean(errors.covered) > 0.85
    assert (errors.lowest, errors.at_close) == (0, 0)
    assert errors.dwell(0) < 5


def test_a_drift_of_the_counter_is_calibrated_and_corrected() -> None:
    store = SimulatedStore("test", 200, missed_in=0.06, missed_out=0.0)
    off: dict[bool, list[float]] = {True: [], False: []}
    for past, day in days_of(store, 3, 6, 28):
        late = CLOSE - HOUR
        real = int((day.came <= late).sum() - (day.left <= late).sum())
        for calibrated in (True, False):
            inside = occupancy_at(day.counted, OPEN - HOUR, late, calibrate(past) if calibrated else UNCALIBRATED)
            off[calibrated].append(abs(inside.people - real))
    assert np.mean(off[True]) < np.mean(off[False])
    assert np.mean(off[True]) < 2
