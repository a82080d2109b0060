"""Waits that follow the camera: slow ones are left in peace, and one that is back is not kept waiting."""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager

import pytest

from metrica import testing
from metrica.nodes.capture.node import Capture
from metrica.nodes.capture.patience import OpeningTime, Patience
from tests.nodes.capture.footage import RunningClock, rtsp_camera, spin_until


def limit_after(gaps: list[float], longest: float = 30, fps: float = 0) -> float:
    patience, now = Patience(longest, fps), 100.0
    patience.picture(now)
    for gap in gaps:
        now += gap
        patience.picture(now)
    return patience.limit


def test_a_fast_camera_is_missed_soon_and_a_slow_one_is_left_in_peace() -> None:
    assert limit_after([1 / 25] * 50) == 2
    assert limit_after([0, 0, 0, 2, 2, 2]) == 8
    assert limit_after([5] * 10) == 20
    assert limit_after([20] * 10) == 30
    assert limit_after([1 / 15] * 40 + [1.5] + [1 / 15] * 20) == 6  # a smart codec that sends little when nothing moves


def test_before_the_camera_is_known_its_announced_rate_counts() -> None:
    assert Patience(30).limit == 30  # a first picture waits for the next key frame
    assert limit_after([]) == 5
    assert limit_after([], fps=0.5) == 8
    assert limit_after([], fps=90_000) == 5
    assert limit_after([0.04] * 50, longest=1) == 1


def test_an_attempt_takes_no_longer_than_the_camera_needs() -> None:
    opening = OpeningTime(30)
    assert [opening.next() for _ in range(3)] == [30, 30, 30]
    opening.opened(0.3)
    assert [opening.next() for _ in range(10)] == [5] * 9 + [30]
    opening.opened(8)
    assert opening.next() == 24


@contextmanager
def slow_relay(target: int, seconds: float) -> Generator[int]:
    """A relay whose answer to the first DESCRIBE of each connection comes late. Yields its port."""

    def pump(source: socket.socket, sink: socket.socket, waits: bool) -> None:
        try:
            while data := source.recv(65536):
                if waits and b"DESCRIBE" in data:
                    time.sleep(seconds)
                    waits = False
                sink.sendall(data)
        except OSError:
            return
        finally:
            sink.close()

    def serve(server: socket.socket) -> None:
        while True:
            try:
                near, _ = server.accept()
            except OSError:
                return
            far = socket.create_connection(("127.0.0.1", target))
            threading.Thread(target=pump, args=(near, far, True), daemon=True).start()
            threading.Thread(target=pump, args=(far, near, False), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=serve, args=(server,), daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


def test_a_camera_that_answers_late_is_opened(caplog: pytest.LogCaptureFixture) -> None:
    with rtsp_camera() as camera, slow_relay(camera.port, 5.5) as port:
        node = Capture(uri=f"rtsp://127.0.0.1:{port}/cam")
        with testing.run(node, clock=RunningClock()) as bench:
            longest = 0.0
            while node.counters.get("frames", 0) < 5:
                start = time.monotonic()
                bench.spin()
                longest = max(longest, time.monotonic() - start)
    assert longest < 0.5
    assert "refused" not in node.counters
    assert "does not answer or sends no picture yet: it is given 30 s (open_timeout)" in caplog.text


def test_a_limit_of_ones_own_is_kept(caplog: pytest.LogCaptureFixture) -> None:
    with rtsp_camera() as camera, slow_relay(camera.port, 60) as port:
        node = Capture(uri=f"rtsp://127.0.0.1:{port}/cam", open_timeout=1)
        with testing.run(node, clock=RunningClock()) as bench:
            spin_until(bench, lambda: node.counters.get("refused", 0) >= 1)
    assert "does not answer" in caplog.text


def test_one_picture_in_two_seconds_stays_open() -> None:
    with rtsp_camera("--fps", "1/2") as camera:
        node = Capture(uri=f"rtsp://{camera.address}")
        with testing.run(node, clock=RunningClock()) as bench:
            spin_until(bench, lambda: node.counters.get("frames", 0) >= 5, seconds=40)
    assert "reopened" not in node.counters
    assert "refused" not in node.counters


def test_a_camera_with_rare_key_frames_is_waited_for(caplog: pytest.LogCaptureFixture) -> None:
    with rtsp_camera("--key-frames-after", "8") as camera:
        node = Capture(uri=f"rtsp://{camera.address}")
        with testing.run(node, clock=RunningClock()) as bench:
            longest = 0.0
            while node.counters.get("frames", 0) < 5:
                start = time.monotonic()
                bench.spin()
                longest = max(longest, time.monotonic() - start)
    assert longest < 0.5
    assert "refused" not in node.counters
    assert "has sent no key frame yet" in caplog.text


def test_a_camera_is_back_soon_also_the_tenth_time(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with rtsp_camera() as camera:
        node = Capture(uri=f"rtsp://{camera.address}")
        took: list[float] = []
        with testing.run(node, clock=RunningClock()) as bench:
            spin_until(bench, lambda: node.counters.get("frames", 0) >= 2)
            for _ in range(10):
                camera.unplug()
                spin_until(bench, lambda: "sends no more pictures" in caplog.text)
                caplog.clear()
                end = time.monotonic() + 1
                spin_until(bench, lambda end=end: time.monotonic() > end)  # type: ignore[misc]
                camera.plug_in()
                before, start = node.counters["frames"], time.monotonic()
                spin_until(bench, lambda before=before: node.counters["frames"] > before)  # type: ignore[misc]
                took.append(time.monotonic() - start)
    assert max(took) < 8, took
