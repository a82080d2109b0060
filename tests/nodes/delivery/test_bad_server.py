"""The uploader against servers that drip, lie, talk nonsense or ask for years: nothing is lost, and it goes on."""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Iterable
from functools import partial
from itertools import pairwise, repeat
from pathlib import Path
from typing import Any

import pytest

from metrica import testing
from metrica.journal import Journal
from metrica.nodes.delivery.delivery import Delivered, Delivery, Failed
from metrica.nodes.delivery.exchange import LARGEST_ANSWER
from metrica.nodes.delivery.receipt import LONGEST_TEXT, LONGEST_WAIT
from metrica.nodes.delivery.uploader import Uploader
from tests.nodes.delivery.bad_server import Say, answer, bad_server
from tests.nodes.delivery.test_uploader import TOKEN, context, counts, crossing, record, until

HEAD = b"HTTP/1.1 200 OK\r\n"


def receipt(accepted: Any, duplicates: Any = 0, refused: Any = ()) -> bytes:
    return answer(json.dumps({"accepted": accepted, "duplicates": duplicates, "refused": refused}).encode())


def honest(ids: list[str]) -> Iterable[bytes]:
    return [receipt(len(ids))]


def advance(bench: testing.Bench) -> None:
    """Half a second of the bench's clock, in which a request takes no time."""
    bench.advance(0.5)
    while any(thread.name == "upload" for thread in threading.enumerate()):
        time.sleep(0.002)
    bench.settle()


def sent(say: Say, *, events: int = 3, patience: float = 5.0, reads: bool = True) -> Delivered | Failed:
    with bad_server(say, reads=reads) as server:
        delivery = Delivery(server.address, "test", TOKEN)
        try:
            return delivery.send([crossing(n) for n in range(events)], patience=patience)
        finally:
            delivery.close()


@pytest.mark.parametrize(
    "pieces",
    [
        pytest.param(repeat(b"H"), id="status line"),
        pytest.param([HEAD, *[b"X-Slow: 1\r\n"] * 200], id="headers"),
        pytest.param([HEAD + b"Content-Length: 1000\r\n\r\n", *[b" "] * 1000], id="body"),
        pytest.param([HEAD + b"\r\n", *[b" "] * 1000], id="body until the end of the connection"),
        pytest.param([HEAD + b"Transfer-Encoding: chunked\r\n\r\n", *[b"1\r\n \r\n"] * 1000], id="chunks"),
    ],
)
def test_an_answer_that_drips_ends_when_the_time_is_over(pieces: Iterable[bytes]) -> None:
    began = time.monotonic()
    outcome = sent(lambda _: pieces, patience=1.0)
    assert 0.9 < time.monotonic() - began < 3
    assert isinstance(outcome, Failed) and outcome.late
    assert "gives no whole answer within 1 s" in outcome.reason


def test_a_server_that_reads_nothing_ends_when_the_time_is_over() -> None:
    began = time.monotonic()
    outcome = sent(honest, events=100, patience=1.0, reads=False)
    assert time.monotonic() - began < 3
    assert isinstance(outcome, Failed) and outcome.late


@pytest.mark.timeout(20)
def test_a_server_that_drips_does_not_hold_up_the_end(tmp_path: Path) -> None:
    record(tmp_path, crossing(1))
    with bad_server(lambda _: repeat(b"H")) as server:
        with testing.run(Uploader(url=server.address, token=TOKEN, max_age=3600.0), context=context(tmp_path)):
            began = time.monotonic()
        assert time.monotonic() - began < 5
    assert counts(tmp_path) == (1, 0, 0)


