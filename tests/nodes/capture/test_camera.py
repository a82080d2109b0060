"""Capture from real RTSP cameras: opening, losing, coming back, and being refused."""

from __future__ import annotations

import logging
import signal
import threading
import time
from socket import create_server

import pytest

from metrica import testing
from metrica.nodes.capture.live import Transport
from metrica.nodes.capture.node import Capture
from tests.nodes.capture.footage import RunningClock, free_port, rtsp_camera, spin_until


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [r.message for r in caplog.records if r.name.startswith("metrica")]


@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_a_camera_is_read_with_the_time_of_each_picture(transport: Transport) -> None:
    with rtsp_camera() as camera:
        node = Capture(uri=f"rtsp://{camera.address}", rtsp_transport=transport)
        with testing.run(node, clock=RunningClock()) as bench:
            before = time.time_ns()
            spin_until(bench, lambda: len(bench.sent("frames")) >= 10)
            frames = bench.sent("frames")
    assert frames[0].image.shape == (360, 640, 3)
    stamps = [f.header.stamp for f in frames]
    assert stamps == sorted(stamps)
    assert before <= stamps[0] <= stamps[-1] <= time.time_ns()
    assert abs(frames[-1].header.mono - time.monotonic_ns()) < 60 * 10**9


def test_a_target_rate_holds_for_a_camera() -> None:
    with rtsp_camera() as camera:
        node = Capture(uri=f"rtsp://{camera.address}", fps=5)
        with testing.run(node, clock=RunningClock()) as bench:
            spin_until(bench, lambda: len(bench.sent("frames")) >= 8)
    assert node.counters["dropped_by_rate"] >= 10  # the camera sends 15 a second


