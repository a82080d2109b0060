"""Uptime of what was seen, whatever the clock said: on live frames, on those on the way while it was set, in films."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrica import testing
from metrica.messages import Header
from metrica.nodes.counting.live_time import LiveTime

SECOND = 1_000_000_000


def frame(clock: testing.FakeClock, late: float = 0.0) -> Header:
    """A frame that was taken now; `late`: by how many seconds the second clock was read later."""
    return Header(stamp=clock.now(), mono=clock.monotonic() + round(late * SECOND), camera="door")


def started() -> testing.FakeClock:
    return testing.FakeClock(nanoseconds=testing.START + 1000 * SECOND)


@pytest.mark.parametrize("late", [0.0, 0.03, 0.9])
def test_uptime_is_that_of_the_stamp_however_late_the_other_clock_was_read(late: float) -> None:
    clock = started()
    header, live = frame(clock), LiveTime(clock)
    assert live.read(frame(clock, late)) == (late < 0.02)
    assert live.uptime(header.stamp - 5 * SECOND) == clock.uptime() - 5 * SECOND


@given(st.lists(st.integers(-100_000, 100_000).filter(lambda s: abs(s) > 3), max_size=5))
def test_frames_on_the_way_while_the_clock_was_set_keep_their_uptime(steps: list[int]) -> None:
    clock = started()
    live = LiveTime(clock)
    live.read(frame(clock))
    for step in steps:
        on_the_way = [frame(clock) for _ in range(3)]
        uptime = clock.uptime()
        clock.step(step)
        clock.advance(0.2)
        for header in on_the_way:
            live.read(header)
            assert live.uptime(header.stamp) == uptime
        after = frame(clock)
        assert live.read(after) and live.uptime(after.stamp) == clock.uptime()


def test_a_film_that_was_taken_at_another_time_or_has_one_clock_only_has_no_uptime() -> None:
    clock = started()
    live = LiveTime(clock)
    for header in (
        Header(stamp=clock.now() - 3600 * SECOND, mono=clock.monotonic()),
        Header(stamp=clock.now() + 3600 * SECOND, mono=clock.monotonic()),
        Header(stamp=clock.now()),
    ):
        assert not live.read(header)
        assert live.uptime(header.stamp) == 0


def test_time_asleep_is_part_of_uptime() -> None:
    class Sleeper(testing.FakeClock):
        def uptime(self) -> int:
            return self.monotonic() + 7200 * SECOND

    clock = Sleeper(nanoseconds=testing.START + 1000 * SECOND)
    live = LiveTime(clock)
    assert live.read(frame(clock))
    assert live.uptime(clock.now()) == clock.uptime()