@pytest.mark.parametrize(
    "said",
    [
        receipt(0),
        receipt(2),
        receipt(4),
        receipt(3, 1),
        receipt(-1, 4),
        receipt(True, 2),
        receipt(3.0),
        receipt("3"),
        receipt(None, 3),
        receipt(3, 0, {}),
        receipt(3, 0, None),
        receipt(2, 0, ["door/main/1/0"]),
        receipt(2, 0, [{"id": "another", "index": 0, "reason": "no"}]),
        receipt(2, 0, [{"id": "another", "reason": "no"}]),
        receipt(2, 0, [{"id": "door/main/1/1", "index": 0, "reason": "no"}]),
        receipt(2, 0, [{"id": "door/main/1/0", "index": 3, "reason": "no"}]),
        receipt(2, 0, [{"id": "door/main/1/2", "index": -1, "reason": "no"}]),
        receipt(2, 0, [{"id": "door/main/1/1", "index": True, "reason": "no"}]),
        receipt(2, 0, [{"id": "door/main/1/1", "index": 1}]),
        receipt(1, 0, [{"id": "door/main/1/0", "index": 0, "reason": "no"}] * 2),
        answer(b"[]"),
        answer(b"null"),
        answer(b"<html>welcome</html>"),
        answer(b"\xff\xfe"),
        answer(b""),
        answer(b"[" * 100_000),
        answer(b'{"accepted": ' + b"9" * 5000 + b', "duplicates": 0, "refused": []}'),
    ],
)
def test_a_receipt_that_does_not_account_for_every_event_is_none(said: bytes) -> None:
    outcome = sent(lambda _: [said])
    assert isinstance(outcome, Failed) and "no receipt" in outcome.reason


def test_a_receipt_that_adds_up_is_taken_with_its_refusals() -> None:
    refused = [{"id": "door/main/1/1", "index": 1, "reason": "no\nway " + "x" * 9999}]
    outcome = sent(lambda _: [receipt(1, 1, refused)])
    assert isinstance(outcome, Delivered) and list(outcome.refused) == ["door/main/1/1"]
    reason = outcome.refused["door/main/1/1"]
    assert reason.startswith("no way x") and len(reason) == LONGEST_TEXT


def test_coverage_needs_a_receipt_for_each_span_too() -> None:
    outcomes: list[bool] = []
    for kept in ("0", "-1", "2", "false", '"0"'):
        said = answer(f'{{"kept": {kept}}}'.encode())
        with bad_server(partial(_say, said)) as server:
            delivery = Delivery(server.address, "test", TOKEN)
            outcomes.append(isinstance(delivery.send_coverage([]), Delivered))
            delivery.close()
    assert outcomes == [True, False, False, False, False]


def _say(said: bytes, _: list[str]) -> list[bytes]:
    return [said]


@pytest.mark.parametrize(
    ("header", "wait"),
    [
        ("7", 7.0),
        (" 7 ", 7.0),
        ("315360000", LONGEST_WAIT),
        ("9" * 5000, LONGEST_WAIT),
        ("\N{SUPERSCRIPT TWO}", 0.0),
        ("\xb9\xb2", 0.0),
        ("-5", 0.0),
        ("1e9", 0.0),
        ("nan", 0.0),
        ("", 0.0),
        ("Fri, 31 Dec 2060 23:59:59 GMT", 0.0),
    ],
)
def test_how_long_a_server_asks_to_wait_is_a_bounded_number_or_nothing(header: str, wait: float) -> None:
    outcome = sent(lambda _: [answer(b"{}", status="503 No", headers=f"Retry-After: {header}\r\n")])
    assert isinstance(outcome, Failed) and outcome.status == 503
    assert outcome.retry_after == wait


@pytest.mark.parametrize(
    "said",
    [
        answer(b'{"error": "' + b"x" * 100_000 + b'"}', status="500 No"),
        answer(b"", status="500 " + "x" * 10_000),
        answer(b'{"error": "a\\u001b[2Jb\\nc"}', status="401 No"),
        answer(b'{"error": 5}', status="404 No"),
        answer(b'["error"]', status="413 No"),
        b"HTTP/1.1 999 \xe9\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 302 No\r\nLocation: http://[\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5, 6\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\n" + b"X: 1\r\n" * 200 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000 + b"\r\n\r\n",
        b"HTTP/1.1 204 Nothing\r\n\r\n",
        b"\x00\xff garbage \r\n\r\n",
        b"",
    ],
)
def test_whatever_a_server_says_is_one_short_line(said: bytes) -> None:
    outcome = sent(lambda _: [said])
    assert isinstance(outcome, Failed)
    assert outcome.reason.isprintable() and len(outcome.reason) < 400


def test_an_answer_without_end_is_cut() -> None:
    endless = HEAD + b"Content-Type: application/json\r\n\r\n" + b" " * (LARGEST_ANSWER + 100)
    outcome = sent(lambda _: [endless], patience=20.0)
    assert isinstance(outcome, Failed) and "larger than 4 MiB" in outcome.reason


