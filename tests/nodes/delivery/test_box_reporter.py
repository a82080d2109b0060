"""The reporter tells a real ingest how the box is, and neither a server that is away nor a slow one holds it up."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from metrica import testing
from metrica.box import Launched, LaunchedNode
from metrica.box.clean import cleaned
from metrica.box.launched import STATUS_FILE
from metrica.context import Context
from metrica.dashboard.boxes.table import Box, BoxTable
from metrica.dashboard.store.database import Database
from metrica.errors import ParameterError
from metrica.journal import Journal
from metrica.nodes.reporting.box_reporter import BoxReporter
from metrica.nodes.reporting.machine import look_at, warmest
from metrica.version import __version__
from tests.nodes.delivery.bad_server import BadServer, answer
from tests.nodes.delivery.test_coverage import TOKEN, ingest

SECOND = 10**9
SECRET = "rtsp://shop:Sesame-1977@192.168.1.20/stream1"


def launched(folder: Path, now: int, **what: object) -> Launched:
    nodes = [
        LaunchedNode(
            name="/door/capture", camera="door", role="source", status="active", counters={"sent.frames": 900}
        ),
        LaunchedNode(
            name="/door/counter",
            camera="door",
            role="counter",
            status="active",
            counters={"received.tracks": 880, "unwatched.tracks": 30, "lost": 4, "in": 17, "out": 12},
            latency_ms=81.25,
        ),
        LaunchedNode(name="/uploader", status="waiting", restarts=7, trouble=f"{SECRET} and /home/ahmed/x are wrong"),
    ]
    usual: dict[str, object] = {
        "store": "test",
        "version": __version__,
        "digest": "0123456789ab",
        "pid": 1,
        "data_dir": folder,
        "began": now - 7200 * SECOND,
        "written": now,
        "nodes": nodes,
        "looked": {"door": now - 3 * SECOND, "back": None},
    }
    return Launched.model_validate({**usual, **what})


def write(folder: Path, state: Launched) -> None:
    (folder / STATUS_FILE).write_text(state.model_dump_json())


def said(bench: testing.Bench, done: Callable[[], bool]) -> None:
    """Move the clock by a minute, until it is so or ten seconds of the real time are over."""
    bench.advance(61)
    end = time.monotonic() + 10
    while (bench.node._under_way or not done()) and time.monotonic() < end:  # type: ignore[attr-defined]
        bench.settle()
        time.sleep(0.01)
    assert done()


def boxes(database: Database) -> list[Box]:
    return BoxTable(database).of_stores(["test"])


def context(folder: Path) -> Context:
    return Context(store="test", data=folder, run_dir=folder)


def test_the_server_hears_how_the_box_and_its_nodes_are(tmp_path: Path) -> None:
    with Journal(tmp_path / "journal.db") as journal:
        journal.append("a", "Crossing", b"not looked at")
    with (
        ingest(tmp_path) as (address, database),
        testing.run(BoxReporter(url=address, token=TOKEN), context=context(tmp_path)) as bench,
    ):
        write(tmp_path, launched(tmp_path, bench.clock.monotonic() + 60 * SECOND))
        said(bench, lambda: bool(boxes(database)))
        (box,) = boxes(database)
        hello = box.hello
        assert box.box == (tmp_path / "box-name").read_text()
        assert (hello.version, hello.launch, hello.unsent, hello.refused) == (__version__, "0123456789ab", 1, 0)
        assert hello.disk_free is not None
        assert hello.disk_total is not None
        assert 0 < hello.disk_free < hello.disk_total
        assert [(n.name, n.state, n.restarts, n.received, n.sent, n.lost) for n in hello.nodes] == [
            ("/door/capture", "active", 0, 0, 900, 0),
            ("/door/counter", "active", 0, 880, 0, 4),
            ("/uploader", "waiting", 7, 0, 0, 0),
        ]
        door, back = hello.cameras
        assert (door.frames_in, door.frames_out, door.latency_ms, back.looked_s) == (900, 850, 81.2, None)
        said(bench, lambda: boxes(database)[0].hello.clock_ahead is not None)


def test_no_secret_no_user_and_no_count_of_people_leaves_the_box(tmp_path: Path) -> None:
    with (
        ingest(tmp_path) as (address, database),
        testing.run(BoxReporter(url=address, token=TOKEN), context=context(tmp_path)) as bench,
    ):
        write(tmp_path, launched(tmp_path, bench.clock.monotonic() + 60 * SECOND))
        said(bench, lambda: bool(boxes(database)))
        told = boxes(database)[0].hello
        assert told.nodes[2].trouble == "(address) and ~/x are wrong"
        text = told.model_dump_json()
        for word in ("Sesame", "192.168", "ahmed", TOKEN, '"in"', '"out"', "17"):
            assert word not in text.replace(str(told.disk_free), "").replace(str(told.disk_total), ""), word


def test_a_box_keeps_its_name(tmp_path: Path) -> None:
    names = {Context(data=tmp_path / "one").box_name() for _ in range(3)}
    assert len(names) == 1
    assert names != {Context(data=tmp_path / "two").box_name()}
    assert (tmp_path / "one" / "box-name").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("state", ["absent", "broken", "old"])
def test_without_the_launcher_s_word_the_machine_is_still_told_of(tmp_path: Path, state: str) -> None:
    with (
        ingest(tmp_path) as (address, database),
        testing.run(BoxReporter(url=address, token=TOKEN), context=context(tmp_path)) as bench,
    ):
        if state == "broken":
            (tmp_path / STATUS_FILE).write_text(json.dumps({"nodes": 3}))
        elif state == "old":
            write(tmp_path, launched(tmp_path, bench.clock.monotonic() - 60 * SECOND))
        said(bench, lambda: bool(boxes(database)))
        assert boxes(database)[0].hello.nodes == []


def test_a_server_that_is_away_gets_only_the_latest_hello_when_it_is_back(tmp_path: Path) -> None:
    with testing.run(BoxReporter(url="http://127.0.0.1:9", token=TOKEN), context=context(tmp_path)) as bench:
        for failures in (1, 2, 3):
            said(bench, lambda n=failures: bench.node.counters.get("failed_hellos", 0) == n)  # type: ignore[misc]
        assert "cannot be reached" in bench.node.present_trouble
        with ingest(tmp_path) as (address, database):
            bench.node._delivery._url = address  # type: ignore[attr-defined]
            said(bench, lambda: bool(boxes(database)))
            bench.settle()
            said(bench, lambda: bench.node.counters.get("hellos", 0) >= 1)
            (hour,) = BoxTable(database).hours("test", boxes(database)[0].box, 0)
            assert hour.hellos <= 2, "what was not sent is not sent later"
        assert bench.node.present_trouble == ""


def test_a_server_that_answers_nothing_does_not_hold_the_loop_up(tmp_path: Path) -> None:
    server = BadServer(lambda _: [], reads=False)
    with testing.run(BoxReporter(url=server.address, token=TOKEN), context=context(tmp_path)) as bench:
        before = {thread.name for thread in threading.enumerate()}
        began = time.monotonic()
        for _ in range(5):
            bench.advance(61)
        assert time.monotonic() - began < 5, "the loop went on"
        hellos = [thread for thread in threading.enumerate() if thread.name == "hello"]
        assert len(hellos) == 1, f"one at a time; there were {before}"
    server.close()


def test_a_server_that_knows_no_hellos_is_asked_again_an_hour_later(tmp_path: Path) -> None:
    asked: list[float] = []

    def say(_: list[str]) -> list[bytes]:
        asked.append(bench.clock.monotonic())
        return [answer(b'{"error": "nothing here"}', status="404 Not Found")]

    server = BadServer(say)
    with testing.run(BoxReporter(url=server.address, token=TOKEN), context=context(tmp_path)) as bench:
        said(bench, lambda: bench.node.counters.get("failed_hellos", 0) == 1)
        for _ in range(10):
            bench.advance(60)
            bench.settle()
        assert len(asked) == 1
        bench.advance(3600)
        said(bench, lambda: bench.node.counters.get("failed_hellos", 0) == 2)
    server.close()


def test_a_token_is_not_sent_to_another_machine_in_the_open() -> None:
    with pytest.raises(ParameterError, match="plain HTTP"):
        BoxReporter(url="http://back-office.example").check()


def test_the_warmest_sensor_that_works_counts(tmp_path: Path) -> None:
    assert warmest(tmp_path) is None
    for zone, text in enumerate(["48250\n", "61000", "-274000", "9999999", "", "warm"]):
        (tmp_path / f"thermal_zone{zone}").mkdir()
        (tmp_path / f"thermal_zone{zone}" / "temp").write_text(text)
    assert warmest(tmp_path) == 61.0


def test_a_journal_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    found = look_at(tmp_path, tmp_path / "journal.db")
    assert (found.unsent, found.refused, found.waiting_s) == (None, None, None)
    assert list(tmp_path.iterdir()) == []
    assert look_at(tmp_path / "gone", tmp_path / "journal.db").disk_free is None


@pytest.mark.parametrize(
    ("sentence", "shown"),
    [
        ("rtsp://shop:Se,sa;me'19\"77@192.168.1.20/s1 does not answer", "(address) does not answer"),
        ("cannot open 'rtsp://camera/s1?user=shop&pwd=Se,same', see the log", "cannot open '(address)', see the log"),
        ("nothing is at (https://shop.example/a).", "nothing is at ((address))."),
    ],
)
def test_an_address_is_left_out_whole_whatever_signs_its_password_has(sentence: str, shown: str) -> None:
    assert cleaned(sentence) == shown
