"""The clock is set while people are counted: nobody is lost, and times and durations stay right."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from metrica import testing
from metrica.messages import Detections, Header, Thresholds, Tracks
from metrica.nodes.counting.line_counter import LineCounter
from metrica.nodes.counting.zone_counter import ZoneCounter
from metrica.nodes.tracking.bytetrack import ByteTrack
from metrica.steady_time import SteadyTime

SECOND = 1_000_000_000
LINE = (640, 720, 640, 0)
steps = pytest.mark.parametrize("step", [-3600, -4, -1, 1, 4, 3600, 31_536_000])


def header(i: int, step: int, at: int, mono: int | None = None) -> Header:
    """The header of frame i of a camera with 10 frames/s whose clock is moved by `step` seconds before frame `at`."""
    stamp = testing.START + i * SECOND // 10 + (step * SECOND if i >= at else 0)
    return Header(stamp=stamp, mono=77 + i * SECOND // 10 if mono is None else mono, seq=i, epoch=1, camera="door")


def walker(i: int, step: int, at: int) -> Tracks:
    """The track of a person who crosses the line in frame 24, in frame i."""
    x = 400 + 10.0 * i
    return Tracks(
        header=header(i, step, at),
        boxes=np.array([[x - 30, 340, x + 30, 500]], np.float32),
        ids=np.ones(1, np.int64),
        scores=np.full(1, 0.9, np.float32),
        ages=np.full(1, i + 1, np.int32),
        size=(1280, 720),
    )


@steps
@pytest.mark.parametrize("at", [20, 24, 25, 26])
def test_who_is_on_the_line_while_the_clock_is_set_is_counted_in_the_new_time(step: int, at: int) -> None:
    with testing.run(LineCounter(line=LINE)) as bench:
        bench.send("tracks", *(walker(i, step, at) for i in range(40)))
        (crossing,) = bench.sent("crossings")
    assert crossing.direction == "in"
    expected = testing.START + (2.4 + step) * SECOND
    assert abs(crossing.time - expected) < 0.06 * SECOND


def test_a_crossing_that_was_sure_before_keeps_the_time_that_it_had() -> None:
    with testing.run(LineCounter(line=LINE)) as bench:
        bench.send("tracks", *(walker(i, 3600, 35) for i in range(40)))
        (crossing,) = bench.sent("crossings")
    assert abs(crossing.time - testing.START - 2.4 * SECOND) < 0.06 * SECOND


@steps
def test_a_track_goes_on_while_the_clock_is_set(step: int) -> None:
    with testing.run(ByteTrack()) as bench:
        for i in range(40):
            tracks = walker(i, step, 20)
            bench.send(
                "detections",
                Detections(
                    header=tracks.header,
                    boxes=tracks.boxes,
                    scores=tracks.scores,
                    size=tracks.size,
                    thresholds=Thresholds(new=0.6, keep=0.5, low=0.1),
                ),
            )
        assert {int(i) for t in bench.sent("tracks") for i in t.ids} == {1}
        assert bench.sent("tracks")[-1].ages.tolist() == [40]


@steps
def test_a_stay_lasts_as_long_as_it_lasted(step: int) -> None:
    zone = {"all": [(0, 0), (1280, 0), (1280, 720), (0, 720)]}
    with testing.run(ZoneCounter(zones=zone)) as bench:
        bench.send("tracks", *(walker(i, step, 20) for i in range(40)))
    (visit,) = bench.sent("visits")
    assert visit.left - visit.entered == 39 * SECOND // 10
    assert visit.left == header(39, step, 20).stamp


def test_a_pause_of_the_camera_is_time_that_passes() -> None:
    time = SteadyTime()
    late = [header(i, 0, 0) for i in range(20)]
    late += [replace(h, stamp=h.stamp + 60 * SECOND, mono=h.mono + 60 * SECOND) for h in late]
    assert [time.read(h) for h in late] == [h.stamp for h in late]


@pytest.mark.parametrize("reading", [0.0, 0.003, 0.03, 0.35])
def test_a_gap_in_a_recording_that_is_read_fast_is_time_that_passes(reading: float) -> None:
    """`mono` is when a frame was read, so it does not show the gap."""
    time = SteadyTime()
    frames = [header(i, 30, 20, mono=round(i * reading * SECOND)) for i in range(40)]
    assert [time.read(h) for h in frames] == [h.stamp for h in frames]


def test_several_steps_add_up_and_can_be_undone() -> None:
    time = SteadyTime()
    frames = [header(i, 50, 20) for i in range(40)]
    frames += [replace(header(i, -7, 40), stamp=header(i, -7, 40).stamp) for i in range(40, 60)]
    read = [time.read(h) for h in frames]
    assert np.diff(read).tolist() == [SECOND // 10] * 59
    assert time.to_stamp(read[-1]) == frames[-1].stamp


def test_a_clock_that_is_set_in_the_first_second_of_a_camera_is_no_time_that_passes() -> None:
    time = SteadyTime()
    read = [time.read(header(i, 3600, 3), live=True) for i in range(9)]
    assert np.diff(read).tolist() == [SECOND // 10] * 8
