"""The machine is switched off and on: what was counted before is dated as far as anybody can know, or refused."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from metrica import testing
from metrica.journal import Journal
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
    restarted,
)
from tests.nodes.delivery.test_uploader import TOKEN, counts, until


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
