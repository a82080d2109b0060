"""The uploader against a real ingest over real HTTP: what the journal holds arrives, once."""

from __future__ import annotations

import gzip
import socket
import sqlite3
import stat
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import msgpack
import pytest

from metrica import testing
from metrica.backoff import Backoff
from metrica.context import Context
from metrica.dashboard.ingest.app import create_app
from metrica.dashboard.kpis.store import Store
from metrica.dashboard.service.serving import AioServer
from metrica.dashboard.store.database import Database
from metrica.errors import ParameterError
from metrica.journal import Journal
from metrica.messages import Crossing, Header, encode
from metrica.nodes.delivery.uploader import Uploader

TOKEN = "mt_test"


@contextmanager
def ingest(folder: Path, port: int = 0) -> Generator[AioServer]:
    with Database(folder / "server.db") as database:
        database.stores.put(Store("test", "Africa/Tunis"))
        database.tokens.put("test", TOKEN)
        server = AioServer(create_app(database), "127.0.0.1", port)
        try:
            yield server
        finally:
            server.stop()


def arrived(folder: Path) -> int:
    with sqlite3.connect(folder / "server.db") as db:
        return int(db.execute("SELECT count(*) FROM events").fetchone()[0])


def crossing(n: int, *, when: int | None = None) -> Crossing:
    stamp = time.time_ns() if when is None else when
    return Crossing(
        header=Header(camera="door"), id=f"door/main/1/{n}", line="main", direction="in", track=n, time=stamp
    )


def record(folder: Path, *events: Crossing) -> None:
    with Journal(folder / "journal.db") as journal:
        journal.append_many([(e.id, "Crossing", encode(e)) for e in events])


def counts(folder: Path) -> tuple[int, int, int]:
    with Journal(folder / "journal.db") as journal:
        return tuple(journal.counts())  # type: ignore[return-value]


def until(condition: object, bench: testing.Bench, *, step: float = 0.5, timeout: float = 20.0) -> None:
    """Let the bench's clock run, with real pauses for the upload thread."""
    end = time.monotonic() + timeout
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < end, "it did not happen in time"
        bench.advance(step)
        time.sleep(0.02)
        bench.settle()


def context(folder: Path) -> Context:
    return Context(store="test", timezone="Africa/Tunis", data=folder)


def test_every_event_of_the_journal_arrives_once_in_batches(tmp_path: Path) -> None:
    record(tmp_path, *(crossing(n) for n in range(25)))
    with ingest(tmp_path) as server:
        node = Uploader(url=server.address, token=TOKEN, batch=10, max_age=1.0)
        with testing.run(node, context=context(tmp_path)) as bench:
            until(lambda: counts(tmp_path) == (0, 25, 0), bench)
    assert arrived(tmp_path) == 25
    assert node.counters["events_sent"] == 25


def test_a_lonely_event_waits_for_company_but_not_longer_than_max_age(tmp_path: Path) -> None:
    record(tmp_path, crossing(1))
    with ingest(tmp_path) as server:
        node = Uploader(url=server.address, token=TOKEN, batch=10, max_age=30.0)
        with testing.run(node, context=context(tmp_path)) as bench:
            bench.advance(29)
            time.sleep(0.2)
            assert arrived(tmp_path) == 0
            until(lambda: arrived(tmp_path) == 1, bench)


def test_without_a_network_events_wait_and_arrive_when_it_is_back(tmp_path: Path) -> None:
    with ingest(tmp_path) as server:
        port = int(server.address.rsplit(":", 1)[1])
    record(tmp_path, *(crossing(n) for n in range(5)))
    node = Uploader(url=f"http://127.0.0.1:{port}", token=TOKEN, max_age=0)
    with testing.run(node, context=context(tmp_path)) as bench:
        until(lambda: node.counters.get("failed_sends", 0) >= 3, bench, step=60)
        assert "cannot be reached" in node.present_trouble
        assert counts(tmp_path) == (5, 0, 0)
        with ingest(tmp_path, port):
            until(lambda: counts(tmp_path) == (0, 5, 0), bench, step=60)
        assert node.present_trouble == ""
    assert arrived(tmp_path) == 5


def test_what_was_sent_but_not_marked_before_a_crash_does_not_count_twice(tmp_path: Path) -> None:
    events = [crossing(n) for n in range(7)]
    with ingest(tmp_path) as server:
        record(tmp_path, *events)
        with testing.run(Uploader(url=server.address, token=TOKEN, max_age=0), context=context(tmp_path)) as bench:
            until(lambda: counts(tmp_path) == (0, 7, 0), bench)
        (tmp_path / "journal.db").unlink()  # as if the power had gone between the answer and the mark
        for rest in tmp_path.glob("journal.db-*"):
            rest.unlink()
        record(tmp_path, *events, crossing(7))
        with testing.run(Uploader(url=server.address, token=TOKEN, max_age=0), context=context(tmp_path)) as bench:
            until(lambda: counts(tmp_path) == (0, 8, 0), bench)
    assert arrived(tmp_path) == 8


def test_an_event_that_the_server_refuses_does_not_hold_up_the_others(tmp_path: Path) -> None:
    record(tmp_path, crossing(1), crossing(2, when=1_000), crossing(3))
    with ingest(tmp_path) as server:
        with testing.run(Uploader(url=server.address, token=TOKEN, max_age=0), context=context(tmp_path)) as bench:
            until(lambda: counts(tmp_path) == (0, 2, 1), bench)
    with Journal(tmp_path / "journal.db") as journal:
        assert [(r.id, bool(r.reason)) for r in journal.refused(10)] == [("door/main/1/2", True)]


