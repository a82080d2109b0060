"""The launch files of the scenarios, from the line below `data:` on."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from benchmarks.chaos.walks import LINE

ALL_TYPES = {
    "capture",
    "openvino_detector",
    "sort",
    "bytetrack",
    "ocsort",
    "line_counter",
    "zone_counter",
    "preview",
    "uploader",
    "watching_uploader",
    "ingest",
    "dashboard",
}
"""Every node type of Metrica. `crowd` and `pictures` together have all of them."""


def small(
    truth: Path,
    port: int,
    *,
    cameras: int = 1,
    url: str = "",
    token: str = "",
    pause: float = 0.8,
    fps: float = 10.0,
) -> str:
    """Known tracks, counters, uploader and, unless another server is meant (url, token), the ingest."""
    names = "\n".join(f"  {chr(97 + n)}: {{}}" for n in range(cameras))
    server = f"  ingest: {{type: ingest, params: {{port: {port}}}}}\n" if not url else ""
    return f"""
cameras:
{names}
per_camera:
  source: {{type: "benchmarks.chaos.nodes:Walkers", params: {{truth: {truth}, pause: {pause}, fps: {fps}}}}}
  counter: {{type: line_counter, params: {{line: {LINE}}}}}
nodes:
  uploader:
    type: watching_uploader
    params: {{url: "{url or f"http://127.0.0.1:{port}"}", token: "{token}", max_age: 0.5}}
    remap: {{heartbeats: "*/counter/health"}}
{server}"""


def back_office(port: int) -> str:
    """The uploader and the ingest alone: they send what a journal still holds."""
    return f"""
nodes:
  uploader: {{type: uploader, params: {{url: "http://127.0.0.1:{port}", max_age: 0.2}}}}
  ingest: {{type: ingest, params: {{port: {port}}}}}
"""


def crowd(truth: Path, port: int) -> str:
    """Known detections, each tracker, counters of lines and zones, the back office: 13 nodes."""
    return f"""
cameras:
  a: {{tracker: bytetrack}}
  b: {{tracker: ocsort}}
  c: {{tracker: sort}}
per_camera:
  source: {{type: "benchmarks.chaos.nodes:Detected", params: {{truth: {truth}}}}}
  tracker: {{type: $(camera.tracker)}}
  counter: {{type: line_counter, params: {{line: {LINE}}}}}
nodes:
  zones:
    type: zone_counter
    params: {{zones: {{door: [[400, 100], [900, 100], [900, 700], [400, 700]]}}}}
    remap: {{tracks: /a/tracks}}
  uploader:
    type: watching_uploader
    params: {{url: "http://127.0.0.1:{port}", max_age: 0.5}}
    remap: {{heartbeats: "*/counter/health"}}
  ingest: {{type: ingest, params: {{port: {port}}}}}
  dashboard: {{type: dashboard, params: {{port: 0, password: only-for-chaos}}}}
"""


def pictures(uri: str, port: int, *, fps: float = 2.0, detector: str = "", loop: bool = True) -> str:
    """A camera in which nobody walks, the detector, the live picture and the plain uploader: 7 nodes."""
    return f"""
cameras:
  door: {{}}
per_camera:
  capture: {{type: capture, params: {{uri: "{uri}", loop: {str(loop).lower()}, folder_fps: {fps}, fps: {fps}}}}}
  tracker: {{type: bytetrack}}
  counter: {{type: line_counter, params: {{line: [0, 180, 640, 180]}}}}
  preview: {{type: preview, params: {{line: [0, 180, 640, 180]}}}}
nodes:
  detector: {{type: openvino_detector, params: {{model: auto, threads: 1{detector}}}, remap: {{frames: "*/frames"}}}}
  uploader: {{type: uploader, params: {{url: "http://127.0.0.1:{port}"}}}}
  ingest: {{type: ingest, params: {{port: {port}}}}}
"""


def empty_room(folder: Path, count: int = 6) -> Path:
    """A folder of pictures with noise and nobody."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(7)
    for number in range(count):
        noise = rng.normal(110, 12, (360, 640, 3)).clip(0, 255).astype(np.uint8)
        cv2.imwrite(str(folder / f"{number:03}.jpg"), cv2.GaussianBlur(noise, (5, 5), 0))
    return folder
