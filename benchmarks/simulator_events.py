"""Counts a simulated camera with a graph run by `metrica-launch`, and scores the events in its database."""

from __future__ import annotations

import os
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from metrica.messages import Direction
from metrica.simulator.address import read_sim_address
from metrica.simulator.scene import Scene
from metrica.tools.evaluate.match import TOLERANCE, Score, TimedCrossing, evaluate

VISITORS = 300
"""Visitors per hour."""
_END = 3.0
"""Seconds at the end whose crossings are not scored."""
_LAUNCH = """
metrica: 1
store: {{id: simulated, timezone: UTC}}
data: {data}
cameras:
  door: {{uri: "{uri}", line: {line}}}
per_camera:
  capture: {{type: capture, params: {{uri: $(camera.uri), pace: fast}}}}
  tracker: {{type: bytetrack, qos: {{detections: lossless}}}}
  counter: {{type: line_counter, params: {{line: $(camera.line), anchor: {anchor}}}, qos: {{tracks: lossless}}}}
nodes:
  detector:
    {{type: openvino_detector, params: {{model: {model}}}, remap: {{frames: "*/frames"}}, qos: {{frames: lossless}}}}
  uploader: {{type: uploader, params: {{url: "http://127.0.0.1:{port}"}}}}
  ingest: {{type: ingest, params: {{port: {port}}}}}
"""


def count_events(uri: str, model: str, seconds: float) -> Score:
    """Count so many simulated seconds, and print and return the score. Raises RuntimeError if the graph fails."""
    address = f"{uri}&visitors_per_hour={VISITORS}&seconds={seconds:g}"
    scene = Scene(read_sim_address(address))
    place = scene.place
    start = time.time()
    with tempfile.TemporaryDirectory(prefix="ms-") as temporary:
        folder = Path(temporary)
        file = folder / "store.yaml"
        text = _LAUNCH.format(
            data=folder / "data",
            uri=address,
            line=list(place.line),
            anchor=place.anchor,
            model=model,
            port=_free_port(),
        )
        file.write_text(text)
        with (folder / "log").open("w") as log:
            command = Path(sys.executable).with_name("metrica-launch")
            done = subprocess.run(
                [command, file, "--run-dir", folder / "run", "--until-finished"],
                stdout=log, stderr=subprocess.STDOUT, timeout=3600 + 4 * seconds, check=False, env=os.environ,
            )  # fmt: skip
        if done.returncode:
            raise RuntimeError(f"the graph failed:\n{(folder / 'log').read_text()[-3000:]}")
        counted = _events(folder / "data" / "metrica.db")
    # A person who crosses just before the end has not yet walked far enough behind the line to be counted.
    labelled = [TimedCrossing(c.time, "main", c.direction) for c in scene.crossings(seconds - _END)]
    result = evaluate(labelled, _aligned(counted, labelled), TOLERANCE, (0.0, seconds - _END))
    score = result.scores["all"]
    took = time.time() - start
    print(f"{model} at {uri}: {score.labelled} crossings, {score.counted} counted, {score.right} right "
          f"({seconds / took:.1f} times real time)")  # fmt: skip
    for name, events in (("missed", result.missed), ("extra", result.extra)):
        if events:
            print(f"  {name}:", ", ".join(f"{e.direction} {e.time:.1f} s" for e in events))
    return score


def _events(database: Path) -> list[tuple[float, Direction]]:
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        rows = connection.execute("SELECT direction, time FROM events ORDER BY time").fetchall()
    return [(t / 1e9, "in" if d == 1 else "out") for d, t in rows]


def _aligned(counted: list[tuple[float, Direction]], labelled: list[TimedCrossing]) -> list[TimedCrossing]:
    """The counted events, shifted to the scene's clock.

    Their times are wall-clock times, and the time of the first picture is not known: the shift is the one with which
    the most events agree.
    """
    if not counted or not labelled:
        return []
    times = np.array([t for t, _ in counted])
    best: tuple[int, float] = (-1, 0.0)
    for first in labelled[:12]:
        for time_, direction in counted[:12]:
            if direction != first.direction:
                continue
            shift = time_ - first.time
            moved = times - shift
            right = sum(
                bool(any(abs(m - e.time) <= TOLERANCE / 2 and d == e.direction for e in labelled))
                for m, (_, d) in zip(moved, counted, strict=True)
            )
            best = max(best, (right, shift))
    return [TimedCrossing(t - best[1], "main", d) for t, d in counted]


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])