@pytest.mark.parametrize(
    "said",
    [
        answer(b"welcome"),
        receipt(0),
        answer(b"{}", status="401 No"),
        answer(b"{}", status="404 No"),
        answer(b"{}", status="429 No", headers="Retry-After: 315360000\r\n"),
    ],
    ids=["garbage", "nothing accepted", "token", "address", "ten years"],
)
def test_the_wait_grows_from_the_first_failure_and_never_exceeds_the_limit(tmp_path: Path, said: bytes) -> None:
    record(tmp_path, crossing(1))
    asks_for_more = b"Retry-After" in said
    with bad_server(lambda _: [said]) as server:
        node = Uploader(url=server.address, token=TOKEN, max_age=0, retry_first=1.0, retry_limit=6.0)
        with testing.run(node, context=context(tmp_path)) as bench:
            at: list[float] = []
            while len(at) < 6:
                advance(bench)
                if len(server.requests) > len(at):
                    at.append(bench.clock.monotonic() / 1e9)
        waits = [after - before for before, after in pairwise(at)]
        assert max(waits) <= 6.5, waits
        assert asks_for_more or waits[0] <= 2.0, waits
    assert counts(tmp_path) == (1, 0, 0)


def test_trouble_with_the_server_is_over_when_everything_has_arrived(tmp_path: Path) -> None:
    record(tmp_path, *(crossing(n) for n in range(3)))
    with bad_server(lambda _: [answer(b"welcome")]) as server:
        node = Uploader(url=server.address, token=TOKEN, max_age=0)
        with testing.run(node, context=context(tmp_path)) as bench:
            until(lambda: "no receipt" in node.present_trouble, bench)
            server.say = honest
            until(lambda: counts(tmp_path) == (0, 3, 0) and not node.present_trouble, bench, step=5)


def test_trouble_is_over_when_the_events_that_waited_have_gone_another_way(tmp_path: Path) -> None:
    record(tmp_path, crossing(1))
    with bad_server(lambda _: [answer(b"welcome")]) as server:
        node = Uploader(url=server.address, token=TOKEN, max_age=0)
        with testing.run(node, context=context(tmp_path)) as bench:
            until(lambda: node.present_trouble != "", bench)
            with Journal(tmp_path / "journal.db") as journal:
                journal.mark_sent(["door/main/1/1"])
            until(lambda: node.present_trouble == "", bench, step=10)


def test_trouble_with_the_journal_is_over_when_it_can_be_read_again(tmp_path: Path) -> None:
    with bad_server(honest) as server:
        node = Uploader(url=server.address, token=TOKEN, max_age=0)
        with testing.run(node, context=context(tmp_path)) as bench:
            bench.advance(1)
            file, away = tmp_path / "journal.db", tmp_path / "away"
            for rest in tmp_path.glob("journal.db-*"):
                rest.unlink()
            file.rename(away)
            file.mkdir()
            until(lambda: "cannot be written" in node.present_trouble, bench)
            file.rmdir()
            away.rename(file)
            until(lambda: node.present_trouble == "", bench)


def test_twenty_thousand_events_pass_a_server_with_seven_faults_in_ten_minutes(tmp_path: Path) -> None:
    """Seven times in ten it fails, in seven ways; the clock is the bench's, and a late answer is not waited for."""
    chance, arrived, lock = random.Random(7), set[str](), threading.Lock()

    def say(ids: list[str]) -> Iterable[bytes]:
        with lock:
            fault = chance.randrange(10)
        new = [n for n in ids if n not in arrived]
        good = receipt(len(new), len(ids) - len(new))
        if fault in (0, 1, 2, 3):  # 3: the acknowledgement is lost
            arrived.update(ids)
        failures = {
            3: b"",
            4: answer(b"{}", status="500 No"),
            5: answer(b"{}", status="429 No", headers="Retry-After: 1\r\n"),
            6: good[:-10],
            7: answer(b"\x00\x01garbage"),
            8: receipt(0),
            9: b"HT",
        }
        return [failures.get(fault, good)]

    record(tmp_path, *(crossing(n) for n in range(20_000)))
    with bad_server(say) as server:
        node = Uploader(url=server.address, token=TOKEN)
        with testing.run(node, context=context(tmp_path)) as bench:
            began = bench.clock.monotonic()
            while node.counters.get("events_sent", 0) < 20_000:
                advance(bench)
                assert bench.clock.monotonic() - began < 600e9
    assert len(arrived) == 20_000 and counts(tmp_path) == (0, 20_000, 0)
