"""What every tracker must do with hand-made boxes, at 30 frames/s and at 5."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import pytest

from metrica.messages import Thresholds
from metrica.nodes.tracking.bytetrack_tracker import ByteTracker, ByteTrackSettings
from metrica.nodes.tracking.frame_clock import FrameClock
from metrica.nodes.tracking.ocsort_tracker import OcSortTracker
from metrica.nodes.tracking.sort_tracker import SortTracker, box_filter, transition
from metrica.nodes.tracking.tracker import TrackedBoxes, Tracker

LIMITS = Thresholds(new=0.6, keep=0.5, low=0.1)
Box = tuple[float, float, float, float]
all_trackers = pytest.mark.parametrize("make", [ByteTracker, OcSortTracker, SortTracker])


def at(x: float, y: float = 300.0, height: float = 160.0) -> Box:
    """The box of a person whose feet are at (x, y)."""
    return (x - 0.2 * height, y - height, x + 0.2 * height, y)


def see(tracker: Tracker, time: float, boxes: Iterable[Box], scores: Iterable[float] | None = None) -> TrackedBoxes:
    array = np.array(list(boxes), np.float32).reshape(-1, 4)
    given = np.full(len(array), 0.9, np.float32) if scores is None else np.array(list(scores), np.float32)
    return tracker.update(array, given, time, LIMITS)


def walk(tracker: Tracker, fps: float, seconds: float, speed: float = 130.0) -> list[TrackedBoxes]:
    """An empty frame, then a person who walks to the right; speed in pixels per second."""
    seen = [see(tracker, 0.0, [])]
    return seen + [see(tracker, i / fps, [at(100 + speed * i / fps)]) for i in range(1, round(seconds * fps))]


@all_trackers
@pytest.mark.parametrize("fps", [2, 5, 10, 30, 60])
def test_a_walker_is_one_track_at_any_frame_rate(make: Callable[[], Tracker], fps: float) -> None:
    frames = walk(make(), fps, 5.0)
    ids = {int(i) for frame in frames for i in frame.ids}
    assert ids == {1}
    late = [frame for i, frame in enumerate(frames) if i / fps > max(0.2, 2.5 / fps)]
    assert all(len(frame.ids) == 1 for frame in late)


@all_trackers
def test_who_is_hidden_for_half_a_second_keeps_the_id(make: Callable[[], Tracker]) -> None:
    for fps in (5, 30):
        tracker = make()
        times = [i / fps for i in range(fps * 3)]
        frames = [see(tracker, t, [] if 1.5 <= t < 2.0 else [at(100 + 60 * t)]) for t in times]
        assert not any(len(frame.ids) for t, frame in zip(times, frames, strict=True) if 1.5 <= t < 2.0)
        assert frames[-1].ids.tolist() == [1]


@all_trackers
def test_who_is_away_longer_than_the_buffer_is_somebody_new(make: Callable[[], Tracker]) -> None:
    for fps in (5, 30):
        tracker = make()
        frames = [see(tracker, i / fps, [] if 1.5 <= i / fps < 3.5 else [at(100)]) for i in range(fps * 5)]
        assert frames[-1].ids.tolist() == [2]


@all_trackers
def test_missing_frames_are_time_that_passes(make: Callable[[], Tracker]) -> None:
    tracker = make()
    times = [i / 30 for i in range(30)] + [0.967 + 0.5 + i / 30 for i in range(10)]
    frames = [see(tracker, t, [at(100 + 200 * t)]) for t in times]
    assert frames[-1].ids.tolist() == [1]
    np.testing.assert_allclose(frames[-1].boxes[0], at(100 + 200 * times[-1]), atol=12)


@all_trackers
def test_one_flash_of_a_box_is_nobody(make: Callable[[], Tracker]) -> None:
    tracker = make()
    see(tracker, 0.0, [])
    see(tracker, 0.1, [])
    seen = [see(tracker, 0.2 + i / 30, [at(100)] if i == 0 else []) for i in range(10)]
    assert not any(len(frame.ids) for frame in seen)


@all_trackers
def test_two_who_pass_each_other_keep_their_ids(make: Callable[[], Tracker]) -> None:
    tracker = make()
    frames = [see(tracker, i / 30, [at(100 + 100 * i / 30, 300), at(400 - 100 * i / 30, 330)]) for i in range(90)]
    early, late = (dict(zip(f.ids.tolist(), f.boxes[:, 0].tolist(), strict=True)) for f in (frames[10], frames[-1]))
    assert set(early) == set(late)
    first, second = sorted(early, key=lambda i: early[i])
    assert late[first] > late[second]


@all_trackers
def test_ages_count_frames_from_the_first(make: Callable[[], Tracker]) -> None:
    frames = walk(make(), 30, 1.0)
    ages = [int(a) for frame in frames for a in frame.ages]
    assert ages == list(range(ages[0], ages[0] + len(ages)))
    assert frames[-1].ages.tolist() == [len(frames) - 1]


@all_trackers
def test_reset_starts_again_at_one(make: Callable[[], Tracker]) -> None:
    tracker = make()
    walk(tracker, 30, 1.0)
    tracker.reset()
    assert see(tracker, 5.0, [at(700)]).ids.tolist() == [1]


@all_trackers
def test_boxes_that_are_none_are_left_out(make: Callable[[], Tracker]) -> None:
    tracker = make()
    bad: list[Box] = [(10, 10, 10, 50), (30, 50, 60, 40), (float("nan"), 0, 10, 10), (0, 0, float("inf"), 9)]
    for i in range(5):
        seen = see(tracker, i / 30, [*bad, at(200)])
        assert len(seen.ids) == 1
        assert np.isfinite(seen.boxes).all()


@all_trackers
def test_a_clock_that_runs_backwards_loses_nobody(make: Callable[[], Tracker]) -> None:
    tracker = make()
    times = [i / 30 for i in range(30)] + [i / 30 for i in range(30)]
    frames = [see(tracker, time, [at(100 + 2 * i)]) for i, time in enumerate(times)]
    assert frames[-1].ids.tolist() == [1]


@all_trackers
def test_arrays_have_the_types_of_the_message(make: Callable[[], Tracker]) -> None:
    for boxes in ([], [at(100)]):
        seen = see(make(), 0.0, boxes)
        assert (seen.boxes.dtype, seen.ids.dtype, seen.scores.dtype, seen.ages.dtype) == (
            np.float32,
            np.int64,
            np.float32,
            np.int32,
        )
        assert seen.boxes.shape == (len(boxes), 4)


def test_bytetrack_follows_doubtful_boxes_but_starts_no_track_with_them() -> None:
    tracker = ByteTracker()
    for i in range(30):
        doubtful = 10 <= i < 20
        seen = see(tracker, i / 30, [at(100 + 3 * i), at(600)], [0.2 if doubtful else 0.9, 0.3])
        if i > 0:
            assert seen.ids.tolist() == [1]


def test_sort_starts_and_continues_by_the_thresholds_of_the_model() -> None:
    tracker = SortTracker()
    frames = [see(tracker, i / 30, [at(100), at(400), at(700)], [0.9, 0.55, 0.3]) for i in range(10)]
    assert len(frames[-1].ids) == 1


def test_a_model_that_scores_low_is_tracked_by_its_own_thresholds() -> None:
    tracker, limits = ByteTracker(), Thresholds(new=0.3, keep=0.2, low=0.05)
    score = np.array([0.32], np.float32)
    frames = [tracker.update(np.array([at(100 + 4 * i)], np.float32), score, i / 30, limits) for i in range(30)]
    assert frames[-1].ids.tolist() == [1]


def test_of_two_tracks_on_one_person_the_older_stays() -> None:
    tracker = ByteTracker(ByteTrackSettings(match=0.9, match_far=0.95))
    for i in range(10):
        see(tracker, i / 30, [at(100)])
    # Too far for match=0.9: a second track, until they are found to be one.
    frames = [see(tracker, i / 30, [at(115)]) for i in range(10, 16)]
    assert len(frames[-1].ids) == 1


def test_sort_measures_the_first_four_of_seven() -> None:
    kf = box_filter(np.array([10.0, 20.0, 300.0, 0.5]))
    assert np.array_equal(kf.H, np.hstack((np.eye(4), np.zeros((4, 3)))))
    expected = np.eye(7)
    expected[0, 4] = expected[1, 5] = expected[2, 6] = 3.0
    assert np.array_equal(transition(3.0), expected)


def test_a_frame_clock_counts_pauses_once_and_never_goes_back() -> None:
    clock = FrameClock(longest=5.0)
    assert clock.step(100.0) == 0.0
    assert clock.step(100.5) == 0.5
    assert clock.step(1000.0) == 5.0
    assert 0 < clock.step(3.0) < 1.0
    assert clock.step(3.25) == 0.25
    assert clock.frames == 5


def test_ocsort_knows_who_is_who_by_the_way_they_walked() -> None:
    # Two who meet, in the same place for a moment and hidden behind each other, both walk on.
    tracker = OcSortTracker()
    frames = []
    for i in range(60):
        left, right = at(100 + 6 * i), at(454 - 6 * i)
        frames.append(see(tracker, i / 30, [left] if 25 <= i <= 34 else [left, right]))
    first, last = (dict(zip(f.ids.tolist(), f.boxes[:, 0].tolist(), strict=True)) for f in (frames[5], frames[-1]))
    assert set(first) == set(last) == {1, 2}
    assert (first[1] < first[2]) != (last[1] < last[2])


def test_ocsort_finds_again_who_turned_while_hidden_and_follows_the_new_way() -> None:
    tracker = OcSortTracker()
    for i in range(30):
        see(tracker, i / 30, [at(100 + 4 * i)])
    for i in range(30, 42):
        see(tracker, i / 30, [])
    # Where the motion model says 260 he is at 214, and walks back.
    frames = [see(tracker, i / 30, [at(214 - 4 * (i - 42))]) for i in range(42, 60)]
    assert all(frame.ids.tolist() == [1] for frame in frames)
    np.testing.assert_allclose(frames[3].boxes[0], at(214 - 12), atol=6)


def test_a_person_behind_another_is_told_apart_by_the_height_at_which_the_feet_are() -> None:
    tracker = ByteTracker()
    for i in range(30):
        see(tracker, i / 30, [at(300, 300, 160), at(310, 325, 165)])
    seen = see(tracker, 1.0, [at(306, 325, 165)])
    assert seen.ids.tolist() == [2]
