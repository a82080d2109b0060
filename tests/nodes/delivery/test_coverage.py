"""The uploader sends the coverage of cameras: once the server is there it knows all of it, and events never wait."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metrica import testing
from metrica.context import Context
from metrica.dashboard.ingest.app import create_app
from metrica.dashboard.kpis.store import Store
from metrica.dashboard.service.serving import AioServer
from metrica.dashboard.store.database import Database
from metrica.journal import Journal
from metrica.launch.reading.load import load
from metrica.launch.supervision.order import levels
from metrica.messages import Crossing, Header, Health, encode
from metrica.nodes.delivery.coverage import CoverageFile, Progress, Span, Spans
from metrica.nodes.delivery.watching_uploader import WatchingUploader
from tests.paths import ROOT

TOKEN = "mt_test"
SECOND = 1_000_000_000
NOON = 1_763_000_000 * SECOND


def at(minutes: float) -> int:
    return NOON + round(minutes * 60) * SECOND


def beat(minutes: float, received: int, *, camera: str = "door", epoch: int = 1) -> Health:
    return Health(
        header=Header(stamp=at(minutes), camera=camera, epoch=epoch),
        node=f"/{camera}/counter",
        state="active",
        counters={"received.tracks": received, "in": 3},
    )


def minutes_of_beats(start: int, end: int, *, camera: str = "door") -> list[Health]:
    """A heartbeat every twelve seconds of a counter that takes in ten messages a second."""
    return [beat(start + n / 5, 120 * n + 1, camera=camera, epoch=start + 1) for n in range((end - start) * 5 + 1)]


@contextmanager
def ingest(folder: Path, port: int = 0) -> Generator[tuple[str, Database]]:
    with Database(folder / "server.db") as database:
        database.stores.put(Store("test", "Africa/Tunis"))
        database.tokens.put("test", TOKEN)
        server = AioServer(create_app(database), "127.0.0.1", port)
        try:
            yield server.address, database
        finally:
            server.stop()


def context(folder: Path) -> Context:
    return Context(store="test", timezone="Africa/Tunis", data=folder)


def known(database: Database) -> dict[str, list[tuple[int, int]]]:
    return database.coverage.since("test", 0)


def tell(bench: testing.Bench, done: Callable[[], bool], *, step: float = 60) -> None:
    """Let the clock run, with real pauses for the threads, until it is done."""
    end = time.monotonic() + 20
    while not done():
        assert time.monotonic() < end, "it did not happen in time"
        bench.advance(step)
        time.sleep(0.01)
        bench.settle()


# --- what heartbeats tell


def test_a_camera_looks_while_its_counter_takes_something_in() -> None:
    progress = Progress()
    heard = [progress.hear(beat(m, n)) for m, n in [(0, 10), (0.1, 60), (0.2, 60), (0.3, 60), (0.4, 90)]]
    assert heard == [None, Span("door", at(0), at(0.1)), None, None, Span("door", at(0.3), at(0.4))]


def test_a_counter_that_starts_anew_a_long_silence_and_a_clock_that_was_set_prove_nothing_of_the_time_between() -> None:
    progress = Progress()
    progress.hear(beat(0, 10))
    assert progress.hear(beat(5, 60)) == Span("door", at(5), at(5))
    assert progress.hear(beat(1, 70)) == Span("door", at(1), at(1))
    assert progress.hear(beat(1.1, 80, epoch=2)) is None
    assert progress.hear(Health(header=Header(stamp=SECOND, camera="door", epoch=2), node="/n", state="active")) is None


def test_a_clock_that_was_never_set_and_a_node_without_a_camera_say_nothing() -> None:
    progress = Progress()
    for n in (1, 2):
        header = Header(stamp=n * SECOND, camera="door", epoch=1)
        assert progress.hear(Health(header=header, node="/n", state="active", counters={"received.x": n})) is None
        assert progress.hear(beat(n / 10, n, camera="")) is None


# --- what waits


def test_adjacent_minutes_become_one_span_and_a_real_gap_stays() -> None:
    spans = Spans(Span("door", at(m), at(m + 1)) for m in [*range(60), *range(90, 120)])
    assert spans.oldest(9) == [Span("door", at(0), at(60)), Span("door", at(90), at(120))]


def test_what_was_added_while_the_server_was_told_waits_for_the_next_time() -> None:
    spans = Spans([Span("door", at(0), at(10))])
    told = spans.oldest(9)
    spans.add(Span("door", at(10), at(11)))
    spans.remove(told)
    assert spans.oldest(9) == [Span("door", at(10), at(11))]


def test_however_often_a_camera_flaps_the_spans_stay_few_and_the_newest_stay() -> None:
    spans = Spans()
    for n in range(4100):
        spans.add(Span("door", at(3 * n), at(3 * n)))
    assert (len(spans), spans.lost) == (4000, 100)
    assert spans.oldest(1) == [Span("door", at(300), at(300))]


times = st.tuples(st.sampled_from(("a", "b")), st.integers(0, 60), st.integers(0, 9))


@settings(max_examples=50)
@given(st.lists(times), st.lists(times, max_size=3))
def test_spans_are_a_union_whatever_the_order_and_repetition(
    added: list[tuple[str, int, int]], again: list[tuple[str, int, int]]
) -> None:
    listed = [Span(camera, at(start), at(start + length)) for camera, start, length in added]
    once = Spans(listed).oldest(99)
    assert Spans([*reversed(listed), *listed]).oldest(99) == Spans(once).oldest(99)
    for span in listed:
        assert any(s.camera == span.camera and s.start <= span.start and s.end >= span.end for s in once)
    rest = Spans(listed)
    rest.remove([Span(camera, at(start), at(start + length)) for camera, start, length in again])
    assert all(s.start <= s.end for s in rest.oldest(99))


def test_spans_that_wait_are_kept_in_a_file_and_there_is_none_without_them(tmp_path: Path) -> None:
    file = CoverageFile(tmp_path / "watched.json")
    spans = Spans([Span("door", at(0), at(5)), Span("back", at(1), at(2))])
    file.save(spans)
    assert Spans(file.load()).oldest(9) == spans.oldest(9)
    file.save(Spans())
    assert file.load() == [] and not list(tmp_path.iterdir())


# --- against the real server


def test_the_server_learns_of_both_cameras_and_of_each_time_once(tmp_path: Path) -> None:
    with ingest(tmp_path) as (url, database):
        node = WatchingUploader(url=url, token=TOKEN)
        with testing.run(node, context=context(tmp_path)) as bench:
            bench.send("heartbeats", *minutes_of_beats(0, 2), *minutes_of_beats(0, 1, camera="back"))
            tell(bench, lambda: node.counters.get("spans_sent", 0) == 2)
            assert known(database) == {"door": [(at(0), at(2))], "back": [(at(0), at(1))]}
            bench.send("heartbeats", *minutes_of_beats(2, 4))
            tell(bench, lambda: node.counters.get("spans_sent", 0) == 3)
            bench.send("heartbeats", *minutes_of_beats(3, 5), *minutes_of_beats(20, 21))  # some of it again
        assert known(database)["door"] == [(at(0), at(5)), (at(20), at(21))]  # the rest was told at the end
    assert not (tmp_path / "watched.json").exists()


def test_hours_without_a_network_and_a_restart_lose_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with ingest(tmp_path) as (url, _):
        port = int(url.rsplit(":", 1)[1])
    node = WatchingUploader(url=url, token=TOKEN)
    with testing.run(node, context=context(tmp_path)) as bench:
        failed = list[int]()
        for hour in range(5):
            bench.send("heartbeats", *minutes_of_beats(60 * hour, 60 * hour + 50))
            tell(bench, lambda: node.counters.get("failed_tells", 0) > len(failed))
            failed.append(hour)
        assert node.gauges["spans_waiting"] == 5
        assert node.present_trouble == ""  # it is the events that make a trouble
    assert sum("does not get the cameras' coverage" in r.getMessage() for r in caplog.records) == 1
    assert len(json.loads((tmp_path / "watched.json").read_text())["watched"]) == 5
    with ingest(tmp_path, port) as (_, database):
        node = WatchingUploader(url=url, token=TOKEN)
        with testing.run(node, context=context(tmp_path)) as bench:
            tell(bench, lambda: node.counters.get("spans_sent", 0) == 5)
        assert known(database) == {"door": [(at(60 * h), at(60 * h + 50)) for h in range(5)]}


def test_a_time_that_cannot_be_does_not_keep_the_others_from_the_server(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    good = [Span("door", at(10 * n), at(10 * n + 1)) for n in range(7)]
    CoverageFile(tmp_path / "watched.json").save(Spans([*good, Span("back", SECOND, SECOND)]))
    with ingest(tmp_path) as (url, database):
        node = WatchingUploader(url=url, token=TOKEN)
        with testing.run(node, context=context(tmp_path)) as bench:
            tell(bench, lambda: node.counters.get("spans_sent", 0) == 7)
            tell(bench, lambda: "is dropped" in caplog.text)
        assert known(database) == {"door": [(s.start, s.end) for s in good]}
    assert caplog.text.count("is dropped") == 1


def test_an_older_server_gets_its_events_and_the_log_says_once_that_it_does_not_get_coverage(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    class Older(BaseHTTPRequestHandler):
        asked = 0

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            knows = self.path == "/v1/events"
            Older.asked += not knows
            answer = b'{"accepted": 1, "duplicates": 0, "refused": []}' if knows else b'{"error": "not found"}'
            self.send_response(200 if knows else 404)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    event = Crossing(header=Header(camera="door"), id="1", line="main", direction="in", track=1, time=NOON)
    with Journal(tmp_path / "journal.db") as journal:
        journal.append(event.id, "Crossing", encode(event))
    server = HTTPServer(("127.0.0.1", 0), Older)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        node = WatchingUploader(url=f"http://127.0.0.1:{server.server_port}", token=TOKEN, max_age=0)
        with testing.run(node, context=context(tmp_path)) as bench:
            bench.send("heartbeats", *minutes_of_beats(0, 2))
            tell(bench, lambda: node.counters.get("failed_tells", 0) == 1)
            bench.send("heartbeats", *minutes_of_beats(2, 9))
            bench.advance(3000)
            assert Older.asked == 1
            assert CoverageFile(tmp_path / "watched.json").load() == [Span("door", at(0), at(9))]
            tell(bench, lambda: node.counters.get("failed_tells", 0) == 2)
            assert node.counters["events_sent"] == 1 and node.present_trouble == ""
    finally:
        server.shutdown()
        server.server_close()
    assert caplog.text.count("it may be an older one") == 1
    assert (tmp_path / "watched.json").exists()  # for the day on which the server is a newer one


def test_a_file_that_cannot_be_read_is_one_sentence(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "watched.json").write_text('{"watched": [{"camera"')
    with testing.run(WatchingUploader(url="http://127.0.0.1:9", token=TOKEN), context=context(tmp_path)):
        pass
    assert caplog.text.count("cannot be read, the times in it are shown as no data") == 1


def test_it_hears_the_counters_of_all_cameras_and_still_ends_after_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [str(ROOT / "tests" / "launch" / "bad"), *sys.path])
    path = tmp_path / "two.yaml"
    path.write_text("""
metrica: 1
store: {id: test, timezone: UTC}
cameras: {door: {line: [0, 9, 9, 9]}, back: {line: [0, 9, 9, 9]}}
per_camera:
  capture: {type: shop:Camera, params: {uri: a}}
  tracker: {type: shop:Tracker}
  counter: {type: shop:Counter, params: {line: $(camera.line)}}
nodes:
  detector: {type: shop:Detector, remap: {frames: "*/frames"}}
  uploader:
    type: metrica.nodes.delivery.watching_uploader:WatchingUploader
    params: {url: "http://127.0.0.1:8080"}
    remap: {heartbeats: "*/counter/health"}
""")
    graph = load(str(path), run_dir=tmp_path, environment={}).graph
    heard = next(i for i in graph.inputs if i.port == "heartbeats")
    assert [topic.name for topic in heard.topics] == ["/back/counter/health", "/door/counter/health"]
    assert levels(graph)[-1] == ["/uploader"], "the last events must still leave"
