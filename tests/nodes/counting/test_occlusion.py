"""Two people walk together, one behind the other, and are one box for seconds; played frame by frame."""

from __future__ import annotations

import pytest

from metrica.nodes.counting.crossing import CrossingSettings, LineCrossingRule
from metrica.nodes.counting.doors import Door
from metrica.nodes.geometry.lines import Line
from tests.nodes.counting.scenes import WALK, H, Person, Scene, at, directions, play

LINE = 640.0
LOST = 1.5
"""Seconds after which the person behind is hidden. They pass the line after 2.6 s."""


def pair(found: float, *, number: int = 3, until: float = 1e9, turn: float = 1e9) -> Scene:
    """1 walks in front of 2. 2 is hidden from `LOST` until `found`, and then has the new id `number`.

    until: when 2 disappears again. turn: when both turn round; all in seconds.
    """

    def scene(t: float) -> list[Person]:
        way = min(t, turn) - max(t - turn, 0.0)
        people = [(1, 320 + WALK * way, 500.0, H)]
        if t < LOST or found <= t < until:
            people.append((2 if t < LOST else number, 300 + WALK * way, 496.0, H))
        return people

    return scene


@pytest.mark.parametrize("fps", [5, 10, 30])
@pytest.mark.parametrize("found", [3.5, 4.5, 6.0])
def test_who_is_hidden_by_a_companion_is_counted_when_seen_again(found: float, fps: float) -> None:
    passages = play(pair(found), found + 1, fps)
    assert directions(passages) == ["in", "in"]
    assert [at(p) for p in passages] == pytest.approx([(LINE - 320) / WALK] * 2, abs=0.2)


def test_who_is_found_again_before_the_line_is_counted_when_passing_it() -> None:
    passages = play(pair(1.9), 5)
    assert [at(p) for p in passages] == pytest.approx([320 / WALK, 340 / WALK], abs=0.1)


def test_who_is_hidden_between_the_two_lines_of_a_door_has_passed_both() -> None:
    lines = [Line("outer", (440, 720), (440, 0)), Line("inner", (640, 720), (640, 0))]
    rule = LineCrossingRule(lines, doors=[Door("door", "outer", "inner")])
    passages = play(pair(4.0), 5, rule=rule)
    assert [(p.line, p.direction) for p in passages] == [("door", "in")] * 2


def test_both_who_turn_round_before_the_line_count_nothing() -> None:
    assert play(pair(5.0, turn=2.2), 5.9, flush=True) == []


def test_hidden_for_longer_than_five_seconds_is_somebody_new() -> None:
    slow = 0.35 * WALK

    def scene(t: float) -> list[Person]:
        people = [(1, 500 + slow * t, 500.0, H)]
        if t < 1.5 or t > 7:
            people.append((2 if t < 1.5 else 3, 480 + slow * t, 496.0, H))
        return people

    assert directions(play(scene, 9)) == ["in"]


def test_a_second_box_on_one_person_that_comes_and_goes_counts_nothing_more() -> None:
    def scene(t: float) -> list[Person]:
        x = 320 + WALK * t
        twice = [(2, x - 10, 496.0, H)] if 1.0 < t < 1.5 else [(3, x - 10, 496.0, H)] if 4.0 < t < 4.5 else []
        return [(1, x, 500.0, H), *twice]

    assert directions(play(scene, 6)) == ["in"]


def test_the_upper_half_of_a_person_is_no_companion() -> None:
    def scene(t: float) -> list[Person]:
        x = 320 + WALK * t
        half = [(2 if t < LOST else 3, x, 500.0 - H / 2, H / 2)] if t < LOST or t > 4 else []
        return [(1, x, 500.0, H), *half]

    assert directions(play(scene, 6)) == ["in"]


def test_who_walks_the_other_way_is_no_companion() -> None:
    """2 vanishes behind 1 where they meet, before the line, and somebody comes out beside 1 four seconds later."""

    def scene(t: float) -> list[Person]:
        x = 300 + 60 * t
        people = [(1, x, 500.0, H)]
        if t < 2.0:
            people.append((2, 630 - 105 * t, 496.0, H))
        if t > 6.0:
            people.append((3, x - 20, 496.0, H))
        return people

    assert directions(play(scene, 8)) == ["in"]


def test_a_hidden_person_found_again_just_inside_the_other_side_is_counted() -> None:
    def scene(t: float) -> list[Person]:
        x = min(320 + WALK * t, LINE + 0.15 * H)
        return [(1, x, 500.0, H), *[(2 if t < LOST else 3, x, 496.0, H)] * (t < LOST or t > 4)]

    assert directions(play(scene, 6)) == ["in", "in"]


def test_who_stops_just_past_the_line_and_is_hidden_there_has_passed_it_before() -> None:
    def scene(t: float) -> list[Person]:
        x = LINE + 6 + WALK * (min(t - 2, 0) + max(t - 6, 0))
        return [(1, x + 8, 500.0, H), *[(2 if t < 3.5 else 3, x, 496.0, H)] * (t < 3.5 or t > 6.1)]

    passages = play(scene, 8)
    assert directions(passages) == ["in", "in"]
    assert [at(p) for p in passages] == pytest.approx([1.9, 1.95], abs=0.1)


def test_a_second_box_on_a_companion_that_is_no_longer_followed_counts_nothing() -> None:
    """2 is a second box on 1, who is followed as 2 alone from then on; 4 is one more box on the same person."""

    def scene(t: float) -> list[Person]:
        x = 320 + WALK * t
        boxes = ((1, t < 2.0), (2, t > 1.2), (4, 4.0 < t < 4.5))
        return [(i, x, 500.0 - i, H) for i, there in boxes if there]

    assert directions(play(scene, 6)) == ["in"]


def test_a_person_lost_in_an_empty_frame_is_not_hidden_behind_anybody() -> None:
    def scene(t: float) -> list[Person]:
        x = 500 + 60 * t
        people = [(1, x, 500.0, H)]
        if t < 1.5:
            people.append((2, x - 20, 496.0, H))
        elif 2.0 <= t < 2.3:
            people.append((2, 300.0, 400.0, H))  # found again elsewhere
        elif t > 4:
            people.append((3, x - 20, 496.0, H))
        return [] if 2.3 <= t < 2.5 else people

    assert directions(play(scene, 6)) == ["in"]


def test_a_long_handover_also_decides_on_who_is_behind_a_companion() -> None:
    """2 is lost just past the line and never seen again; 3 was lost before, and is decided on when 2 is not yet."""

    def scene(t: float) -> list[Person]:
        x = 320 + WALK * t
        return [(1, x, 500.0, H), *[(2, x - 10, 496.0, H)] * (t < 2.65), *[(3, 200.0, 300.0, H)] * (t < 2)]

    assert directions(play(scene, 9, settings=CrossingSettings(handover=6.0))) == ["in", "in"]
