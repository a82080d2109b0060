"""Footage and cameras that the capture tests make for themselves."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from socket import socket

import cv2
import numpy as np
import pytest

from metrica.messages import Image
from metrica.testing import Bench, FakeClock

SIZE = (160, 96)
RTSP_SERVER = Path(__file__).with_name("rtsp_server.py")


class RunningClock(FakeClock):
    """The machine's clocks, for nodes that talk to something real."""

    def now(self) -> int:
        return time.time_ns()

    def monotonic(self) -> int:
        return time.monotonic_ns()

    def uptime(self) -> int:
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


def picture(number: int) -> Image:
    """A picture that says its own number, in 8 black or white blocks, through any lossy codec."""
    image = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
    for bit in range(8):
        image[:, bit * 20 : bit * 20 + 20] = 235 if number >> bit & 1 else 20
    image[:16] = 128  # so that no picture is of one colour
    return image


def number_of(image: Image) -> int:
    """The number that `picture` was given."""
    row = image[image.shape[0] // 2, :, 0]
    return sum(1 << bit for bit in range(8) if row[bit * 20 + 10] > 128)


class VideoWriter:
    """A video file that is written picture by picture: `with VideoWriter(path, fps) as video: video.write(image)`."""

    def __init__(self, path: Path, fps: float, codec: str = "mp4v") -> None:
        self._writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*codec), fps, SIZE)
        assert self._writer.isOpened()

    def write(self, image: Image) -> None:
        self._writer.write(image)

    def __enter__(self) -> VideoWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self._writer.release()


def spin_until(bench: Bench, done: Callable[[], bool], seconds: float = 20) -> None:
    """Run the node until something holds; fail after so many seconds."""
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, f"not within {seconds} s; counters: {bench.node.counters}"
        bench.spin()


def write_video(path: Path, frames: int, fps: float, codec: str = "mp4v") -> Path:
    """A video whose frames say their numbers."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*codec), fps, SIZE)
    assert writer.isOpened()
    for number in range(frames):
        writer.write(picture(number))
    writer.release()
    return path


def free_port() -> int:
    with socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


@dataclass
class Camera:
    """A real RTSP camera in a process of its own; it can be unplugged."""

    port: int
    arguments: tuple[str, ...] = ()
    process: subprocess.Popen[str] | None = None

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}/cam"

    def plug_in(self) -> None:
        self.process = subprocess.Popen(
            ["/usr/bin/python3", str(RTSP_SERVER), str(self.port), *self.arguments], stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout
        assert self.process.stdout.readline().strip() == "READY"

    def unplug(self) -> None:
        if self.process:
            self.process.kill()
            self.process.communicate()
        self.process = None


@contextmanager
def rtsp_camera(*arguments: str) -> Generator[Camera]:
    """A camera on loopback; skips the test where its packages are missing."""
    gi = "import gi; gi.require_version('GstRtspServer', '1.0')"
    if (
        sys.platform != "linux"
        or subprocess.run(["/usr/bin/python3", "-c", gi], check=False, capture_output=True).returncode
    ):
        pytest.skip("no RTSP server: install python3-gi, gir1.2-gst-rtsp-server-1.0 and GStreamer's plugins")
    camera = Camera(free_port(), arguments)
    camera.plug_in()
    try:
        yield camera
    finally:
        camera.unplug()
