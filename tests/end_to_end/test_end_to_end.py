"""The main job: clips in real time through `metrica-launch`, and the owner reads the counts in a browser."""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.clips import BACK_DOOR, ENTRANCE, ONE_BY_ONE, WALKWAY, Clip, at_hand

PASSWORD = "only-for-this-test"
SAME_WITHIN = 0.5  # seconds: in real time a frame may be dropped, so a passage is placed between other frames
STORES = [
    {"door": ENTRANCE, "back": BACK_DOOR},
    *([{"door": ONE_BY_ONE, "walkway": WALKWAY}] if at_hand(ONE_BY_ONE, WALKWAY) else []),
]
"""The cameras of each store, and the clip that each of them shows."""

LAUNCH = """
metrica: 1
store: {{id: clip-store, timezone: Africa/Tunis}}
data: {data}
cameras:
{cameras}
per_camera:
  capture: {{type: capture, params: {{uri: $(camera.uri), fps: 10}}}}
  tracker: {{type: bytetrack}}
  counter: {{type: line_counter, params: {{line: $(camera.line), anchor: {anchor}}}}}
nodes:
  detector: {{type: openvino_detector, params: {{model: {model}}}, remap: {{frames: "*/frames"}}}}
  uploader: {{type: uploader, params: {{url: "http://127.0.0.1:{ingest}"}}}}
  ingest: {{type: ingest, params: {{port: {ingest}{database}}}}}
  dashboard: {{type: dashboard, params: {{port: {page}, password: {password}{database}}}}}
"""


@dataclass
class RunningStore:
    """A store whose graph runs, and what its log has said."""

    folder: Path
    clips: dict[str, Clip]
    page: str
    api: str
    process: subprocess.Popen[str]
    log: list[str] = field(default_factory=list[str])

    def wait_for(self, text: str, *, times: int, timeout: float) -> None:
        end = time.monotonic() + timeout
        while sum(text in line for line in self.log) < times:
            assert time.monotonic() < end, f"{text!r} did not come {times} times:\n" + "".join(self.log)
            assert self.process.poll() is None, "the launcher ended:\n" + "".join(self.log)
            time.sleep(0.2)
            self.read()

    def read(self) -> None:
        self.log[:] = (self.folder / "log").read_text().splitlines(keepends=True)

    def crossings(self, camera: str) -> list[tuple[str, float]]:
        """Direction and time (s) of every crossing in the server's database."""
        with sqlite3.connect(f"file:{self.folder}/data/metrica.db?mode=ro", uri=True) as database:
            rows = database.execute(
                "SELECT direction, time FROM events WHERE camera = ? ORDER BY time", (camera,)
            ).fetchall()
        return [("in" if d == 1 else "out", t / 1e9) for d, t in rows]

    def stop(self) -> int:
        """Ctrl-C, and the exit status."""
        self.process.send_signal(signal.SIGINT)
        try:
            return self.process.wait(30)
        finally:
            self.process.kill()
            self.read()


@contextmanager
def launched(clips: dict[str, Clip], folder: Path, database: str | None = None) -> Generator[RunningStore]:
    """The whole graph, from the cameras to the page; stopped at the end if the test has not done so.

    database: where ingest and dashboard keep what they know, if not in the data folder.
    """
    ingest, page = free_ports(2)
    cameras = [f"  {name}: {{uri: {clip.path}, line: {clip.line}}}" for name, clip in clips.items()]
    (first, *_) = clips.values()
    given = {"anchor": first.anchor, "model": first.model, "password": PASSWORD}
    given["database"] = "" if database is None else f', database: "{database}"'
    text = LAUNCH.format(data=folder / "data", cameras="\n".join(cameras), ingest=ingest, page=page, **given)
    (folder / "store.yaml").write_text(text)
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [Path(sys.executable).with_name("metrica-launch"), folder / "store.yaml", "--run-dir", folder / "run"],
            stdout=log,
            stderr=subprocess.STDOUT,
            text=True,
            env=os.environ | first.model_folders,
        )
    store = RunningStore(folder, clips, f"http://127.0.0.1:{page}", f"http://127.0.0.1:{ingest}", process)
    try:
        yield store
    finally:
        if process.poll() is None:
            store.stop()


@pytest.fixture(scope="module", params=STORES, ids=lambda clips: "+".join(clip.name for clip in clips.values()))
def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Generator[RunningStore]:
    """A store whose clips have all been played; its tests only read."""
    with launched(request.param, tmp_path_factory.mktemp("store")) as store:
        store.wait_for("has finished", times=len(store.clips), timeout=240)
        time.sleep(5)  # the last event is on its way to the database
        yield store


@pytest.mark.timeout(400)
def test_the_graph_in_real_time_counts_who_really_crosses(store: RunningStore) -> None:
    for camera, clip in store.clips.items():
        in_database = store.crossings(camera)
        assert [d for d, _ in in_database] == [d for _, d in clip.events]
        start = in_database[0][1] - clip.events[0][0]
        for (expected, _), (_, got) in zip(clip.events, in_database, strict=True):
            assert abs(got - start - expected) < 2 * SAME_WITHIN  # the first one may be early, and another one late


@pytest.mark.timeout(400)
def test_the_graph_in_real_time_counts_what_metrica_count_counts(store: RunningStore) -> None:
    for camera, clip in store.clips.items():
        counted = count(clip)
        in_database = store.crossings(camera)
        assert [d for d, _ in in_database] == [d for d, _ in counted]
        start = in_database[0][1] - counted[0][1]
        for (_, expected), (_, got) in zip(counted, in_database, strict=True):
            assert abs(got - start - expected) < SAME_WITHIN


@pytest.mark.timeout(400)
def test_the_owner_reads_the_counts_off_the_page_after_logging_in(store: RunningStore, browser: Browser) -> None:
    directions = [d for clip in store.clips.values() for _, d in clip.events]
    page = browser.new_page(viewport={"width": 390, "height": 844})
    page.goto(store.page)
    page.fill("#name", "owner")
    page.fill("#password", PASSWORD)
    page.click("#login-button")
    expect(page.locator("#kpi-in-today")).to_have_text(str(directions.count("in")), timeout=30_000)
    assert page.inner_text("#kpi-out-today") == str(directions.count("out"))
    page.close()


def test_ctrl_c_ends_everything_and_leaves_nothing_behind(tmp_path: Path) -> None:
    with launched({"door": ENTRANCE}, tmp_path) as store:
        store.wait_for("has finished", times=1, timeout=100)
        assert store.stop() == 0
    assert "Traceback" not in "".join(store.log)
    assert not (store.folder / "run").exists() or not list((store.folder / "run").iterdir())
    assert str(store.folder) not in subprocess.run(["ps", "axww"], capture_output=True, text=True, check=True).stdout


def count(clip: Clip) -> list[tuple[str, float]]:
    """What `metrica-count` says of the same clip: direction and time (s) of each crossing."""
    command = str(Path(sys.executable).with_name("metrica-count"))
    done = subprocess.run(
        [command, *clip.counting, "--fps", "10", "--quiet"],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | clip.model_folders,
    )
    return [(c["direction"], c["time"]) for c in map(json.loads, done.stdout.splitlines())]


def free_ports(n: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(n)]
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports
