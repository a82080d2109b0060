"""The box's clock is set while people are counted: every event arrives once, with its right time, and is never lost."""

from __future__ import annotations

import contextlib
import json
import logging
import tempfile
import time
from collections.abc import Generator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from metrica import testing
from metrica.context import Context
from metrica.dashboard.ingest.app import create_app
from metrica.dashboard.kpis.store import Store
from metrica.dashboard.service.serving import AioServer
from metrica.dashboard.store.database import Database
from metrica.journal import Journal
from metrica.messages import Crossing, Header, Health, Tracks, encode
from metrica.nodes.counting.line_counter import LineCounter
from metrica.nodes.delivery.delivery import Delivered, Delivery, Failed
from metrica.nodes.delivery.uploader import Uploader
from metrica.nodes.delivery.watching_uploader import WatchingUploader
from tests.nodes.delivery.test_uploader import TOKEN, counts, until

SECOND = 1_000_000_000
HOUR = 3600 * SECOND
TO_1970 = -testing.START / SECOND
"""Seconds by which a clock is set back to 1970 at the bench's start."""


@contextlib.contextmanager
def ingest(folder: Path, clock: testing.FakeClock) -> Generator[tuple[str, Database]]:
    """A server whose clock is always right."""
    with Database(folder / "server.db", clock=lambda: clock.nanoseconds) as database:
        database.stores.put(Store("test", "Africa/Tunis"))
        database.tokens.put("test", TOKEN)
        server = AioServer(create_app(database), "127.0.0.1", 0)
        try:
            yield server.address, database
        finally:
            server.stop()


def context(folder: Path) -> Context:
    return Context(store="test", camera="door", timezone="UTC", data=folder)


def arrived(database: Database) -> dict[str, int]:
    return dict(database.rows("SELECT id, time FROM events"))


class Counter:
    """A line counter in front of which somebody walks in every four seconds, 10 pictures a second."""

    def __init__(self, bench: testing.Bench, clock: testing.FakeClock, journal: Path) -> None:
        self.bench, self.clock, self.journal = bench, clock, journal
        self.frame = 0
        self.true: dict[str, int] = {}
        """When each event truly happened, by its id, ns UTC."""

    def walk(self, seconds: float) -> None:
        """Pictures for so long, each counted a tenth of a second after it was taken; the events go to the journal."""
        for _ in range(round(seconds * 10)):
            stamp, mono, truth = self.clock.now(), self.clock.monotonic(), self.clock.nanoseconds
            self.clock.advance(0.1)
            walker, at = divmod(self.frame, 40)
            x = 440 + 10.0 * at
            tracks = Tracks(
                header=Header(stamp=stamp, mono=mono or 1, epoch=1, camera="door"),
                boxes=np.array([[x - 30, 340, x + 30, 500]], np.float32),
                ids=np.array([walker + 1], np.int64),
                scores=np.ones(1, np.float32),
                ages=np.array([at + 1], np.int32),
                size=(1280, 720),
            )
            self.frame += 1
            known = len(self.bench.sent("crossings"))
            self.bench.send("tracks", tracks)
            for crossing in self.bench.sent("crossings")[known:]:
                self.true[crossing.id] = truth
                with Journal(self.journal) as journal:
                    journal.append(crossing.id, "Crossing", encode(crossing))


@contextlib.contextmanager
def counter(folder: Path, clock: testing.FakeClock) -> Generator[Counter]:
    with testing.run(LineCounter(line=(640, 720, 640, 0)), clock=clock, context=context(folder)) as bench:
        yield Counter(bench, clock, folder / "journal.db")


def passed_line(true: int, found: int) -> bool:
    """Whether a time is that of a crossing that was sure at `true`: it is sure within two seconds."""
    return -2 * SECOND <= found - true <= SECOND // 10


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


# --- starts of the machine


def restarted(clock: testing.FakeClock, off: float, *, says: int) -> testing.FakeClock:
    """The clock after the machine was off for so many seconds and its clock says `says`, ns UTC."""
    truth = clock.nanoseconds + round(off * SECOND)
    return Machine(truth, ahead=says - truth, boot_number=clock.boot_number + 1, started=truth)


class Machine(testing.FakeClock):
    """A machine whose uptime begins anew."""

    def __init__(self, nanoseconds: int, *, ahead: int, boot_number: int, started: int) -> None:
        super().__init__(nanoseconds, ahead=ahead, boot_number=boot_number)
        self.started = started

    def monotonic(self) -> int:
        return self.nanoseconds - self.started


def test_an_earlier_start_whose_clock_was_set_in_the_end_is_dated_by_it(tmp_path: Path) -> None:
    first = testing.FakeClock()
    first.step(TO_1970)
    with ingest(tmp_path, first) as (url, database):
        with counter(tmp_path, first) as walkers:
            walkers.walk(26)
        # The network is away; the uploader sees the clock being set, and then the power goes.
        node = Uploader(url="http://127.0.0.1:9", token=TOKEN, max_age=0)
        with testing.run(node, context=context(tmp_path), clock=first) as bench:
            bench.advance(1)
            first.step(-TO_1970)
            bench.advance(1)
        first.advance(5 * 3600)
        second = restarted(first, 0, says=first.nanoseconds)
        with testing.run(Uploader(url=url, token=TOKEN, max_age=0), context=context(tmp_path), clock=second) as bench:
            until(lambda: counts(tmp_path) == (0, len(walkers.true), 0), bench)
        found = arrived(database)
    assert all(passed_line(walkers.true[event], found[event]) for event in walkers.true)


