"""A real box with a simulated camera tells a real ingest how it is, and `metrica-status` and an alert show it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from metrica.dashboard.alerts.keeper import Keeper
from metrica.dashboard.alerts.targets import TargetTable
from metrica.dashboard.boxes.table import BoxTable
from metrica.dashboard.ingest.app import create_app
from metrica.dashboard.kpis.store import Store
from metrica.dashboard.people.api_tokens import ApiTokenTable
from metrica.dashboard.people.rights import HEALTH
from metrica.dashboard.service.serving import AioServer
from metrica.dashboard.store.database import Database
from metrica.dashboard.store.users import User
from metrica.launch.status.cli import main as status
from tests.dashboard.alerts.receivers import hook
from tests.launch.harness import short_folder

MINUTE = 60 * 10**9
SECRET = "Sesame-1977"
LAUNCH = """
metrica: 1
store: {{id: shop, timezone: Africa/Tunis}}
data: {data}
cameras:
  door: {{uri: "sim://entrance?seed=14&visitors_per_hour=600&width=320&height=240", line: [98, 129, 196, 122]}}
per_camera:
  capture: {{type: capture, params: {{uri: $(camera.uri), fps: 5}}}}
  counter: {{type: line_counter, params: {{line: $(camera.line)}}}}
  tracker: {{type: bytetrack}}
nodes:
  detector: {{type: openvino_detector, params: {{model: metrica-person, threads: 1}}, remap: {{frames: "*/frames"}}}}
  uploader:
    type: watching_uploader
    params: {{url: "{url}", token: {secret}-token-of-the-shop}}
    remap: {{heartbeats: "*/counter/health"}}
  reporter: {{type: box_reporter, params: {{url: "{url}", token: {secret}-token-of-the-shop, period: 2}}}}
"""


class MovingClock:
    """The real time, and what the test adds to it."""

    def __init__(self) -> None:
        self.ahead = 0

    def __call__(self) -> int:
        return time.time_ns() + self.ahead


def until(so: Callable[[], bool], what: str, seconds: float = 90) -> None:
    end = time.monotonic() + seconds
    while not so():
        assert time.monotonic() < end, what
        time.sleep(0.1)


@contextmanager
def box(folder: Path, url: str) -> Generator[subprocess.Popen[bytes]]:
    (folder / "shop.yaml").write_text(LAUNCH.format(data=folder / "data", url=url, secret=SECRET))
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [Path(sys.executable).with_name("metrica-launch"), folder / "shop.yaml", "--run-dir", folder / "run"],
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            process.wait(30)


def pids(folder: Path, node: str) -> list[int]:
    """The process of a node, by the file descriptor of its description."""
    found: list[int] = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            marked = f"METRICA_RUN_DIR={folder / 'run'}".encode() in (path / "environ").read_bytes().split(b"\0")
            if marked and json.loads((path / "fd" / "0").read_bytes())["name"] == node:
                found.append(int(path.name))
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return found


def shown(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    capsys.readouterr()
    ended = status(list(arguments))
    said = capsys.readouterr()
    return ended, said.out + said.err


def test_a_box_is_seen_here_and_at_its_server_and_its_silence_is_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    clock = MovingClock()
    with short_folder() as folder, Database(folder / "office.db", clock=clock) as database, hook() as owner:
        database.stores.put(Store("shop", "Africa/Tunis"))
        database.tokens.put("shop", f"{SECRET}-token-of-the-shop")
        database.users.put(User("owner", "hash"))
        token, _ = ApiTokenTable(database).create("owner", [HEALTH])
        (folder / "token").write_text(token)
        TargetTable(database).add(owner.address, private=True)
        keeper = Keeper(database)
        server = AioServer(create_app(database), "127.0.0.1", 0)
        office = ("--server", server.address, "--token-file", str(folder / "token"))
        here = ("--run-dir", str(folder / "run"))

        def told() -> list[Any]:
            return BoxTable(database).of_stores(["shop"])

        def states() -> dict[str, str]:
            return {node.name: node.state for found in told() for node in found.hello.nodes}

        try:
            assert shown(capsys, *office) == (0, "no box has said hello yet\n")
            assert shown(capsys, *here)[0] == 2, "nothing runs yet"
            with box(folder, server.address):
                until(lambda: any(c.frames_out > 20 for b in told() for c in b.hello.cameras), "frames are counted on")
                (seen,) = told()
                assert {n.state for n in seen.hello.nodes} == {"active"}
                assert seen.hello.cameras[0].looked_s is not None
                assert seen.hello.cameras[0].looked_s < 15
                assert seen.hello.cameras[0].latency_ms is not None
                assert abs(seen.hello.clock_ahead or 0) < 5
                for arguments in (office, here):
                    ended, text = shown(capsys, *arguments)
                    assert (ended, "6 of 6" in text or "7 of 7" in text, "1 of 1 look" in text) == (0, True, True), text
                    assert seen.box in text
                keeper.run_once()

                # A node is killed again and again: it is shown as waiting, and its starts are counted.
                def kill_uploader() -> bool:
                    for pid in pids(folder, "/uploader"):
                        os.kill(pid, signal.SIGKILL)
                    return states().get("/uploader") == "waiting"

                until(kill_uploader, "the uploader is shown as down")
                ended, text = shown(capsys, *office)
                assert (ended, "/uploader is down" in text) == (1, True), text
                until(lambda: states().get("/uploader") == "active", "the uploader runs again")
                (seen,) = told()
                (uploader,) = [node for node in seen.hello.nodes if node.name == "/uploader"]
                assert uploader.restarts >= 1
                assert SECRET not in seen.hello.model_dump_json()
                ended, text = shown(capsys, *here, "--json")
                assert json.loads(text)[0]["hello"]["launch"] == seen.hello.launch
                assert SECRET not in text

            # The box is off.
            keeper.run_once()
            assert owner.sentences() == []
            ended, text = shown(capsys, *here)
            assert (ended, "nothing runs" in text) == (2, True), text
            for _ in range(40):
                clock.ahead += MINUTE // 2
                keeper.run_once()
            assert owner.sentences() == ["box_silent"], "exactly once"
            ended, text = shown(capsys, *office)
            assert (ended, "it has said nothing for" in text) == (1, True), text

            with box(folder, server.address):
                heard = told()[0].heard
                until(lambda: told()[0].heard > heard, "the box is heard again")
                assert len(told()) == 1, "it has kept its name"
                keeper.run_once()
                assert owner.sentences() == ["box_silent", "box_silent over"]
        finally:
            server.stop()
