"""The main job: real clips in real time through `metrica-launch`, and the owner reads the counts in a browser."""

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
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

PASSWORD = "only-for-this-test"
MODEL = "person-detection-0201"
LINES = {"door": [600, 432, 600, 0], "walkway": [313, 360, 313, 0]}
CLIPS = {"door": "one-by-one.mp4", "walkway": "campus-walkway.mp4"}
SAME_WITHIN = 0.5  # seconds: in real time a frame may be dropped, so a passage is placed between other frames

LAUNCH = """
metrica: 1
store: {{id: clip-shop, timezone: Africa/Tunis}}
data: {data}
cameras:
  door: {{uri: {clips}/one-by-one.mp4, line: {door}}}
  walkway: {{uri: {clips}/campus-walkway.mp4, line: {walkway}}}
per_camera:
  capture: {{type: capture, params: {{uri: $(camera.uri), fps: 10}}}}
  tracker: {{type: bytetrack}}
  counter: {{type: line_counter, params: {{line: $(camera.line), anchor: center}}}}
nodes:
  detector: {{type: openvino_detector, params: {{model: {model}}}, remap: {{frames: "*/frames"}}}}
  uploader: {{type: uploader, params: {{url: "http://127.0.0.1:{ingest}"}}}}
  ingest: {{type: ingest, params: {{port: {ingest}}}}}
  dashboard: {{type: dashboard, params: {{port: {page}, password: {password}}}}}
"""


@dataclass
class Shop:
    """A store whose graph runs, and what its log has said."""

    folder: Path
    page: str
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


@pytest.fixture(scope="module")
def shop(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Generator[Shop]:
    folder = tmp_path_factory.mktemp("shop")
    ports = free_ports(2)
    (folder / "store.yaml").write_text(
        LAUNCH.format(
            data=folder / "data",
            clips=shared / "clips",
            model=MODEL,
            ingest=ports[0],
            page=ports[1],
            password=PASSWORD,
            **LINES,
        )
    )
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [Path(sys.executable).with_name("metrica-launch"), folder / "store.yaml", "--run-dir", folder / "run"],
            stdout=log,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "METRICA_MODELS": str(shared / "models")},
        )
    shop = Shop(folder, f"http://127.0.0.1:{ports[1]}", process)
    try:
        shop.wait_for("has finished", times=2, timeout=240)
        time.sleep(5)  # the last event is on its way to the database
        yield shop
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(30)
        finally:
            process.kill()


@pytest.mark.timeout(400)
@pytest.mark.parametrize("camera", ["door", "walkway"])
def test_the_graph_in_real_time_counts_what_metrica_count_counts(shop: Shop, shared: Path, camera: str) -> None:
    counted = count(shared, camera)
    in_database = shop.crossings(camera)
    assert [d for d, _ in in_database] == [d for d, _ in counted]
    start = in_database[0][1] - counted[0][1]
    for (_, expected), (_, got) in zip(counted, in_database, strict=True):
        assert abs(got - start - expected) < SAME_WITHIN


def test_the_owner_reads_the_counts_off_the_page_after_logging_in(shop: Shop, browser: Browser) -> None:
    directions = [d for camera in CLIPS for d, _ in shop.crossings(camera)]
    page = browser.new_page(viewport={"width": 390, "height": 844})
    page.goto(shop.page)
    page.fill("#name", "owner")
    page.fill("#password", PASSWORD)
    page.click("#login-button")
    expect(page.locator("#kpi-in-today")).to_have_text(str(directions.count("in")), timeout=30_000)
    assert page.inner_text("#kpi-out-today") == str(directions.count("out"))
    page.close()


def test_ctrl_c_ends_everything_and_leaves_nothing_behind(shop: Shop) -> None:
    shop.process.send_signal(signal.SIGINT)
    assert shop.process.wait(30) == 0
    shop.read()
    assert "Traceback" not in "".join(shop.log)
    assert not (shop.folder / "run").exists() or not list((shop.folder / "run").iterdir())
    assert str(shop.folder) not in subprocess.run(["ps", "axww"], capture_output=True, text=True, check=True).stdout


def count(shared: Path, camera: str) -> list[tuple[str, float]]:
    """What `metrica-count` says of the same clip: direction and time (s) of each crossing."""
    line = ",".join(str(v) for v in LINES[camera])
    clip = shared / "clips" / CLIPS[camera]
    command = [str(Path(sys.executable).with_name("metrica-count")), str(clip)]
    done = subprocess.run(
        [*command, "--line", line, "--anchor", "center", "--fps", "10", "--model", MODEL, "--quiet"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "METRICA_MODELS": str(shared / "models")},
    )
    return [(c["direction"], c["time"]) for c in map(json.loads, done.stdout.splitlines())]


def free_ports(n: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(n)]
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports
