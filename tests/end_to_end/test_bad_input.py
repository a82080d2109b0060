"""What an installer meets at night: each fault ends in one clear sentence, and no event is lost."""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np

from tests.models.networks import constant_network
from tests.nodes.capture.footage import rtsp_camera
from tests.paths import ROOT
from tests.small_disk import fill, small_disk

CAMERA = """
metrica: 1
store: {{id: shop, timezone: Africa/Tunis}}
data: {folder}/data
cameras:
  door: {{uri: "{uri}"}}
per_camera:
  capture: {{type: capture, params: {{uri: $(camera.uri)}}}}
"""

WALKERS = """
metrica: 1
store: {{id: shop, timezone: Africa/Tunis}}
data: {folder}
cameras:
  door: {{line: [320, 360, 320, 0]}}
per_camera:
  walkers: {{type: "tests.end_to_end.bad_input_nodes:Walkers", params: {{people: {people}}}}}
  counter: {{type: line_counter, params: {{line: $(camera.line)}}}}
nodes:
  uploader: {{type: uploader, params: {{url: "http://127.0.0.1:{port}", retry_limit: 1}}}}
  ingest: {{type: ingest, params: {{port: {port}, database: {database}}}}}
"""


class Launched:
    """A `metrica-launch` that runs, its output in a file."""

    def __init__(self, folder: Path, text: str, *options: str) -> None:
        self._file = folder / "store.yaml"
        self._file.write_text(text)
        self._log = folder / "log"
        with self._log.open("w") as log:
            self.process = subprocess.Popen(
                [Path(sys.executable).with_name("metrica-launch"), self._file, "--run-dir", folder / "run", *options],
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
            )

    @property
    def log(self) -> str:
        return self._log.read_text()

    def end(self, timeout: float = 40) -> int:
        return self.process.wait(timeout)

    def wait_for(self, text: str, timeout: float = 40) -> None:
        end = time.monotonic() + timeout
        while text not in self.log:
            over = time.monotonic() > end or self.process.poll() is not None
            assert not over or text in self.log, f"{text!r} did not come:\n{self.log}"
            time.sleep(0.1)


@contextmanager
def launched(folder: Path, text: str, *options: str) -> Generator[Launched]:
    launch = Launched(folder, text, *options)
    try:
        yield launch
    finally:
        if launch.process.poll() is None:
            launch.process.send_signal(signal.SIGINT)
            try:
                launch.end()
            finally:
                launch.process.kill()
    assert "Traceback" not in launch.log


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as s:
        return int(s.getsockname()[1])


def video(path: Path, frames: int = 60) -> Path:
    """A clip whose index is spread over the file, so that a part of it can be read."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 30, (320, 240))
    for n in range(frames):
        writer.write(np.full((240, 320, 3), n, np.uint8))
    writer.release()
    return path


def test_a_missing_file_is_found_before_anything_starts(tmp_path: Path) -> None:
    with launched(tmp_path, CAMERA.format(folder=tmp_path, uri=tmp_path / "no.mp4")) as launch:
        assert launch.end() == 2
        assert "store.yaml:" in launch.log and "no.mp4" in launch.log


def test_a_text_that_calls_itself_a_video_is_named(tmp_path: Path) -> None:
    clip = tmp_path / "clip.mp4"
    clip.write_text("this is no video\n" * 100)
    with launched(tmp_path, CAMERA.format(folder=tmp_path, uri=clip)) as launch:
        assert launch.end() != 0
        assert "clip.mp4" in launch.log and "video" in launch.log


def test_a_truncated_video_is_read_to_the_cut_and_said_to_be_cut(tmp_path: Path) -> None:
    whole = video(tmp_path / "whole.avi")
    clip = tmp_path / "cut.avi"
    clip.write_bytes(whole.read_bytes()[: whole.stat().st_size * 6 // 10])
    with launched(tmp_path, CAMERA.format(folder=tmp_path, uri=clip), "--until-finished") as launch:
        assert launch.end() == 0
        assert "cut.avi" in launch.log and "WARNING" in launch.log


def test_a_camera_that_refuses_is_tried_again_and_its_password_is_not_in_the_log(tmp_path: Path) -> None:
    uri = f"rtsp://owner:s3cret@127.0.0.1:{free_port()}/cam"
    with launched(tmp_path, CAMERA.format(folder=tmp_path, uri=uri)) as launch:
        launch.wait_for("WARNING")
        assert launch.process.poll() is None
        assert "s3cret" not in launch.log
        launch.process.send_signal(signal.SIGINT)
        assert launch.end() == 0


def test_a_wrong_password_is_named_as_such(tmp_path: Path) -> None:
    with rtsp_camera("--user", "owner", "--password", "right") as camera:
        uri = f"rtsp://owner:wr0ng@{camera.address}"
        with launched(tmp_path, CAMERA.format(folder=tmp_path, uri=uri)) as launch:
            launch.wait_for("password")
            assert launch.process.poll() is None
            assert "wr0ng" not in launch.log


def test_a_model_that_is_no_detector_is_named_as_such(tmp_path: Path) -> None:
    constant_network(tmp_path / "classifier.xml", [1, 3, 224, 224], classes=np.zeros((1, 1000), np.float32))
    text = CAMERA.format(folder=tmp_path, uri=video(tmp_path / "clip.avi")) + (
        f"nodes:\n  detector: {{type: openvino_detector, params: {{model: {tmp_path}/classifier.xml}},"
        ' remap: {frames: "*/frames"}}\n'
    )
    with launched(tmp_path, text) as launch:
        assert launch.end() == 2
        assert "classifier.xml" in launch.log and "detector" in launch.log


def test_a_taken_port_says_what_to_do_and_keeps_nobody_from_counting(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        text = WALKERS.format(folder=tmp_path / "data", people=100, port=port, database=tmp_path / "server.db")
        with launched(tmp_path, text) as launch:
            launch.wait_for("3 of 4 nodes run")
            assert f"port {port} is taken by another program" in launch.log
            other.close()
            launch.wait_for(f"listening on http://127.0.0.1:{port}")


def test_a_second_launcher_on_the_same_folder_leaves_the_first_alone(tmp_path: Path) -> None:
    text = WALKERS.format(folder=tmp_path / "data", people=100, port=free_port(), database=tmp_path / "server.db")
    second_folder = tmp_path / "second"
    second_folder.mkdir()
    with launched(tmp_path, text) as first:
        first.wait_for("nodes run")
        with launched(second_folder, text, "--run-dir", str(tmp_path / "run")) as second:
            assert second.end() == 1
            assert str(first.process.pid) in second.log
        time.sleep(1)
        assert first.process.poll() is None
        first.process.send_signal(signal.SIGINT)
        assert first.end() == 0


def test_a_full_disk_under_the_journal_is_said_once_and_loses_no_event(tmp_path: Path) -> None:
    with small_disk(tmp_path) as disk:
        database = tmp_path / "server.db"
        text = WALKERS.format(folder=disk, people=12, port=free_port(), database=database)
        with launched(tmp_path, text, "--until-finished") as launch:
            launch.wait_for("nodes run")
            filler = fill(disk)
            launch.wait_for("free some space", timeout=20)
            time.sleep(2)
            filler.unlink()
            assert launch.end(60) == 0
        with sqlite3.connect(database) as db:
            assert db.execute("SELECT count(*), count(DISTINCT id) FROM events").fetchone() == (12, 12)
        assert launch.log.count("free some space") == 1