def test_a_wrong_token_is_one_sentence_and_loses_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    record(tmp_path, crossing(1))
    with ingest(tmp_path) as server:
        node = Uploader(url=server.address, token="wrong", max_age=0, retry_limit=5.0)
        with testing.run(node, context=context(tmp_path)) as bench:
            until(lambda: node.counters.get("failed_sends", 0) >= 3, bench, step=10)
    said = [r.getMessage() for r in caplog.records if "token" in r.getMessage()]
    assert len(said) == 1 and "the server does not accept the token" in said[0]
    assert "wrong" not in said[0]
    assert counts(tmp_path) == (1, 0, 0)


def test_a_server_that_is_no_ingest_is_named_as_such(tmp_path: Path) -> None:
    record(tmp_path, crossing(1))
    with ingest(tmp_path) as server:
        node = Uploader(url=f"{server.address}/nowhere", token=TOKEN, max_age=0)
        with testing.run(node, context=context(tmp_path)) as bench:
            until(lambda: node.counters.get("failed_sends", 0) >= 1, bench)
            assert "check 'url'" in node.present_trouble
    assert counts(tmp_path) == (1, 0, 0)


def test_bytes_in_the_journal_that_are_no_event_are_set_aside(tmp_path: Path) -> None:
    with Journal(tmp_path / "journal.db") as journal:
        journal.append("bad", "Crossing", b"\x00garbage")
    record(tmp_path, crossing(1))
    with ingest(tmp_path) as server:
        with testing.run(Uploader(url=server.address, token=TOKEN, max_age=0), context=context(tmp_path)) as bench:
            until(lambda: counts(tmp_path) == (0, 1, 1), bench)


def test_a_server_with_little_room_gets_smaller_batches_and_one_that_takes_nothing_loses_nothing(
    tmp_path: Path,
) -> None:
    class Handler(BaseHTTPRequestHandler):
        room, batches = 3, list[int]()

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            events = msgpack.unpackb(gzip.decompress(body))["events"]
            self.batches.append(len(events))
            fits = len(events) <= self.room
            receipt = b'{"accepted": %d, "duplicates": 0, "refused": []}' % len(events)
            answer = receipt if fits else b'{"error": "too large"}'
            self.send_response(200 if fits else 413)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    record(tmp_path, *(crossing(n) for n in range(12)))
    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        node = Uploader(url=f"http://127.0.0.1:{server.server_port}", token=TOKEN, max_age=0)
        with testing.run(node, context=context(tmp_path)) as bench:
            until(lambda: counts(tmp_path) == (0, 12, 0), bench)
            assert Handler.batches == [12, 6, 3, 3, 3, 3]
            Handler.room = 0
            record(tmp_path, crossing(99))
            until(lambda: node.counters.get("failed_sends", 0) >= 1, bench)
            assert "takes no batch of this size" in node.present_trouble
        assert counts(tmp_path) == (1, 12, 0)
    finally:
        server.shutdown()
        server.server_close()


def test_stopping_sends_what_is_left(tmp_path: Path) -> None:
    with ingest(tmp_path) as server:
        node = Uploader(url=server.address, token=TOKEN, max_age=3600.0)
        with testing.run(node, context=context(tmp_path)) as bench:
            record(tmp_path, *(crossing(n) for n in range(3)))
            bench.advance(1)
            assert arrived(tmp_path) == 0
        assert arrived(tmp_path) == 3
    assert counts(tmp_path) == (0, 3, 0)


@pytest.mark.timeout(15)
@pytest.mark.parametrize("max_age", [0.0, 3600.0])
def test_a_server_that_never_answers_does_not_hold_up_the_end(tmp_path: Path, max_age: float) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        node = Uploader(url=f"http://127.0.0.1:{silent.getsockname()[1]}", token=TOKEN, max_age=max_age)
        with testing.run(node, context=context(tmp_path)) as bench:
            record(tmp_path, crossing(1))
            bench.advance(1)
        assert all(thread.daemon for thread in threading.enumerate() if thread.name.startswith("upload"))
    assert counts(tmp_path) == (1, 0, 0)


def test_uploader_and_ingest_of_one_box_share_a_private_token(tmp_path: Path) -> None:
    token = context(tmp_path).local_token()
    assert token.startswith("mt_") and len(token) > 30
    assert context(tmp_path).local_token() == token
    assert stat.S_IMODE((tmp_path / "token").stat().st_mode) == 0o600
    assert [p.name for p in tmp_path.iterdir()] == ["token"]


def test_an_address_that_is_none_is_refused_before_the_start() -> None:
    with pytest.raises(ParameterError, match="'url' must begin with http:// or https://"):
        Uploader(url="ftp://shop").check()


def test_an_address_with_a_password_in_it_is_refused_without_showing_it() -> None:
    with pytest.raises(ParameterError, match="must not hold a user name or a password") as caught:
        Uploader(url="https://me:hunter2@shop.example/ingest").check()
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("token", ["hunter2\n", "hun ter2", "hunter2\N{EURO SIGN}"])
def test_a_token_that_no_header_can_hold_is_refused_without_showing_it(token: str) -> None:
    with pytest.raises(ParameterError, match="'token' must be plain letters") as caught:
        Uploader(url="https://shop", token=token).check()
    assert "hun" not in str(caught.value)


def test_back_off_doubles_up_to_its_limit_and_jitters_by_half() -> None:
    backoff = Backoff(first=1.0, limit=8.0)
    waits = [backoff.next() for _ in range(6)]
    for wait, whole in zip(waits, (1, 2, 4, 8, 8, 8), strict=True):
        assert whole / 2 <= wait <= whole
    backoff.reset()
    assert backoff.next() <= 1.0
