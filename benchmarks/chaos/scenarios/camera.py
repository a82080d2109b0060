"""A real RTSP camera behind a line that is cut and freezes, and a camera that comes back as another one."""

from __future__ import annotations

import random
import subprocess
import time
from pathlib import Path

from benchmarks.chaos.proxy import Line
from benchmarks.chaos.result import Result
from benchmarks.chaos.shop import Shop, die_with_parent, free_ports

PROGRAM = Path(__file__).parents[1] / "rtsp_camera.py"
SYSTEM_PYTHON = Path("/usr/bin/python3")
_OTHERS = [
    {"size": "1280x720"},
    {"size": "320x240", "fps": "10"},
    {"size": "640x360", "codec": "h265"},
    {"size": "640x480", "codec": "mjpeg", "fps": "5"},
    {"size": "640x360", "fps": "25"},
    {"size": "704x576", "codec": "h265", "fps": "12"},
    {"size": "640x360"},
]
"""What the camera comes back as: other sizes, codecs and rates, in turn."""
_GIVEN_UP = 60.0


def run(folder: Path, *, cuts: int = 25, freezes: int = 5, changes: int = 3, seed: int = 1) -> Result:
    """So many of each, in a random order, some soon after another."""
    rng = random.Random(seed)
    result = Result(faults=cuts + freezes + changes)
    port = free_ports(1)[0]
    camera = RtspCamera(port, {})
    line = Line(port)
    pictures = folder / "pictures"
    graph = f"""
cameras:
  door: {{}}
per_camera:
  capture: {{type: capture, params: {{uri: "rtsp://127.0.0.1:{line.port}/cam"}}}}
  watch: {{type: "benchmarks.chaos.nodes:Watch", params: {{file: {pictures}}}}}
"""
    faults = ["cut"] * cuts + ["freeze"] * freezes + ["change"] * changes
    rng.shuffle(faults)
    times: dict[str, list[float]] = {"cut": [], "freeze": [], "change": []}
    number = rng.randrange(len(_OTHERS))
    try:
        with Shop(folder / "shop", graph) as shop:
            shop.wait_active(2)
            if not shop.wait_until(lambda: _latest(pictures) is not None, 30):
                raise RuntimeError(f"the camera does not open:\n{shop.tail()}")
            for fault in faults:
                time.sleep(rng.choice([0.3, 1.0, 2.5]))
                size = None
                if fault == "cut":
                    line.cut()
                    time.sleep(rng.uniform(0.2, 3.0))
                    line.restore()
                elif fault == "freeze":
                    line.frozen = True
                    time.sleep(rng.uniform(3.0, 6.0))
                    line.drop()
                    line.frozen = False
                else:
                    camera.stop()
                    line.drop()
                    number += 1
                    other = _OTHERS[number % len(_OTHERS)]
                    camera = RtspCamera(port, other)
                    size = other["size"]
                back = _picture_after(pictures, time.monotonic(), size)
                if back is None:
                    result.problems.append(f"no picture within {_GIVEN_UP:.0f} s after a {fault}")
                    back = _GIVEN_UP
                times[fault].append(round(back, 2))
    finally:
        line.close()
        camera.stop()
    result.camera_back = [seconds for found in times.values() for seconds in found]
    result.detail |= {f"{fault}_seconds_longest": max(found) for fault, found in times.items() if found}
    return result


class RtspCamera:
    """The camera's process."""

    def __init__(self, port: int, settings: dict[str, str]) -> None:
        options = [word for name, value in settings.items() for word in (f"--{name}", value)]
        self._process = subprocess.Popen(
            [str(SYSTEM_PYTHON), str(PROGRAM), str(port), *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            preexec_fn=die_with_parent,  # noqa: PLW1509
        )
        assert self._process.stdout
        if self._process.stdout.readline().strip() != "READY":
            raise RuntimeError("the camera does not start: are GStreamer's packages there (rtsp_camera.py names them)?")

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()


def _latest(file: Path) -> tuple[float, str] | None:
    """When the last picture was taken, and its size; None if there is none."""
    if not file.exists():
        return None
    with file.open("rb") as found:
        found.seek(max(0, file.stat().st_size - 200))
        lines = found.read().decode().splitlines()
    if not lines or len(lines[-1].split()) != 3:
        return None
    at, width, height = lines[-1].split()
    return float(at), f"{width}x{height}"


def _picture_after(file: Path, moment: float, size: str | None) -> float | None:
    """Seconds from a moment until the first picture after it, of this size; None if there is none in time."""
    while time.monotonic() < moment + _GIVEN_UP:
        found = _latest(file)
        if found is not None and found[0] > moment and size in (None, found[1]):
            return found[0] - moment
        time.sleep(0.02)
    return None
