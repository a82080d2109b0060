"""Ids that change while a person crosses, that come back, or that are given to another person; frame by frame."""

from __future__ import annotations

import pytest

from metrica.nodes.counting.crossing import LineCrossingRule
from tests.nodes.counting.scenes import UPRIGHT, WALK, H, Person, at, directions, play, together, walker


@pytest.mark.parametrize("where", [-60.0, -20.0, -3.0, 3.0, 20.0, 60.0])
@pytest.mark.parametrize("gap", [0.1, 0.5, 1.0])
def test_an_id_switch_near_the_line_loses_nothing(where: float, gap: float) -> None:
    switch = (340 + where) / WALK

    def scene(t: float) -> list[Person]:
        if switch < t < switch + gap:
            return []
        return [(1 if t <= switch else 2, 300 + WALK * t, 500, H)]

    passages = play(scene, 7)
    assert directions(passages) == ["in"]
    assert at(passages[0]) == pytest.approx(340 / WALK, abs=0.2)


def test_a_second_id_on_one_person_does_not_count_twice() -> None:
    def scene(t: float) -> list[Person]:
        x = 300 + WALK * t
        return [(i, x + 4 * i, 500, H) for i, ok in ((1, x < 645), (2, x > 632)) if ok]

    assert directions(play(scene, 6)) == ["in"]


def test_who_vanishes_and_somebody_far_away_are_two() -> None:
    def scene(t: float) -> list[Person]:
        return [(1, 400.0, 300, H)] if t < 2 else [(2, 800.0, 600, H)]

    assert play(scene, 5, flush=True) == []


def test_who_appears_two_thirds_of_a_height_from_where_somebody_stood_is_somebody_else() -> None:
    def scene(t: float) -> list[Person]:
        return [(1, 600.0, 500, H)] if t < 2 else [(2, 600 + 0.65 * H, 500, H)] if t > 3 else []

    assert play(scene, 5, flush=True) == []


def test_an_id_used_again_by_another_epoch_is_somebody_else() -> None:
    rule = LineCrossingRule([UPRIGHT])
    assert play(lambda t: [(1, 560.0, 500, H)], 3, rule=rule) == []
    assert play(lambda t: [(1, 720.0, 500, H)], 3, rule=rule, epoch=2, begin=3.1) == []


def test_an_id_used_again_after_a_minute_is_somebody_else() -> None:
    def scene(t: float) -> list[Person]:
        return [(1, 560.0, 500, H)] if t < 3 else [(1, 720.0, 500, H)] if t > 60 else []

    assert play(scene, 65) == []


def test_an_id_used_again_after_a_camera_was_away_for_five_seconds_is_somebody_else() -> None:
    """The camera restarts, the tracker does not, but has lost everybody: its next frame comes after a pause."""
    rule = LineCrossingRule([UPRIGHT])
    assert play(lambda t: [(1, 560.0, 500, H)], 3, rule=rule) == []
    assert play(lambda t: [(1, 720.0, 500, H)], 3, rule=rule, begin=8.0) == []
    assert directions(play(walker(720, -WALK, number=1), 2.5, rule=rule, begin=11.1)) == ["out"]


@pytest.mark.parametrize("gap", [0.2, 1.0])
def test_who_is_on_their_way_while_the_camera_is_away_for_a_moment_is_counted(gap: float) -> None:
    rule = LineCrossingRule([UPRIGHT])
    assert play(walker(470), 1.2, rule=rule) == []
    after = play(walker(470 + WALK * (1.2 + gap)), 2, rule=rule, begin=1.2 + gap)
    assert directions(after) == ["in"]


def test_time_that_runs_backwards_is_a_new_beginning() -> None:
    rule = LineCrossingRule([UPRIGHT])
    assert play(lambda t: [(1, 560.0, 500, H)], 3, rule=rule, begin=100) == []
    assert play(lambda t: [(1, 720.0, 500, H)], 3, rule=rule, begin=5) == []
    assert directions(play(walker(300), 6, rule=rule, begin=20)) == ["in"]


def test_two_in_opposite_directions_whose_boxes_merge() -> None:
    def scene(t: float) -> list[Person]:
        a, b = 300 + WALK * t, 980 - WALK * t
        merged = abs(a - b) < 0.5 * WALK
        return [(1, a, 500, H)] if merged else [(1, a, 500, H), (2, b, 500, H)]

    assert sorted(directions(play(scene, 6))) == ["in", "out"]


def test_two_in_opposite_directions_and_the_second_comes_out_with_a_new_id() -> None:
    def scene(t: float) -> list[Person]:
        a, b = 300 + WALK * t, 980 - WALK * t
        merged = abs(a - b) < 0.5 * WALK
        return [(1, a, 500, H)] if merged else [(1, a, 500, H), (2 if b > a else 3, b, 500, H)]

    assert sorted(directions(play(scene, 6))) == ["in", "out"]


def test_a_group_of_five_abreast_is_five() -> None:
    group = together(*[walker(300 + 3 * i, number=i, y=400 + 30 * i) for i in range(1, 6)])
    assert directions(play(group, 6)) == ["in"] * 5


def test_a_group_of_five_that_all_change_their_ids_on_the_line_is_five() -> None:
    def scene(t: float) -> list[Person]:
        new = 10 if t > 2.65 else 0
        return [(i + new, 300 + WALK * t, 400 + 60 * i, H) for i in range(1, 6)] if not 2.6 < t < 2.9 else []

    assert directions(play(scene, 6)) == ["in"] * 5
