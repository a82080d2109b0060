"""A server whose clock is behind, or a box whose clock is ahead: events wait, and none is given up or in the way."""

from __future__ import annotations

import contextlib
import json
import logging
import random
import sqlite3
import time
from collections.abc import Generator, Iterable
from dataclasses import replace
from email.utils import formatdate
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metrica import testing
from metrica.backoff import Backoff
from metrica.dashboard.ingest.app import create_app
from metrica.dashboard.kpis.store import Store
from metrica.dashboard.service.serving import AioServer
from metrica.dashboard.store.database import Database
from metrica.journal import Entry, Journal, Queued
from metrica.nodes.delivery.aside import Aside
from metrica.nodes.delivery.coverage import CoverageFile, Span, Spans
from metrica.nodes.delivery.delivery import Delivered, Failed
from metrica.nodes.delivery.server_clock import ServerClock, read_date
from metrica.nodes.delivery.uploader import Uploader
from metrica.nodes.delivery.watching_uploader import WatchingUploader
from tests.nodes.delivery.bad_server import answer, bad_server
from tests.nodes.delivery.test_bad_server import receipt, sent
from tests.nodes.delivery.test_uploader import TOKEN, context, counts, crossing, record, until

SECOND = 1_000_000_000
DAY = 86_400 * SECOND
NOW = testing.START


class Ingest:
    """A real ingest whose clock can be set."""

    def __init__(self, url: str, database: Database) -> None:
        self.url, self.database = url, database
        self.ahead = 0

    def arrived(self) -> set[str]:
        return {row[0] for row in self.database.rows("SELECT id FROM events")}


@contextlib.contextmanager
def ingest(folder: Path, ahead: int) -> Generator[Ingest]:
    """A server whose clock is ahead of the bench's start by so many ns."""
    made: list[Ingest] = []
    with Database(folder / "server.db", clock=lambda: NOW + (made[0].ahead if made else 0)) as database:
        database.stores.put(Store("test", "Africa/Tunis"))
        database.tokens.put("test", TOKEN)
        server = AioServer(create_app(database), "127.0.0.1", 0)
        made.append(Ingest(server.address, database))
        made[0].ahead = ahead
        try:
            yield made[0]
        finally:
            server.stop()


