"""How counted crossings are compared with labelled ones."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metrica.messages import Direction
from metrica.tools.evaluate.match import Score, TimedCrossing, evaluate, match, wilson


def events(*what: tuple[float, Direction]) -> list[TimedCrossing]:
    return [TimedCrossing(time, "main", direction) for time, direction in what]


EVENTS = st.lists(
    st.builds(
        TimedCrossing,
        st.integers(0, 60).map(lambda tenths: tenths / 10),
        st.sampled_from(["main", "side"]),
        st.sampled_from(["in", "out"]),
    ),
    max_size=5,
)


def test_an_event_is_right_within_a_second_of_the_same_line_and_direction() -> None:
    labelled = [
        TimedCrossing(10, "main", "in"),
        TimedCrossing(20, "main", "in"),
        TimedCrossing(30, "main", "in"),
        TimedCrossing(40, "main", "in"),
    ]
    counted = [
        TimedCrossing(11, "main", "in"),
        TimedCrossing(21.1, "main", "in"),
        TimedCrossing(30, "main", "out"),
        TimedCrossing(40, "side", "in"),
    ]
    assert match(labelled, counted) == [(0, 0)]


def test_each_event_is_used_once() -> None:
    result = evaluate(events((10, "in")), events((9.8, "in"), (10.1, "in")))
    assert result.scores["all"] == Score(labelled=1, counted=2, right=1)
    assert result.extra == (TimedCrossing(9.8, "main", "in"),)
    assert result.missed == ()


def test_as_many_pairs_as_possible_are_made_not_the_nearest_first() -> None:
    """The nearest pair (10.9, 11.0) would leave 10.0 and 11.8 without a partner."""
    assert match(events((10.0, "in"), (10.9, "in")), events((10.95, "in"), (11.8, "in"))) == [(0, 0), (1, 1)]


@settings(max_examples=150, deadline=None)
@given(labelled=EVENTS, counted=EVENTS)
def test_no_other_matching_has_more_pairs_or_as_many_that_are_nearer(
    labelled: list[TimedCrossing], counted: list[TimedCrossing]
) -> None:
    pairs = match(labelled, counted)
    assert len({i for i, _ in pairs}) == len({j for _, j in pairs}) == len(pairs)

    def apart(pairs: list[tuple[int, int]]) -> float:
        return sum(abs(labelled[i].time - counted[j].time) for i, j in pairs)

    def fits(i: int, j: int) -> bool:
        a, b = labelled[i], counted[j]
        return (a.line, a.direction) == (b.line, b.direction) and abs(a.time - b.time) <= 1 + 1e-9

    assert all(fits(i, j) for i, j in pairs)
    best = (0, 0.0)
    columns = [*range(len(counted)), *[-1] * len(labelled)]
    for chosen in set(itertools.permutations(columns, len(labelled))) if len(labelled) <= 3 else ():
        other = [(i, j) for i, j in enumerate(chosen) if j >= 0 and fits(i, j)]
        best = max(best, (len(other), -apart(other)))
    if len(labelled) <= 3:
        assert (len(pairs), -apart(pairs)) == pytest.approx(best)


@given(labelled=EVENTS, counted=EVENTS)
def test_every_event_is_right_missed_or_extra(labelled: list[TimedCrossing], counted: list[TimedCrossing]) -> None:
    result = evaluate(labelled, counted)
    total = result.scores["all"]
    assert len(result.missed) + total.right == total.labelled == len(labelled)
    assert len(result.extra) + total.right == total.counted == len(counted)
    assert result.scores["in"].right + result.scores["out"].right == total.right


def test_rates_and_the_error_of_the_total() -> None:
    score = Score(labelled=10, counted=8, right=6)
    assert (score.precision, score.recall) == (0.75, 0.6)
    assert score.f1 == pytest.approx(2 / (1 / 0.75 + 1 / 0.6))
    assert score.total_error == pytest.approx(-0.2)


def test_nothing_labelled_or_counted_is_no_rate_rather_than_a_perfect_one() -> None:
    nothing = evaluate([], [])
    score = nothing.scores["all"]
    assert (score.precision, score.recall, score.f1, score.total_error, nothing.mean_delay) == (None,) * 5
    assert score.recall_interval == (0.0, 1.0)


@pytest.mark.parametrize(
    ("right", "of", "low", "high"),
    [
        # R: prop.test(x, n, correct = FALSE)$conf.int
        (8, 10, 0.4901625, 0.9433178),
        (12, 12, 0.7575059, 1.0),
        (0, 5, 0.0, 0.4344825),
        (95, 100, 0.8882496, 0.9784539),
    ],
)
def test_wilson_intervals_are_those_of_the_books(right: int, of: int, low: float, high: float) -> None:
    assert wilson(right, of) == pytest.approx((low, high), abs=1e-5)


@given(st.integers(1, 500).flatmap(lambda of: st.tuples(st.integers(0, of), st.just(of))))
def test_a_wilson_interval_holds_the_proportion_and_mirrors(case: tuple[int, int]) -> None:
    right, of = case
    low, high = wilson(right, of)
    assert 0 <= low <= right / of <= high <= 1
    assert wilson(of - right, of) == pytest.approx((1 - high, 1 - low))


def test_no_proportion_is_refused() -> None:
    with pytest.raises(ValueError, match="3 of 2 is no proportion"):
        wilson(3, 2)


def test_only_the_part_that_somebody_watched_is_judged() -> None:
    labelled = events((5, "in"), (29.9, "in"), (45, "in"))
    counted = events((5.2, "in"), (30.3, "in"), (31, "in"), (50, "out"))
    result = evaluate(labelled, counted, within=(0, 30))
    assert result.scores["all"] == Score(labelled=2, counted=2, right=2)
    assert (result.missed, result.extra) == ((), ())


def test_the_mean_delay_has_its_sign() -> None:
    assert evaluate(events((5, "in"), (9, "out")), events((5.4, "in"), (9.2, "out"))).mean_delay == pytest.approx(0.3)
