"""The rule of the zones, with tracks made by hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metrica.nodes.counting.zone_visits import ZoneOccupancy, ZoneSettings, ZoneVisit, ZoneVisitRule
from metrica.nodes.geometry.zones import Zone

SIZE = (1280, 720)
START = 1_700_000_000_000_000_000
HEIGHT = 160.0
QUEUE = Zone("queue", ((400.0, 100.0), (800.0, 100.0), (800.0, 650.0), (400.0, 650.0)))
Person = tuple[int, float, float]
"""Track id, feet x, feet y."""
Scene = Callable[[float], Sequence[Person]]


def play(
    scene: Scene,
    seconds: float,
    fps: float = 10.0,
    *,
    rule: ZoneVisitRule | None = None,
    config: ZoneSettings | None = None,
    zones: Sequence[Zone] = (QUEUE,),
    begin: float = 0.0,
    epoch: int = 1,
    flush: bool = True,
) -> list[ZoneVisit]:
    """The visits that the rule reports in a scene of so many seconds."""
    rule = rule or ZoneVisitRule(zones, config)
    found: list[ZoneVisit] = []
    for i in range(round(seconds * fps) + 1):
        people = list(scene(i / fps))
        boxes = np.array([(x - 32, y - HEIGHT, x + 32, y) for _, x, y in people], np.float32).reshape(-1, 4)
        ids = np.array([track for track, *_ in people], np.int64)
        found += rule.update(START + round((begin + i / fps) * 1e9), epoch, boxes, ids, SIZE)
    return found + rule.flush() if flush else found


def times(visits: Sequence[ZoneVisit]) -> list[tuple[float, float]]:
    return [(round((v.entered_ns - START) / 1e9, 2), round((v.left_ns - START) / 1e9, 2)) for v in visits]


def in_and_out(t: float, speed: float = 100.0, wait: float = 10.0) -> float:
    """Walks in from 200, stands at 600, walks on: inside from 2 s to 6 s + wait at 100 px/s."""
    return 200 + speed * (min(t, 4.0) + max(0.0, t - 4.0 - wait))


def test_a_visit_lasts_from_border_to_border() -> None:
    (visit,) = play(lambda t: [(1, in_and_out(t), 400)], 20)
    assert times([visit]) == [(2.0, 16.0)]
    assert (visit.zone, visit.track) == ("queue", 1)


@pytest.mark.parametrize("fps", [2, 5, 30])
def test_the_times_do_not_depend_on_the_frame_rate(fps: float) -> None:
    assert times(play(lambda t: [(1, in_and_out(t), 400)], 20, fps)) == [(2.0, 16.0)]


def test_jitter_on_the_border_neither_begins_visits_nor_cuts_one_in_two() -> None:
    rng = np.random.default_rng(1)

    def at_the_border(t: float) -> list[Person]:
        x = 600 if t < 2 or t > 98 else 400 + rng.normal(0, 5)
        return [(1, float(x), 400)]

    (visit,) = play(at_the_border, 100)
    assert times([visit]) == [(0.0, 100.0)]
    assert play(lambda t: [(1, 300 if t < 2 else 400 + float(rng.normal(0, 5)), 400)], 100) == []


def test_the_band_grows_with_the_person() -> None:
    """10 px over the border is nothing for somebody near the camera, and a step for somebody far away."""
    rule = ZoneVisitRule([QUEUE])
    for i in range(80):
        out = 20 <= i < 60
        near, far = (390.0 if out else 420.0), (390.0 if out else 420.0)
        boxes = np.array([(near - 60, 100, near + 60, 500), (far - 10, 540, far + 10, 600)], np.float32)
        rule.update(START + i * 100_000_000, 1, boxes, np.array([1, 2]), SIZE)
    assert rule.occupancy()["queue"].people == 2
    visits = rule.flush()
    assert times(visits) == [(0.0, 7.9), (5.93, 7.9)]  # 2 has come back; 1 has not moved


def test_stepping_out_for_a_moment_is_one_visit_and_for_long_two() -> None:
    def steps_out(seconds: float) -> Scene:
        return lambda t: [(1, 300 if 10 <= t < 10 + seconds else 600, 400)]

    assert len(play(steps_out(2.0), 30)) == 1
    assert len(play(steps_out(6.0), 30)) == 2


@pytest.mark.parametrize(("gap", "visits"), [(1.0, 1), (2.9, 1), (4.0, 2)])
def test_a_track_that_is_lost_for_a_moment_goes_on(gap: float, visits: int) -> None:
    assert len(play(lambda t: [] if 5 <= t < 5 + gap else [(1, 600, 400)], 20)) == visits


@pytest.mark.parametrize("gap", [0.1, 1.0, 2.5])
def test_a_person_found_again_under_another_id_stays_in_the_visit(gap: float) -> None:
    def scene(t: float) -> list[Person]:
        return [] if 8 < t <= 8 + gap else [(1 if t <= 8 else 2, in_and_out(t), 400)]

    assert times(play(scene, 20)) == [(2.0, 16.0)]


def test_an_id_that_changes_far_away_is_another_person() -> None:
    visits = play(lambda t: [(1, 450, 400)] if t <= 8 else [(2, 750, 400)], 16)
    assert times(visits) == [(0.0, 8.0), (8.1, 16.0)]


def test_two_tracks_of_one_person_for_a_moment_are_one_visit() -> None:
    def scene(t: float) -> list[Person]:
        return [*([(1, 600.0, 400.0)] if t <= 8 else []), *([(2, 606.0, 402.0)] if t >= 7.5 else [])]

    assert times(play(scene, 16)) == [(0.0, 16.0)]


def test_two_who_stand_side_by_side_are_two_also_when_one_goes() -> None:
    visits = play(lambda t: [(1, 550, 400), *([(2, 620.0, 400.0)] if t <= 8 else [])], 20)
    assert times(visits) == [(0.0, 8.0), (0.0, 20.0)]


def test_who_passes_through_quickly_or_flickers_is_no_visit() -> None:
    corner = Zone("corner", ((400.0, 100.0), (450.0, 100.0), (450.0, 650.0), (400.0, 650.0)))
    assert play(lambda t: [(1, 200 + 100 * t, 400)], 6, zones=[corner]) == []
    assert len(play(lambda t: [(1, 200 + 100 * t, 400)], 6, zones=[corner], config=ZoneSettings(min_visit=0.3))) == 1
    assert play(lambda t: [(1, 600, 400)] if 3 <= t < 3.6 else [], 10) == []


def test_a_narrow_zone_has_an_inside_too() -> None:
    mat = Zone("mat", ((500.0, 380.0), (700.0, 380.0), (700.0, 410.0), (500.0, 410.0)))  # half the band is 16 px
    assert times(play(lambda t: [(1, 600, 395 if t >= 2 else 300)], 10, zones=[mat])) == [(1.98, 10.0)]


def test_a_visit_is_reported_when_it_is_surely_over_and_not_before() -> None:
    rule = ZoneVisitRule([QUEUE])
    assert play(lambda t: [(1, in_and_out(t), 400)], 18.5, rule=rule, flush=False) == []
    assert len(play(lambda t: [], 1, rule=rule, begin=18.6, flush=False)) == 1
    assert rule.flush() == []


def test_everybody_in_the_zone_and_who_loiters() -> None:
    rule = ZoneVisitRule([QUEUE], ZoneSettings(loiter=10))
    play(lambda t: [(1, 500, 400), *([(2, 650.0, 400.0)] if t > 8 else [])], 12, rule=rule, flush=False)
    occupancy = rule.occupancy()["queue"]
    assert (occupancy.people, occupancy.loitering) == (2, 1)
    assert occupancy.longest == pytest.approx(12.0)
    play(lambda t: [], 2, rule=rule, begin=12.1, flush=False)
    assert rule.occupancy()["queue"].people == 2  # out of sight for a moment
    play(lambda t: [], 2, rule=rule, begin=14.2, flush=False)
    assert rule.occupancy()["queue"] == ZoneOccupancy(0, 0, 0.0)


def test_somebody_first_seen_at_the_border_gets_the_side_they_are_on_on_average() -> None:
    assert len(play(lambda t: [(1, 406, 400)], 20)) == 1
    assert play(lambda t: [(1, 394, 400)], 20) == []


def test_ids_of_another_epoch_are_other_people() -> None:
    rule = ZoneVisitRule([QUEUE])
    first = play(lambda t: [(1, 600, 400)], 5, rule=rule, flush=False)
    second = play(lambda t: [(1, 600, 400)], 5, rule=rule, begin=5.1, epoch=2)
    assert times(first + second) == [(0.0, 5.0), (5.1, 10.1)]


@pytest.mark.parametrize("begin", [-100.0, 600.0])
def test_a_clock_set_back_and_a_gap_end_the_visits_where_they_were_last_seen(begin: float) -> None:
    rule = ZoneVisitRule([QUEUE])
    first = play(lambda t: [(1, 600, 400)], 5, rule=rule, flush=False)
    second = play(lambda t: [(1, 600, 400)], 5, rule=rule, begin=begin)
    assert times(first + second) == [(0.0, 5.0), (begin, begin + 5.0)]


def test_several_zones_are_independent() -> None:
    shelf = replace(QUEUE, name="shelf", corners=((600.0, 0.0), (1000.0, 0.0), (1000.0, 700.0), (600.0, 700.0)))
    visits = play(lambda t: [(1, 200 + 100 * t, 400)], 10, zones=[QUEUE, shelf])
    assert {(v.zone, *times([v])[0]) for v in visits} == {("queue", 2.0, 6.0), ("shelf", 4.0, 8.0)}


def test_broken_boxes_and_an_id_given_twice_do_no_harm() -> None:
    rule = ZoneVisitRule([QUEUE])
    good = (568.0, 240.0, 632.0, 400.0)
    for i in range(50):
        boxes = np.array([good, (600, 240, 500, 400), (np.nan, 0, 10, 10), (100, 240, 164, 400)], np.float32)
        rule.update(START + i * 100_000_000, 1, boxes, np.array([1, 2, 3, 1]), SIZE)
    assert rule.occupancy()["queue"].people == 1
    assert len(rule.flush()) == 1


def test_memory_does_not_grow_with_the_number_of_people() -> None:
    rule = ZoneVisitRule([QUEUE])
    found = play(lambda t: [(int(t / 2) + 1, 410 + 190 * (t % 2), 400)], 3000, 5, rule=rule)
    assert len(found) == 1501 - (3000 % 2 == 0)
    assert rule.remembered == 0
    most = 0
    for i in range(2000):
        box = np.array([(568, 240, 632, 400)], np.float32)
        rule.update(START + i * 100_000_000, 1, box + np.float32(400 * (i % 2)), np.array([i]), SIZE)
        most = max(most, rule.remembered)
    assert most < 40


@settings(max_examples=40, deadline=None)
@given(
    enter=st.floats(2, 10),
    stay=st.floats(2, 30),
    jitter=st.floats(0, 4),
    fps=st.sampled_from([4, 10, 25]),
    seed=st.integers(0, 1000),
)
def test_any_visit_is_one_visit_of_the_right_length(
    enter: float, stay: float, jitter: float, fps: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)

    def scene(t: float) -> list[Person]:
        walked = 150 * (t - enter) if t < enter + stay / 2 else -150 * (t - enter - stay)
        x = 400 + min(200.0, walked)
        return [(1, x + float(rng.normal(0, jitter)), 400 + float(rng.normal(0, jitter)))]

    (visit,) = play(scene, enter + stay + 5, fps, config=ZoneSettings(min_visit=0.5))
    ((entered, left),) = times([visit])
    assert entered == pytest.approx(enter, abs=0.4)
    assert left == pytest.approx(enter + stay, abs=0.4)
