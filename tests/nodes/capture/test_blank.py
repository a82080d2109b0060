"""Pictures that show nothing: interlaced video, a covered lens, a decoder that gives one colour."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from metrica import testing
from metrica.messages import Image
from metrica.nodes.capture.blank import BlankCheck, BlankTime, is_flat
from metrica.nodes.capture.interlaced import says_interlaced
from metrica.nodes.capture.node import Capture
from tests.nodes.capture.footage import SIZE, RunningClock, VideoWriter, rtsp_camera, spin_until

# Sequence parameter sets of x264 for 720x576, interlaced and progressive, as FFmpeg gives them for MP4.
INTERLACED = bytes.fromhex(
    "0164001effe1001e6764001eacd940b424d80a5060606a5000000300100000030329f142996001000568fbacb22c"
)
PROGRESSIVE = bytes.fromhex(
    "0164001effe1001e6764001eacd940b4126c0528303035280000030008000003019478b16cb001000568ebecb22c"
)


def in_annex_b(header: bytes) -> bytes:
    return b"\0\0\0\1" + header[8:38] + b"\0\0\1" + header[41:]


def test_the_header_says_whether_a_video_is_interlaced() -> None:
    assert says_interlaced("avc1", INTERLACED)
    assert says_interlaced("h264", in_annex_b(INTERLACED))
    assert not says_interlaced("avc1", PROGRESSIVE)
    assert not says_interlaced("h264", in_annex_b(PROGRESSIVE))
    mpeg2 = bytes.fromhex("000001b32d0240330000000000 000001b5148200010000".replace(" ", ""))
    assert says_interlaced("mpg2", mpeg2)
    assert not says_interlaced("mpg2", mpeg2.replace(b"\xb5\x14\x82", b"\xb5\x14\x8a"))
    assert not says_interlaced("mjpg", INTERLACED)


@pytest.mark.parametrize("cut", range(1, len(INTERLACED)))
def test_a_header_that_is_cut_short_is_no_crash(cut: int) -> None:
    try:
        says_interlaced("avc1", INTERLACED[:cut])
        says_interlaced("h264", in_annex_b(INTERLACED)[:cut])
    except (IndexError, ValueError):
        pass


def dark(seed: int, noise: int = 1) -> Image:
    """A dark room, as a sensor sees it: black, with a little noise."""
    return np.random.default_rng(seed).integers(0, 1 + noise, (96, 160, 3), np.uint8)


def test_one_colour_is_blank_and_a_dark_room_is_not() -> None:
    assert all(is_flat(np.full((96, 160, 3), value, np.uint8)) for value in (0, 16, 128, 255))
    assert is_flat(np.full((96, 160, 3), (200, 20, 30), np.uint8))
    one_pixel = np.zeros((96, 160, 3), np.uint8)
    one_pixel[50, 33, 1] = 1
    assert not is_flat(one_pixel)
    check = BlankCheck(interlaced=False)
    assert not any(check.is_blank(dark(seed)) for seed in range(20))
    assert not check.is_blank(dark(19))  # a scene that stands still


def test_an_interlaced_video_whose_pictures_never_change_was_not_converted() -> None:
    """The converter refuses, and OpenCV gives what the memory held before, which may be anything."""
    check = BlankCheck(interlaced=True)
    assert all(check.is_blank(dark(1)) for _ in range(20))
    assert not check.is_blank(dark(2))
    assert check.is_blank(dark(2))
    assert not check.is_blank(dark(3))


def test_blank_pictures_are_a_trouble_after_seconds_of_nothing_else() -> None:
    time = BlankTime()
    assert not any(time.blank(k / 10) for k in range(29))
    assert time.blank(3.1)
    assert time.picture()
    assert not time.picture()
    assert not time.blank(3.2)
    assert not time.only()


def test_a_recording_that_fades_in_from_black_is_read_from_its_first_picture_on(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    with VideoWriter(tmp_path / "clip.mp4", 10) as video:
        for n in range(30):
            video.write(
                np.zeros((SIZE[1], SIZE[0], 3), np.uint8) if n < 10 else rng.integers(0, 255, (96, 160, 3), np.uint8)
            )
    node = Capture(uri=str(tmp_path / "clip.mp4"), pace="fast")
    with testing.run(node) as bench:
        bench.spin(100)
        assert node.counters == {"blank": 10, "frames": 20}
        assert bench.sent("frames")[0].header.stamp - bench.fake_clock.now() == pytest.approx(10**9, abs=10**6)
        assert node.present_trouble == ""


def test_a_recording_of_one_colour_is_no_look_and_says_so(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with VideoWriter(tmp_path / "clip.mp4", 10) as video:
        for _ in range(20):
            video.write(np.full((SIZE[1], SIZE[0], 3), 16, np.uint8))
    node = Capture(uri=str(tmp_path / "clip.mp4"), pace="fast")
    with testing.run(node) as bench:
        bench.spin(100)
        assert bench.finished
        assert bench.sent("frames") == []
    assert node.counters == {"blank": 20}
    assert "pictures of one flat colour only" in node.present_trouble
    assert node.present_trouble in caplog.text


def interlaced_clip(path: Path, seconds: int = 5) -> Path:
    """A ball that moves, in 576i, made with GStreamer."""
    pipeline = (
        f"videotestsrc num-buffers={25 * seconds} pattern=ball ! video/x-raw,format=I420,width=720,height=576,"
        "framerate=25/1,interlace-mode=interleaved,field-order=top-field-first ! x264enc interlaced=true "
        f"speed-preset=ultrafast ! mp4mux ! filesink location={path}"
    )
    code = (
        "import gi, sys; gi.require_version('Gst', '1.0'); from gi.repository import Gst; Gst.init(None); "
        "p = Gst.parse_launch(sys.argv[1]); p.set_state(Gst.State.PLAYING); "
        "m = p.get_bus().timed_pop_filtered(60 * Gst.SECOND, Gst.MessageType.EOS | Gst.MessageType.ERROR); "
        "p.set_state(Gst.State.NULL); sys.exit(m is None or m.type != Gst.MessageType.EOS)"
    )
    if sys.platform != "linux" or subprocess.run(["/usr/bin/python3", "-c", code, pipeline], check=False).returncode:
        pytest.skip("no GStreamer for the system's Python: install python3-gi and GStreamer's plugins")
    return path


def test_an_interlaced_recording_is_no_look_each_time_it_is_opened(tmp_path: Path) -> None:
    clip = interlaced_clip(tmp_path / "576i.mp4")
    for _ in range(4):  # the second time OpenCV's pictures are not black: they hold what the memory held before
        node = Capture(uri=str(clip), pace="fast")
        with testing.run(node) as bench:
            bench.spin(200)
            assert bench.sent("frames") == []
        assert node.counters == {"blank": 125}
        assert "gives interlaced video" in node.present_trouble
        assert "yadif" in node.present_trouble


def test_an_interlaced_camera_is_no_look_and_says_which_setting_to_change(caplog: pytest.LogCaptureFixture) -> None:
    with rtsp_camera("--interlaced") as camera:
        node = Capture(uri=f"rtsp://{camera.address}")
        with testing.run(node, clock=RunningClock()) as bench:
            spin_until(bench, lambda: "interlaced" in node.present_trouble)
            spin_until(bench, lambda: node.counters["blank"] >= 60)
            assert bench.sent("frames") == []
    assert caplog.text.count("gives interlaced video") == 1
    assert "to progressive, such as 1080p" in caplog.text
    assert not node.counters.get("reopened")


def test_a_dark_camera_with_noise_is_a_look() -> None:
    with rtsp_camera("--dark") as camera:
        node = Capture(uri=f"rtsp://{camera.address}")
        with testing.run(node, clock=RunningClock()) as bench:
            spin_until(bench, lambda: node.counters.get("frames", 0) >= 20)
    assert not node.counters.get("blank")
