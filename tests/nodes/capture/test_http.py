"""Cameras over HTTP: a video is read, and anything else is named for what it is."""

from __future__ import annotations

import pytest

from metrica import testing
from metrica.nodes.capture.address import read_address
from metrica.nodes.capture.node import Capture
from metrica.nodes.capture.probe import why_refused
from tests.nodes.capture.footage import RunningClock, spin_until
from tests.nodes.capture.http_camera import Login, http_camera


@pytest.mark.parametrize("login", ["none", "basic", "digest"])
def test_mjpeg_is_read_with_each_kind_of_login(login: Login) -> None:
    with http_camera(login) as camera:
        node = Capture(uri=f"http://owner:right@{camera.host}/video")
        with testing.run(node, clock=RunningClock()) as bench:
            spin_until(bench, lambda: node.counters.get("frames", 0) >= 10)
    assert "refused" not in node.counters


@pytest.mark.parametrize("login", ["none", "basic", "digest"])
def test_one_still_picture_is_named_and_never_published(login: Login, caplog: pytest.LogCaptureFixture) -> None:
    with http_camera(login) as camera:
        node = Capture(uri=f"http://owner:right@{camera.host}/snap.jpg", retry_first=0.1)
        with testing.run(node, clock=RunningClock()) as bench:
            spin_until(bench, lambda: node.counters.get("refused", 0) >= 3)
            assert bench.sent("frames") == []
    said = [r.message for r in caplog.records]
    assert len(said) == 1
    assert f"http://***@{camera.host}/snap.jpg gives one still picture, not a video" in said[0]
    assert node.present_trouble == said[0]


@pytest.mark.parametrize("login", ["basic", "digest"])
@pytest.mark.parametrize("path", ["video", "snap.jpg"])
def test_a_wrong_password_is_named_and_not_tried_again_soon(
    login: Login, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    with http_camera(login) as camera:
        node = Capture(uri=f"http://owner:wr0ng@{camera.host}/{path}", retry_first=0.1)
        with testing.run(node, clock=RunningClock()) as bench:
            spin_until(bench, lambda: node.counters.get("refused", 0) >= 1)
            asked = len(camera.requests)
            bench.spin(20)
            assert len(camera.requests) == asked
    assert "refuses the user name or the password in its address" in caplog.text
    assert "wr0ng" not in caplog.text


@pytest.mark.parametrize(
    ("user", "path", "words"),
    [
        ("", "/video", "asks for a user name and a password: write http://USER:PASSWORD@"),
        ("owner:right@", "/cam", "has no stream of that path"),
        ("owner:right@", "/index.html", "answers, but not with a video (text/html)"),
        ("owner:right@", "/moved", "gives one still picture"),
        ("owner:right@", "/snap.jpg?token=s3cret", "gives one still picture"),
        ("owner:right@", "/video", "answers, but no picture could be read from it"),
    ],
)
@pytest.mark.parametrize("login", ["basic", "digest"])
def test_each_reason_has_its_sentence(login: Login, user: str, path: str, words: str) -> None:
    with http_camera(login) as camera:
        refusal = why_refused(read_address(f"http://{user}{camera.host}{path}"), timeout=2)
    assert words in refusal.sentence
    assert refusal.password == (not user)
    assert "s3cret" not in refusal.sentence
    assert "right" not in refusal.sentence


def test_a_web_server_at_an_rtsp_address_is_not_called_silent() -> None:
    with http_camera() as camera:
        refusal = why_refused(read_address(f"rtsp://{camera.host}/cam"), timeout=2)
    assert "answers, but not in RTSP: check the port" in refusal.sentence


def test_nobody_there_is_said_in_http_too() -> None:
    with http_camera() as camera:
        host = camera.host
    assert "refuses the connection" in why_refused(read_address(f"http://{host}/video"), timeout=2).sentence
