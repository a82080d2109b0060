"""Situations in which counters often go wrong, each played frame by frame."""

from __future__ import annotations

import numpy as np
import pytest

from metrica.nodes.counting.crossing import CrossingSettings, LineCrossingRule
from metrica.nodes.geometry.lines import Line
from tests.nodes.counting.scenes import FRAME, WALK, H, Person, Scene, at, directions, play, walker

rates = pytest.mark.parametrize("fps", [2, 5, 10, 15, 30])


@rates
def test_walking_to_the_right_of_a_line_drawn_upwards_is_in(fps: float) -> None:
    assert directions(play(walker(300), 6, fps)) == ["in"]


@rates
def test_walking_to_the_left_of_a_line_drawn_upwards_is_out(fps: float) -> None:
    assert directions(play(walker(980, -WALK), 6, fps)) == ["out"]


def test_a_line_drawn_to_the_right_has_its_in_side_below() -> None:
    level = Line("door", (0, 400), (1280, 400))
    down: Scene = lambda t: [(1, 600, 250 + WALK * t, H)]  # noqa: E731
    up: Scene = lambda t: [(1, 600, 600 - WALK * t, H)]  # noqa: E731
    assert directions(play(down, 3, lines=[level])) == ["in"]
    assert directions(play(up, 3, lines=[level])) == ["out"]


@rates
def test_the_time_is_when_the_line_was_passed_not_when_the_rule_became_sure(fps: float) -> None:
    (passage,) = play(walker(300), 6, fps)
    assert at(passage) == pytest.approx((640 - 300) / WALK, abs=0.03)


def test_who_walks_away_is_getting_smaller_not_half_hidden() -> None:
    level = Line("door", (200, 222), (440, 222))

    def walks_away(t: float) -> list[Person]:
        feet = 330 - 60 * t  # the line is reached after 1.8 s; soon after it the person is out of sight
        return [(1, 320, feet, 0.45 * feet - 11)] if t <= 2.1 else []

    found = play(walks_away, 6, 10, lines=[level], size=(640, 360))
    assert directions(found) == ["out"]
    assert at(found[0]) == pytest.approx(1.8, abs=0.2)


def test_standing_on_the_line_for_minutes_counts_nothing() -> None:
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 5, (10_001, 2))

    def stand(t: float, then: float) -> list[Person]:
        i = round(t * 15)
        if i < 60:
            return [(1, 380 + 65 * t, 500, H)]
        if i < 10_000:
            return [(1, 640 + noise[i, 0], 500 + noise[i, 1], H)]
        return [(1, 640 + then * (t - 10_000 / 15), 500, H)]

    assert play(lambda t: stand(t, 0), 665) == []
    assert directions(play(lambda t: stand(t, WALK), 670)) == ["in"]
    assert play(lambda t: stand(t, -WALK), 670) == []


def test_standing_on_the_line_from_the_beginning_counts_nothing() -> None:
    noise = np.random.default_rng(1).normal(0, 6, 10_001)
    assert play(lambda t: [(1, 640 + noise[round(t * 15)], 500, 100)], 660) == []


def test_swaying_over_the_line_counts_nothing() -> None:
    assert play(lambda t: [(1, 640 + 12 * np.sin(2 * t), 500, H)], 120) == []


@pytest.mark.parametrize(("frames", "expected"), [(2, []), (3, ["in"])])
def test_a_box_that_twitches_over_the_line_for_two_frames_counts_nothing(frames: int, expected: list[str]) -> None:
    """Beyond the band, but not twice as far: two frames at 30 frames/s are hardly more than one, three are a person."""

    def scene(t: float) -> list[Person]:
        frame = round(t * 30)
        return [(1, 450 + 6 * frame if frame < 30 else 665 if frame < 30 + frames else 630, 500, H)]

    assert directions(play(scene, 4, 30)) == expected


@rates
def test_turning_round_behind_the_line_counts_both_ways(fps: float) -> None:
    scene: Scene = lambda t: [(1, 840 - abs(WALK * t - 520), 500, H)]  # noqa: E731
    assert directions(play(scene, 8, fps)) == ["in", "out"]


def test_turning_round_on_the_line_counts_nothing() -> None:
    scene: Scene = lambda t: [(1, 645 - abs(WALK * t - 345), 500, H)]  # noqa: E731
    assert play(scene, 6) == []


@rates
@pytest.mark.parametrize("towards", [1, -1])
def test_a_line_near_the_border_counts_those_who_leave_and_come(fps: float, towards: int) -> None:
    line = Line("edge", (1250, 720), (1250, 0))

    def scene(t: float) -> list[Person]:
        x = 1000 + WALK * t if towards > 0 else 1000 + WALK * (3 - t)
        return [(1, x, 500, H)] if x < 1280 + 0.1 * H else []

    def cut(t: float) -> list[Person]:
        return scene(t)

    expected = ["in"] if towards > 0 else ["out"]
    assert directions(play(cut, 6, fps, lines=[line])) == expected


