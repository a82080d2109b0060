"""The box's clock is set while people are counted: every event arrives once, with its right time, and is never lost."""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from metrica import testing
from metrica.messages import Crossing, Header, Tracks
from metrica.nodes.counting.line_counter import LineCounter
from metrica.nodes.delivery.delivery import Delivered, Delivery, Failed
from metrica.nodes.delivery.uploader import Uploader
from metrica.nodes.delivery.watching_uploader import WatchingUploader
from tests.nodes.delivery.clocks import (
    HOUR,
    SECOND,
    TO_1970,
    arrived,
    beat,
    context,
    counter,
    ingest,
    passed_line,
)
from tests.nodes.delivery.test_uploader import TOKEN, counts, until

# --- one step


@pytest.mark.parametrize("wrong", [TO_1970, TO_1970 + 17_000, -3600.0, -7 * 86_400.0, 5 * 3600.0, 86_400 * 400.0])
def test_what_was_stamped_before_the_clock_was_set_has_its_right_time(tmp_path: Path, wrong: float) -> None:
    clock = testing.FakeClock()
    clock.step(wrong)
    with counter(tmp_path, clock) as walkers, ingest(tmp_path, clock) as (url, database):
        walkers.walk(26)
        clock.step(-wrong)
        walkers.walk(10)
        assert len(walkers.true) >= 8
        with testing.run(Uploader(url=url, token=TOKEN, max_age=0), context=context(tmp_path), clock=clock) as bench:
            until(lambda: counts(tmp_path) == (0, len(walkers.true), 0), bench)
        found = arrived(database)
    assert found.keys() == walkers.true.keys()
    assert all(passed_line(walkers.true[event], found[event]) for event in found)


def test_while_the_clock_says_1970_events_wait_and_the_box_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    clock = testing.FakeClock()
    clock.step(TO_1970)
    with counter(tmp_path, clock) as walkers, ingest(tmp_path, clock) as (url, database):
        node = Uploader(url=url, token=TOKEN, max_age=0)
        with testing.run(node, context=context(tmp_path), clock=clock) as bench:
            walkers.walk(26)
            bench.advance(5)
            assert "this box's clock says 1970-01-01 00:00 UTC, which cannot be" in node.present_trouble
            assert arrived(database) == {} and counts(tmp_path) == (len(walkers.true), 0, 0)
            clock.step(-TO_1970)
            until(lambda: counts(tmp_path) == (0, len(walkers.true), 0), bench)
            assert node.present_trouble == ""
        found = arrived(database)
    assert all(passed_line(walkers.true[event], found[event]) for event in walkers.true)
    assert caplog.text.count("which cannot be") == 1 and caplog.text.count("the clock was set by") == 1


def test_a_box_that_no_time_service_ever_set_delivers_all_the_same(tmp_path: Path) -> None:
    clock = testing.FakeClock(synchronised=False)
    with counter(tmp_path, clock) as walkers, ingest(tmp_path, clock) as (url, database):
        walkers.walk(10)
        with testing.run(Uploader(url=url, token=TOKEN, max_age=0), context=context(tmp_path), clock=clock) as bench:
            until(lambda: counts(tmp_path)[0] == 0, bench)
        assert arrived(database).keys() == walkers.true.keys()


# --- recordings


def test_a_recording_keeps_its_own_times(tmp_path: Path) -> None:
    clock = testing.FakeClock()
    with testing.run(LineCounter(line=(640, 720, 640, 0)), clock=clock) as bench:
        for i in range(40):
            x = 400 + 10.0 * i
            header = Header(stamp=testing.START - 50 * HOUR + i * SECOND // 10, mono=7 + i * 1000, epoch=1, camera="d")
            boxes = np.array([[x - 30, 340, x + 30, 500]], np.float32)
            one = np.ones(1)
            bench.send(
                "tracks",
                Tracks(
                    header=header,
                    boxes=boxes,
                    ids=one.astype(np.int64),
                    scores=one.astype(np.float32),
                    ages=np.array([i + 1], np.int32),
                    size=(1280, 720),
                ),
            )
        (crossing,) = bench.sent("crossings")
    assert crossing.uptime == 0


# --- steps at any moment


moves = st.lists(
    st.one_of(
        st.tuples(st.just("walk"), st.integers(1, 9)),
        st.tuples(st.just("set"), st.integers(-30 * 3600, 30 * 3600)),
        st.tuples(st.just("restart"), st.integers(0, 1)),
        st.tuples(st.just("right"), st.just(0)),
    ),
    min_size=2,
    max_size=8,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(moves, st.sampled_from([0.0, TO_1970, -9 * 3600.0, 4 * 3600.0]))
def test_whenever_the_clock_is_set_and_the_uploader_starts_nothing_is_lost_doubled_or_dated_wrong(
    script: list[tuple[str, int]], wrong: float
) -> None:
    """No event is sent while the clock is wrong, for the network is away; in the end the clock is right."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clock = testing.FakeClock()
        clock.step(wrong)
        with counter(folder, clock) as walkers:
            node = Uploader(url="http://127.0.0.1:9", token=TOKEN, retry_limit=3600.0, retry_first=3600.0)
            for move, amount in script:
                if move == "walk":
                    walkers.walk(amount)
                elif move == "set":
                    clock.step(amount)
                elif move == "right":
                    clock.ahead = 0
                else:
                    with testing.run(node, context=context(folder), clock=clock) as bench:
                        bench.advance(amount)
            walkers.walk(5)
            clock.ahead = 0
            walkers.walk(1)
            sent: list[Crossing] = []
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(Delivery, "send", lambda self, crossings, **_: sent.extend(crossings) or Delivered())
                uploader = Uploader(url="http://127.0.0.1:9", token=TOKEN, max_age=0)
                with testing.run(uploader, context=context(folder), clock=clock) as bench:
                    until(lambda: counts(folder) == (0, len(walkers.true), 0), bench, step=1)
        assert sorted(c.id for c in sent) == sorted(walkers.true)
        wrong_times = {c.id: (c.time - walkers.true[c.id]) / SECOND for c in sent}
        assert all(passed_line(0, round(off * SECOND)) for off in wrong_times.values()), wrong_times


# --- coverage


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.integers(-30 * 3600, 30 * 3600), max_size=3), st.sampled_from([0.0, TO_1970, -7200.0]))
def test_coverage_is_dated_by_the_same_rule(steps: list[int], wrong: float) -> None:
    with tempfile.TemporaryDirectory() as name:
        clock = testing.FakeClock(nanoseconds=testing.START + SECOND)
        clock.step(wrong)
        began, told = clock.nanoseconds, list[tuple[int, int]]()

        def tell(self: Delivery, spans: object, **_: object) -> Delivered | Failed:
            told.extend((span.start, span.end) for span in spans)  # type: ignore[attr-defined]
            return Delivered()

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Delivery, "send_coverage", tell)
            node = WatchingUploader(url="http://127.0.0.1:9", token=TOKEN)
            with testing.run(node, context=context(Path(name)), clock=clock) as bench:
                for n, step in enumerate([*steps, 0]):
                    for second in range(10):
                        clock.advance(1)
                        bench.send("heartbeats", beat(clock, 20 * n + 2 * second + 1))
                    clock.step(step)
                clock.ahead = 0
                end = clock.nanoseconds
        assert told == [(began + SECOND, end)]
