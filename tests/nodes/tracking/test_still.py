"""Tracks that never move are left out; a person who stood still is shown again as soon as they move."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from metrica import testing
from metrica.messages import Detections, Header, Thresholds
from metrica.nodes.tracking.bytetrack import ByteTrack
from metrica.nodes.tracking.bytetrack_tracker import ByteTracker
from metrica.nodes.tracking.ocsort_tracker import OcSortTracker
from metrica.nodes.tracking.still import MovingOnly
from metrica.nodes.tracking.tracker import TrackedBoxes, Tracker

THRESHOLDS = Thresholds(new=0.6, keep=0.5, low=0.1)
WIDTH, HEIGHT = 60.0, 160.0
AFTER = 60.0
Place = tuple[float, float]
Scene = Callable[[float], list[Place]]
"""The centres of the boxes at a time, seconds."""


def play(
    scene: Scene, seconds: float, fps: float = 10.0, jitter: float = 0.0, tracker: Tracker | None = None
) -> list[tuple[float, TrackedBoxes]]:
    """What the tracker returns for each frame of a scene, with the times."""
    tracker = tracker or MovingOnly(ByteTracker(), AFTER)
    rng = np.random.default_rng(0)
    told: list[tuple[float, TrackedBoxes]] = []
    for i in range(round(seconds * fps) + 1):
        centre = np.array(scene(i / fps), np.float64).reshape(-1, 2)
        half = np.array([WIDTH / 2, HEIGHT / 2])
        boxes = np.concatenate((centre - half, centre + half), axis=1) + rng.normal(0, jitter, (len(centre), 4))
        scores = np.full(len(boxes), 0.9, np.float32)
        told.append((i / fps, tracker.update(boxes.astype(np.float32), scores, 1000 + i / fps, THRESHOLDS)))
    return told


def times(told: list[tuple[float, TrackedBoxes]], track: int = 1) -> list[float]:
    return [t for t, found in told if track in found.ids]


@pytest.mark.parametrize("fps", [1, 5, 15])
def test_a_mannequin_is_left_out_after_so_many_seconds_at_any_frame_rate(fps: float) -> None:
    seen = times(play(lambda t: [(500, 400)], 90, fps, jitter=1.5))
    assert seen[-1] == pytest.approx(AFTER, abs=1.1 / fps)


def test_a_mannequin_stays_left_out_for_an_hour_and_the_people_before_it_do_not() -> None:
    def scene(t: float) -> list[Place]:
        visitor = [(300 + 50 * (t % 10), 600.0)] if t % 300 < 10 else []
        return [(500, 200), *visitor]

    told = play(scene, 3599, fps=3, jitter=1.5)
    assert times(told)[-1] <= AFTER + 1
    visitors = {int(i) for t, found in told if t > 100 for i in found.ids}
    assert len(visitors) == 11  # one every five minutes, and nobody else


@pytest.mark.parametrize("minutes", [2, 10])
def test_who_stood_still_is_back_at_once_when_they_move_and_has_the_same_id(minutes: float) -> None:
    begins = 60.0 * minutes
    told = play(lambda t: [(500 + 80 * max(t - begins, 0.0), 400)], begins + 4, jitter=1.0)
    seen = times(told)
    gone = [t for t in seen if t <= AFTER + 0.2]
    back = [t for t in seen if t > AFTER + 0.2]
    assert gone[-1] == pytest.approx(AFTER, abs=0.2)
    assert back[0] - begins <= 0.3
    assert np.diff(back).max() < 0.11
    assert {int(i) for _, found in told for i in found.ids} == {1}
    assert told[-1][1].ages.tolist() == [len(told)]


def test_who_sways_as_people_do_is_never_left_out() -> None:
    told = play(lambda t: [(500 + 9 * np.sin(t / 3), 400)], 600, fps=4)
    assert len(times(told)) == len(told)


def test_somebody_who_passes_it_does_not_wake_a_mannequin_for_long() -> None:
    # For half a second its box is pulled aside, as by somebody who walks by.
    told = play(lambda t: [(520 if 100 < t < 100.5 else 500, 400)], 130)
    woken = [t for t in times(told) if t > AFTER + 0.2]
    assert woken
    assert woken[-1] < 101.5


def test_a_mannequin_that_the_tracker_loses_is_known_again_under_its_new_id() -> None:
    told = play(lambda t: [] if 100 < t < 160 else [(500, 400)], 220)
    assert {int(i) for t, found in told if t > AFTER + 1 for i in found.ids} == set()


def test_somebody_new_at_the_place_of_a_mannequin_counts_when_they_stand_otherwise() -> None:
    told = play(lambda t: [] if 100 < t < 110 else [(500, 400) if t <= 100 else (512, 400)], 112)
    assert [i for t, found in told if t > 110.2 for i in found.ids]


def test_it_works_for_other_trackers_and_reset_forgets_everything() -> None:
    tracker = MovingOnly(OcSortTracker(), AFTER)
    assert len(times(play(lambda t: [(500, 400)], 90, 4, tracker=tracker))) == pytest.approx(AFTER * 4, abs=3)
    tracker.reset()
    assert tracker.remembered == 0
    assert len(times(play(lambda t: [(500, 400)], 30, 4, tracker=tracker))) == 121


def test_memory_does_not_grow_with_the_people_who_pass() -> None:
    tracker = MovingOnly(ByteTracker(), 5.0)
    play(lambda t: [(100 + 60 * (t % 15), 100 + 8 * (t // 15) % 600), (100, 650)], 900, 4, tracker=tracker)
    assert tracker.remembered < 5


@pytest.mark.parametrize(("still_after", "shown"), [(0.0, 101), (5.0, 50)])
def test_the_node_leaves_still_things_out_only_where_it_is_asked_to(still_after: float, shown: int) -> None:
    with testing.run(ByteTrack(still_after=still_after)) as bench:
        for i in range(101):
            bench.send(
                "detections",
                Detections(
                    header=Header(stamp=testing.START + i * 100_000_000, seq=i, epoch=1, camera="door"),
                    boxes=np.array([[100, 100, 160, 260]], np.float32),
                    scores=np.full(1, 0.9, np.float32),
                    size=(1280, 720),
                    thresholds=THRESHOLDS,
                ),
            )
        tracks = bench.sent("tracks")
    assert len(tracks) == 101  # one message for each frame, also when nobody is there
    assert sum(len(t.ids) for t in tracks) == pytest.approx(shown, abs=1)