def test_a_server_that_is_days_behind_gets_everything_when_its_clock_is_right(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    record(tmp_path, *(crossing(n, when=NOW) for n in range(500)))
    with ingest(tmp_path, -3 * DAY) as server:
        node = Uploader(url=server.url, token=TOKEN, max_age=0, batch=100)
        with testing.run(node, context=context(tmp_path)) as bench:
            until(lambda: node.gauges.get("events_set_aside") == 500, bench)
            assert "events that are more than a day ahead of the server's clock wait (500)" in node.present_trouble
            assert server.arrived() == set() and counts(tmp_path) == (500, 0, 0)
            record(tmp_path, crossing(777, when=NOW - 3 * DAY))  # the server can take this one, behind all the others
            until(lambda: "door/main/1/777" in server.arrived(), bench)
            server.ahead = 0
            until(lambda: counts(tmp_path) == (0, 501, 0), bench, step=5)
            assert node.present_trouble == ""
        assert len(server.arrived()) == 501
    assert caplog.text.count("ahead of the server's clock wait") == 1


def test_while_they_wait_the_server_is_asked_with_one_event_and_less_and_less_often(tmp_path: Path) -> None:
    record(tmp_path, *(crossing(n, when=NOW) for n in range(300)))
    requests: list[int] = []

    def say(ids: list[str]) -> Iterable[bytes]:
        requests.append(len(ids))
        later = [{"id": name, "index": n, "reason": "not yet"} for n, name in enumerate(ids)]
        return [answer(json.dumps({"accepted": 0, "duplicates": 0, "refused": [], "later": later}).encode())]

    with bad_server(say) as server:
        node = Uploader(url=server.address, token=TOKEN, max_age=0, batch=100, retry_limit=60.0)
        with testing.run(node, context=context(tmp_path)) as bench:
            until(lambda: node.gauges.get("events_set_aside") == 300, bench)
            first = len(requests)
            for _ in range(600):  # five minutes
                bench.advance(0.5)
                time.sleep(0.002)
                bench.settle()
    assert set(requests[first:]) == {1}
    assert 5 <= len(requests) - first <= 20
    assert counts(tmp_path) == (300, 0, 0)


def test_one_event_that_never_becomes_due_holds_up_nothing_for_ever(tmp_path: Path) -> None:
    """A clock that once said 2060. What becomes unsent again, as `resend` makes it, is found too."""
    record(
        tmp_path, crossing(1, when=NOW - 1), crossing(2, when=NOW * 2), *(crossing(n, when=NOW) for n in range(3, 30))
    )
    with ingest(tmp_path, -2 * DAY) as server, Journal(tmp_path / "journal.db") as journal:
        journal.refuse("door/main/1/1", "an older server")
        node = Uploader(url=server.url, token=TOKEN, max_age=0)
        with testing.run(node, context=context(tmp_path)) as bench:
            until(lambda: node.gauges.get("events_set_aside") == 28, bench)
            server.ahead = 0
            until(lambda: len(server.arrived()) == 27, bench, step=5)
            with contextlib.closing(sqlite3.connect(journal.path)) as file, file:
                file.execute("UPDATE event SET state = 0 WHERE id = 'door/main/1/1'")
            until(lambda: len(server.arrived()) == 28, bench, step=30)
            assert counts(tmp_path) == (1, 28, 0)
            assert "ahead of the server's clock wait (1)" in node.present_trouble


def test_a_box_that_is_days_ahead_sends_everything_when_its_clock_is_right(tmp_path: Path) -> None:
    clock = testing.FakeClock()
    clock.step(5 * 86_400)
    events = [replace(crossing(n, when=clock.now()), boot=clock.boot(), uptime=n + 1) for n in range(20)]
    record(tmp_path, *events)
    with ingest(tmp_path, 0) as server:
        node = Uploader(url=server.url, token=TOKEN, max_age=0)
        with testing.run(node, context=context(tmp_path), clock=clock) as bench:
            until(lambda: node.gauges.get("events_set_aside") == 20, bench)
            clock.step(-5 * 86_400)
            until(lambda: counts(tmp_path) == (0, 20, 0), bench)
        times = [row[0] for row in server.database.rows("SELECT time FROM events")]
    assert max(times) - NOW < 60 * SECOND


@pytest.mark.parametrize("also_refused", [False, True])
def test_what_an_older_server_refuses_as_too_new_waits_too(tmp_path: Path, also_refused: bool) -> None:
    old = "its time is more than a day in the future: check the clock of the box that sent it"
    reason = "its time is before 2020: check the clock of the box that sent it" if also_refused else old
    refused = [
        {"id": "door/main/1/0", "index": 0, "reason": old},
        {"id": "door/main/1/1", "index": 1, "reason": reason},
    ]
    outcome = sent(lambda _: [receipt(1, 0, refused)])
    assert isinstance(outcome, Delivered)
    assert list(outcome.later) == (["door/main/1/0"] if also_refused else ["door/main/1/0", "door/main/1/1"])
    assert list(outcome.refused) == (["door/main/1/1"] if also_refused else [])


def one(n: int) -> dict[str, object]:
    return {"id": f"door/main/1/{n}", "index": n, "reason": "not yet"}


@pytest.mark.parametrize(
    ("accepted", "refused", "later"),
    [
        (3, [], [one(0)]),
        (1, [], [one(0)]),
        (1, [one(0)], [one(0)]),
        (1, [], [one(0), one(0)]),
        (2, [], {}),
        (3, [], None),
        (2, [], ["door/main/1/0"]),
        (2, [], [{"id": "another", "index": 0, "reason": "no"}]),
        (0, [], [one(n) for n in range(4)]),
    ],
)
def test_a_receipt_must_add_up_with_what_is_taken_later(accepted: int, refused: object, later: object) -> None:
    said = {"accepted": accepted, "duplicates": 0, "refused": refused, "later": later}
    outcome = sent(lambda _: [answer(json.dumps(said).encode())])
    assert isinstance(outcome, Failed) and "no receipt" in outcome.reason


# --- coverage


def test_coverage_from_the_future_waits_and_the_rest_is_sent(tmp_path: Path) -> None:
    spans = [Span("door", NOW, NOW + SECOND), Span("back", NOW + 5 * DAY, NOW + 5 * DAY)]
    CoverageFile(tmp_path / "watched.json").save(Spans(spans))
    with ingest(tmp_path, 0) as server:
        node = WatchingUploader(url=server.url, token=TOKEN)
        with testing.run(node, context=context(tmp_path)) as bench:
            until(lambda: node.counters.get("spans_sent", 0) == 1, bench, step=60)
            assert set(server.database.coverage.since("test", 0)) == {"door"}
            server.ahead = 5 * DAY
            until(lambda: node.counters.get("spans_sent", 0) == 2, bench, step=60)
        assert set(server.database.coverage.since("test", 0)) == {"door", "back"}


# --- whose clock is wrong


def test_a_server_whose_clock_differs_is_said_once_and_when_it_is_over(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    clock = ServerClock(logging.getLogger("metrica.test"))
    for ahead, words in [(0.0, ""), (-3 * 86_400.0, "the server's clock says 2025-12-29 00:00:00 UTC, this box's")] * 2:
        for _ in range(3):
            clock.hear(NOW + round(ahead) * SECOND, NOW, synchronised=False)
            assert clock.trouble.startswith(words) and bool(clock.trouble) == bool(words)
            assert clock.ahead == ahead
    clock.hear(0, NOW, synchronised=False)
    assert clock.trouble  # an answer without a date changes nothing
    assert caplog.text.count("one of them is wrong, set it") == 2
    assert caplog.text.count("agree again") == 1
    clock.hear(NOW - DAY, NOW, synchronised=True)
    assert "the server's is probably wrong" in clock.trouble


def test_the_box_tells_by_the_date_of_the_answer_that_the_clocks_differ(tmp_path: Path) -> None:
    record(tmp_path, crossing(1, when=NOW))
    later = {"accepted": 0, "duplicates": 0, "refused": [], "later": [one(1) | {"index": 0}]}
    date = formatdate((NOW - 3 * DAY) / SECOND, usegmt=True)
    with bad_server(lambda _: [answer(json.dumps(later).encode(), headers=f"Date: {date}\r\n")]) as server:
        node = Uploader(url=server.address, token=TOKEN, max_age=0)
        with testing.run(node, context=context(tmp_path)) as bench:
            until(lambda: "the server's clock says 2025-12-29 00:00:00 UTC, this box's" in node.present_trouble, bench)
            assert node.gauges["server_clock_ahead"] == pytest.approx(-3 * 86_400, abs=30)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("Sun, 06 Nov 1994 08:49:37 GMT", 784111777),
        ("Sun, 06 Nov 1994 08:49:37", 0),
        ("", 0),
        ("yesterday", 0),
        ("Sun, 06 Nov 99999999999 08:49:37 GMT", 0),
        ("Sun, 06 Nov 1994 08:49:\N{SUPERSCRIPT TWO} GMT", 0),
        ("Sun, 99 Nov 1994 08:49:37 GMT", 0),
        ("\xb9\xb2", 0),
    ],
)
def test_a_date_is_read_or_nothing(header: str, seconds: int) -> None:
    assert read_date(header) == seconds * SECOND