def test_a_camera_that_goes_and_comes_back_costs_one_sentence_each(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with rtsp_camera() as camera:
        node = Capture(uri=f"rtsp://{camera.address}", retry_first=0.1, retry_slowest=0.3)
        with testing.run(node, clock=RunningClock()) as bench:
            spin_until(bench, lambda: node.counters.get("frames", 0) >= 3)
            camera.unplug()
            spin_until(bench, lambda: node.counters.get("refused", 0) >= 3)
            gone = node.counters["frames"]
            camera.plug_in()
            spin_until(bench, lambda: node.counters["frames"] >= gone + 3)
    said = lines(caplog)
    assert len(said) == 3, said
    assert "is open" in said[0]
    assert "sends no more pictures; it is tried again" in said[1]
    assert "is back after" in said[2]
    assert node.counters["reopened"] == 1


def test_a_camera_that_refuses_says_so_once_and_is_tried_until_it_is_there(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with rtsp_camera() as camera:
        camera.unplug()
        node = Capture(uri=f"rtsp://{camera.address}", retry_first=0.1, retry_slowest=0.2)
        with testing.run(node, clock=RunningClock()) as bench:
            spin_until(bench, lambda: node.counters.get("refused", 0) >= 3)
            assert len(lines(caplog)) == 1
            assert f"127.0.0.1:{camera.port} refuses the connection" in lines(caplog)[0]
            camera.plug_in()
            spin_until(bench, lambda: node.counters.get("frames", 0) >= 1)
    assert lines(caplog)[1:] == [f"the camera rtsp://{camera.address} is open"]


@pytest.mark.parametrize(
    ("credentials", "words"),
    [
        ("owner:wr0ngSecret@", "refuses the user name or the password"),
        ("", "asks for a user name and a password: write rtsp://USER:PASSWORD@"),
    ],
)
def test_a_refused_password_is_said_without_showing_it(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str], credentials: str, words: str
) -> None:
    with rtsp_camera("--user", "owner", "--password", "right") as camera:
        node = Capture(uri=f"rtsp://{credentials}{camera.address}", retry_slowest=600)
        with testing.run(node, clock=RunningClock()) as bench:
            spin_until(bench, lambda: node.counters.get("refused", 0) >= 1)
            bench.spin(4)
    assert node.counters["refused"] == 1  # not again before the longest wait: it could lock the camera
    assert len(lines(caplog)) == 1
    assert words in lines(caplog)[0]
    output = capfd.readouterr()
    assert output.err == ""  # FFmpeg and OpenCV print nothing of their own
    assert "wr0ngSecret" not in caplog.text + output.out


def test_the_right_password_opens_the_camera_and_a_wrong_path_is_not_blamed_on_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    with rtsp_camera("--user", "owner", "--password", "r1ght") as camera:
        good = Capture(uri=f"rtsp://owner:r1ght@{camera.address}")
        with testing.run(good, clock=RunningClock()) as bench:
            spin_until(bench, lambda: good.counters.get("frames", 0) >= 1)
        bad = Capture(uri=f"rtsp://owner:r1ght@{camera.address}era")
        with testing.run(bad, clock=RunningClock()) as bench:
            spin_until(bench, lambda: bad.counters.get("refused", 0) >= 1)
    assert "has no stream of that path" in lines(caplog)[-1]
    assert "r1ght" not in caplog.text


def test_a_host_that_does_not_exist_is_named(caplog: pytest.LogCaptureFixture) -> None:
    node = Capture(uri="rtsp://user:pw@no-such-camera.invalid/cam")
    with testing.run(node, clock=RunningClock()) as bench:
        spin_until(bench, lambda: node.counters.get("refused", 0) >= 1, seconds=60)
    assert "there is no host 'no-such-camera.invalid'" in lines(caplog)[0]


def test_something_that_accepts_and_says_nothing_never_blocks_a_callback(caplog: pytest.LogCaptureFixture) -> None:
    with create_server(("127.0.0.1", 0)) as silent:
        node = Capture(uri=f"rtsp://127.0.0.1:{silent.getsockname()[1]}/cam", open_timeout=3)
        with testing.run(node, clock=RunningClock()) as bench:
            longest = 0.0
            while not node.counters.get("refused"):
                start = time.monotonic()
                bench.spin()
                longest = max(longest, time.monotonic() - start)
    assert longest < 1
    assert "does not answer" in lines(caplog)[0]


def test_a_camera_that_freezes_is_given_up_and_opened_again(caplog: pytest.LogCaptureFixture) -> None:
    with rtsp_camera() as camera:
        node = Capture(uri=f"rtsp://{camera.address}", retry_first=0.1, retry_slowest=0.2)
        with testing.run(node, clock=RunningClock()) as bench:
            spin_until(bench, lambda: node.counters.get("frames", 0) >= 3)
            assert camera.process
            camera.process.send_signal(signal.SIGSTOP)
            spin_until(bench, lambda: "sends no more pictures" in caplog.text)
            camera.process.send_signal(signal.SIGCONT)
            spin_until(bench, lambda: node.counters.get("reopened", 0) >= 1)
            before = node.counters["frames"]
            spin_until(bench, lambda: node.counters["frames"] >= before + 3)


def test_a_node_that_ends_while_a_camera_is_being_opened_does_not_wait_for_it() -> None:
    with create_server(("127.0.0.1", 0)) as silent:
        node = Capture(uri=f"rtsp://127.0.0.1:{silent.getsockname()[1]}/cam")
        with testing.run(node, clock=RunningClock()) as bench:
            bench.spin()
            start = time.monotonic()
        assert time.monotonic() - start < 1
        assert threading.active_count() < 10


def test_a_device_that_is_not_plugged_in_is_named_and_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    node = Capture(uri="/dev/video97", retry_first=0.1, retry_slowest=0.2)
    with testing.run(node, clock=RunningClock()) as bench:
        spin_until(bench, lambda: node.counters.get("refused", 0) >= 2)
    assert len(lines(caplog)) == 1
    assert "there is no camera /dev/video97" in lines(caplog)[0]


def test_a_port_that_nobody_listens_on_is_not_a_permanent_failure() -> None:
    node = Capture(uri=f"rtsp://127.0.0.1:{free_port()}/cam")
    node.check()
    with testing.run(node, clock=RunningClock()) as bench:
        spin_until(bench, lambda: node.counters.get("refused", 0) >= 1)
        assert not bench.finished