def test_an_earlier_start_whose_clock_was_never_set_is_refused_visibly_and_not_sent(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first = testing.FakeClock()
    first.step(TO_1970)
    with ingest(tmp_path, first) as (url, database):
        with counter(tmp_path, first) as walkers:
            walkers.walk(26)
        node = Uploader(url=url, token=TOKEN, max_age=0)
        with testing.run(node, context=context(tmp_path), clock=first) as bench:
            bench.advance(1)
        second = restarted(first, 3600, says=first.nanoseconds + HOUR)
        with testing.run(Uploader(url=url, token=TOKEN, max_age=0), context=context(tmp_path), clock=second) as bench:
            until(lambda: counts(tmp_path) == (0, 0, len(walkers.true)), bench)
        assert arrived(database) == {}
    with Journal(tmp_path / "journal.db") as journal:
        reasons = {entry.reason for entry in journal.refused(100)}
    assert reasons == {
        "when it happened is not known: the box's clock said 1970-01-01 00:00 UTC, and the box was switched off before "
        "the clock was set"
    }
    assert caplog.text.count("is kept but not sent") == len(walkers.true)


def test_a_box_that_is_usually_set_by_a_time_server_waits_for_it_but_not_for_ever(tmp_path: Path) -> None:
    """Without a battery it starts at the time at which it was switched off."""
    first = testing.FakeClock(synchronised=True)
    with ingest(tmp_path, first) as (url, database):
        with testing.run(Uploader(url=url, token=TOKEN), context=context(tmp_path), clock=first) as bench:
            bench.advance(1)
        second = restarted(first, 9 * 3600, says=first.nanoseconds)
        with counter(tmp_path, second) as walkers:
            node = Uploader(url=url, token=TOKEN, max_age=0)
            with testing.run(node, context=context(tmp_path), clock=second) as bench:
                walkers.walk(26)
                bench.advance(5)
                assert "has not been set by its time server yet" in node.present_trouble and arrived(database) == {}
                second.step(9 * 3600)
                second.synchronised = True
                until(lambda: counts(tmp_path) == (0, len(walkers.true), 0), bench)
        found = arrived(database)
        assert all(passed_line(walkers.true[event], found[event]) for event in walkers.true)
        third = restarted(second, 60, says=second.nanoseconds)  # now no time server answers
        with counter(tmp_path, third) as more:
            with testing.run(
                Uploader(url=url, token=TOKEN, max_age=0), context=context(tmp_path), clock=third
            ) as bench:
                more.walk(10)
                bench.advance(580)
                assert not more.true.keys() & arrived(database).keys()
                until(lambda: arrived(database).keys() >= more.true.keys(), bench)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"settings": 5}', '{"settings": {"x": 1}, "synchronised": false}'])
def test_a_damaged_file_of_settings_is_one_sentence(
    tmp_path: Path, content: str, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "clocks.json").write_text(content)
    with testing.run(Uploader(url="http://127.0.0.1:9", token=TOKEN), context=context(tmp_path)) as bench:
        bench.advance(1)
    assert caplog.text.count("cannot be read, how the clock was set earlier is forgotten") == 1
    assert json.loads((tmp_path / "clocks.json").read_text())["v"] == 1


def test_a_file_of_settings_that_cannot_be_written_is_said_once_and_tried_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "clocks.json").mkdir()
    with testing.run(Uploader(url="http://127.0.0.1:9", token=TOKEN), context=context(tmp_path)) as bench:
        bench.advance(300)
        assert caplog.text.count("cannot be written, tried again every minute") == 1
        (tmp_path / "clocks.json").rmdir()
        bench.advance(61)
    assert (tmp_path / "clocks.json").is_file()


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


def beat(clock: testing.FakeClock, received: int) -> Health:
    return Health(
        header=Header(stamp=clock.now(), mono=clock.monotonic(), camera="door", epoch=1),
        node="/door/counter",
        state="active",
        counters={"received.tracks": received},
    )


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


def test_coverage_of_a_start_that_nobody_can_date_is_no_data_and_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first = testing.FakeClock(nanoseconds=testing.START + SECOND)
    first.step(TO_1970)
    node = WatchingUploader(url="http://127.0.0.1:9", token=TOKEN)
    with testing.run(node, context=context(tmp_path), clock=first) as bench:
        for n in range(90):
            first.advance(1)
            bench.send("heartbeats", beat(first, n + 1))
        bench.advance(61)
    assert len(json.loads((tmp_path / "watched.json").read_text())["watched"]) == 1
    second = restarted(first, 60, says=first.nanoseconds)
    with testing.run(
        WatchingUploader(url="http://127.0.0.1:9", token=TOKEN), context=context(tmp_path), clock=second
    ) as b:
        b.advance(61)
        time.sleep(0.05)
    assert caplog.text.count("coverage is dropped (1 spans)") == 1
    assert not (tmp_path / "watched.json").exists()