# --- what is set aside


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3000), st.booleans()), max_size=60), st.integers(1, 20), st.randoms())
def test_whatever_is_taken_later_is_delivered_in_the_end_and_once(
    events: list[tuple[int, bool]], few: int, chance: random.Random
) -> None:
    """An event is due at its time; some are there from the start, others come while the server is asked."""
    aside = Aside(Backoff(1.0, 60.0, chance), few)
    journal = [Queued(n + 1, Entry(str(n), "Crossing", b"")) for n in range(len(events))]
    delivered: dict[str, int] = {}
    for now in range(0, 12_000, 7):
        asked = aside.due(now)
        there = [e for e in journal if e.entry.id not in delivered and (events[e.position - 1][1] or now > 500)]
        sent = [asked] if asked else [e for e in there if e.position > aside.passed][:5]
        if not sent:
            aside.over()
            continue
        later = {e.entry.id: "" for e in sent if events[e.position - 1][0] > now}
        taken = [e.entry.id for e in sent if e.entry.id not in later]
        for event_id in taken:
            delivered[event_id] = delivered.get(event_id, 0) + 1
        aside.took(taken, now)
        if later:
            aside.put(sent, [events[e.position - 1][0] for e in sent], later, now)
    assert delivered == {str(n): 1 for n in range(len(events))}
