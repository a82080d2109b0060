"""Strict doors: only who passes the outer and the inner line in order is counted."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pytest

from metrica import testing
from metrica.errors import ParameterError
from metrica.nodes.counting.crossing import CrossingSettings, LineCrossingRule, Passage
from metrica.nodes.counting.doors import Door
from metrica.nodes.counting.line_counter import LineCounter
from metrica.nodes.geometry.lines import Line
from tests.nodes.counting.scenes import Person, Scene, at, play
from tests.nodes.counting.test_line_counter import walk_in

H = 120.0
WALK = 96.0  # pixels per second
OUTER, INNER = Line("outer", (560, 720), (560, 0)), Line("inner", (720, 720), (720, 0))
DOOR = Door("door", "outer", "inner")


def strict(
    scene: Scene, seconds: float, fps: float = 15.0, door_time: float = 10.0, lines: Sequence[Line] = (OUTER, INNER)
) -> list[Passage]:
    rule = LineCrossingRule(lines, CrossingSettings(door_time=door_time), [DOOR])
    return play(scene, seconds, fps, rule=rule)


def lines_and_directions(passages: list[Passage]) -> list[tuple[str, str]]:
    return [(p.line, p.direction) for p in passages]


def along(*stops: tuple[float, float], number: int = 1) -> Scene:
    """Somebody who is at x at each of these times (seconds, x) and walks evenly between them."""

    def scene(t: float) -> list[Person]:
        for (t0, x0), (t1, x1) in pairwise(stops):
            if t0 <= t <= t1:
                return [(number, x0 + (x1 - x0) * (t - t0) / (t1 - t0), 500.0, H)]
        return []

    return scene


@pytest.mark.parametrize("fps", [2, 5, 15, 30])
def test_through_both_lines_is_in_and_back_is_out(fps: float) -> None:
    scene = along((0, 400), (5, 900), (6, 900), (11, 400))
    passages = strict(scene, 11, fps)
    assert lines_and_directions(passages) == [("door", "in"), ("door", "out")]
    assert [at(p) for p in passages] == pytest.approx([3.2, 9.4], abs=0.05)  # at the second line of each way


def test_looking_in_over_the_outer_line_counts_nothing() -> None:
    assert strict(along((0, 400), (2.5, 640), (5, 400)), 5) == []


def test_coming_to_the_inner_line_from_inside_and_going_back_counts_nothing() -> None:
    assert strict(along((0, 900), (2.5, 640), (5, 900)), 5) == []


def test_first_seen_between_the_lines_is_not_counted() -> None:
    assert strict(along((0, 640), (3, 900)), 3) == []


def test_out_and_in_over_the_inner_line_alone_counts_nothing_after_coming_in() -> None:
    scene = along((0, 400), (5, 900), (7.5, 640), (10, 900), (12.5, 640), (15, 900))
    assert lines_and_directions(strict(scene, 15)) == [("door", "in")]


def test_a_second_try_counts_once() -> None:
    scene = along((0, 400), (2.5, 640), (5, 400), (10, 900))
    passages = strict(scene, 10)
    assert lines_and_directions(passages) == [("door", "in")]
    assert at(passages[0]) == pytest.approx(8.2, abs=0.05)


@pytest.mark.parametrize(("door_time", "expected"), [(10.0, [("door", "in")]), (3.0, [])])
def test_waiting_between_the_lines_counts_up_to_the_time_that_it_may_take(
    door_time: float, expected: list[tuple[str, str]]
) -> None:
    scene = along((0, 400), (2.5, 640), (7, 640), (9.5, 900))
    assert lines_and_directions(strict(scene, 10, door_time=door_time)) == expected


@pytest.mark.parametrize("switch", [560 - 30, 560, 560 + 30, 640, 720 - 30, 720, 720 + 30])
@pytest.mark.parametrize("gap", [0.1, 0.5, 1.0])
def test_an_id_switch_anywhere_in_the_door_loses_nothing(switch: float, gap: float) -> None:
    when = (switch - 300) / WALK

    def scene(t: float) -> list[Person]:
        if when < t < when + gap:
            return []
        return [(1 if t <= when else 2, 300 + WALK * t, 500, H)]

    assert lines_and_directions(strict(scene, 7)) == [("door", "in")]


def test_vanishing_right_behind_the_inner_line_is_in() -> None:
    scene: Scene = lambda t: [(1, 300 + WALK * t, 500, H)] if t < 4.45 else []  # noqa: E731
    assert lines_and_directions(strict(scene, 8)) == [("door", "in")]


def test_two_who_pass_one_line_each_are_not_one_who_came_in() -> None:
    one, other = along((0, 400), (2, 640), (6, 640), (8, 400)), along((0, 700), (2, 700), (4, 900), number=2)
    moved: Scene = lambda t: [*one(t), *((i, x, 250.0, h) for i, x, _, h in other(t))]  # noqa: E731
    assert strict(moved, 8) == []


def test_round_the_end_of_the_inner_line_counts_nothing() -> None:
    short = Line("inner", (720, 400), (720, 0))
    assert strict(along((0, 400), (5, 900)), 5, lines=(OUTER, short)) == []


def test_other_lines_count_for_themselves() -> None:
    exit_line = Line("till", (850, 0), (850, 720))
    assert lines_and_directions(strict(along((0, 400), (5, 920)), 5, lines=(OUTER, INNER, exit_line))) == [
        ("door", "in"),
        ("till", "out"),
    ]


LINES = {"outer": (500, 720, 500, 0), "inner": (700, 720, 700, 0)}


def test_the_node_publishes_the_door_and_not_its_lines() -> None:
    with testing.run(LineCounter(lines=LINES, doors={"entrance": ("outer", "inner")})) as bench:
        bench.send("tracks", *walk_in())
        (crossing,) = bench.sent("crossings")
    assert (crossing.line, crossing.direction) == ("entrance", "in")
    assert crossing.id.startswith("door/entrance/")


@pytest.mark.parametrize(
    ("doors", "words"),
    [
        ({"a": ("outer", "iner")}, "door 'a' names the line 'iner', which there is not: there are outer, inner"),
        ({"a": ("outer", "outer")}, "door 'a' has one line twice"),
        ({"inner": ("outer", "inner")}, "door 'inner' is called like a line"),
        ({"a": ("outer", "inner"), "b": ("outer", "inner")}, "line 'outer' is part of two doors: 'a', 'b'"),
        ({"a": ("inner", "outer")}, "its inner line 'outer' does not lie on the IN side of its outer line 'inner'"),
        ({"": ("outer", "inner")}, "'' cannot name a door"),
    ],
)
def test_an_invalid_door_is_explained(doors: dict[str, tuple[str, str]], words: str) -> None:
    with pytest.raises(ParameterError, match=words):
        LineCounter(lines=LINES, doors=doors).check()