def test_feet_that_leave_the_picture_still_pass_the_line() -> None:
    line = Line("sill", (0, 690), (1280, 690))
    rule = LineCrossingRule([line])
    found = []
    for i in range(60):
        feet = 500 + 10 * i
        top = feet - 300
        if top > 700:
            break
        boxes = np.array([[540, top, 660, min(feet, 720)]], np.float32)  # a detector never sees below the border
        ids, ages = np.array([1], np.int64), np.array([i + 1], np.int32)
        found += rule.update(round(i / 15 * 1e9), 1, boxes, ids, ages, FRAME)
    assert directions(found) == ["in"]
    assert found[0].time_ns / 1e9 == pytest.approx(19 / 15, abs=0.15)


def test_feet_hidden_for_a_moment_have_not_moved() -> None:
    line = Line("row", (0, 450), (1280, 450))
    rule = LineCrossingRule([line])
    found = []
    for i in range(90):
        hidden = 30 <= i < 40  # somebody passes in front of the lower 40 %
        boxes = np.array([[100 + 8 * i, 300, 180 + 8 * i, 500 - 80 * hidden]], np.float32)
        ids, ages = np.array([1], np.int64), np.array([i + 1], np.int32)
        found += rule.update(round(i / 15 * 1e9), 1, boxes, ids, ages, FRAME)
    assert found == []


@pytest.mark.parametrize("height", [100.0, 160.0, 240.0])
@pytest.mark.parametrize("fps", [5, 15, 30])
def test_first_seen_fifteen_pixels_before_the_line(height: float, fps: float) -> None:
    scene = walker(625, 0.8 * height, height=height)
    assert directions(play(scene, 2.5, fps)) == ["in"]


def test_first_seen_behind_the_line_is_no_crossing() -> None:
    assert play(walker(655), 3) == []


def test_vanishing_right_behind_the_line_is_a_crossing() -> None:
    """A doorway: a person who has gone through is out of sight."""
    passages = play(walker(300, until=2.7), 6)  # ten pixels behind the line
    assert directions(passages) == ["in"]
    assert at(passages[0]) == pytest.approx(340 / WALK, abs=0.05)


def test_stopping_on_the_line_and_vanishing_there_is_no_crossing() -> None:
    assert play(lambda t: [(1, min(300 + WALK * t, 645), 500, H)] if t < 8 else [], 12, flush=True) == []


@pytest.mark.parametrize("y", [195.0, 405.0])
def test_passing_outside_the_ends_of_the_line_counts_nothing(y: float) -> None:
    short = Line("short", (640, 400), (640, 200))
    assert play(walker(300, y=y), 6, lines=[short]) == []


def test_back_through_the_line_after_a_way_round_it_counts_once() -> None:
    short = Line("short", (640, 400), (640, 200))
    there = walker(300, y=500)
    scene: Scene = lambda t: there(t) if t < 5 else [(1, 950 - WALK * (t - 5), max(500 - 200 * (t - 5), 300), H)]  # noqa: E731
    assert directions(play(scene, 10, lines=[short])) == ["out"]


def test_a_jump_over_the_line_at_two_frames_a_second() -> None:
    for start in range(0, 65, 8):
        passages = play(walker(380 + start, 1.2 * H), 3, 2)
        assert directions(passages) == ["in"]


@pytest.mark.parametrize("anchor", ["bottom_center", "center", "top_center"])
def test_a_height_that_flickers_by_a_fifth_changes_nothing(anchor: str) -> None:
    level = Line("door", (0, 400), (1280, 400))
    settings = CrossingSettings(anchor=anchor)  # type: ignore[arg-type]
    shift = {"bottom_center": 0.0, "center": 0.45 * H, "top_center": 0.9 * H}[anchor]
    tall = np.random.default_rng(2).uniform(0.8, 1.0, 2000)

    def walk(t: float) -> list[Person]:
        return [(1, 600, 200 + shift + WALK * t, H * tall[round(t * 15)])]

    def stand(t: float) -> list[Person]:
        feet = min(200 + shift + WALK * t, 395 + shift)
        return [(1, 600, feet, H * tall[round(t * 15)])]

    assert directions(play(walk, 3, lines=[level], settings=settings)) == ["in"]
    assert play(stand, 120, lines=[level], settings=settings) == []


def test_feet_that_flicker_while_the_head_is_still_count_nothing() -> None:
    level = Line("door", (0, 400), (1280, 400))
    tall = np.random.default_rng(3).choice([0.8, 1.0], 2000)

    def stand(t: float) -> list[Person]:
        top = min(40 + WALK * t, 240)
        return [(1, 600, top + H * tall[round(t * 15)], H * tall[round(t * 15)])]

    assert len(play(stand, 120, lines=[level])) <= 1  # the walk to the line may or may not end behind it


def test_one_walk_over_several_lines_counts_at_each() -> None:
    lines = [Line("a", (500, 720), (500, 0)), Line("b", (700, 0), (700, 720)), Line("c", (0, 300), (1280, 300))]
    passages = play(walker(300), 6, lines=lines)
    assert [(p.line, p.direction) for p in passages] == [("a", "in"), ("b", "out")]


def test_a_young_track_counts_when_it_is_old_enough() -> None:
    for min_age, expected in ((2, ["in"]), (30, ["in"]), (200, [])):
        assert directions(play(walker(300), 6, settings=CrossingSettings(min_age=min_age))) == expected


def test_nothing_seen_is_nothing_counted() -> None:
    assert play(lambda t: [], 3, flush=True) == []
