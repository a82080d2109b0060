"""Lets go of inference queues at the worst moment, in a process of its own: `python -m tests.models.let_go HOW FOLDER`.

All threads share one core, and in the last callback OpenVINO's thread gives way to all others. So when `wait` returns,
that thread still holds the callback, and everything is dropped here before it goes on.
"""

from __future__ import annotations

import gc
import os
import sys
import threading
import time
import weakref
from pathlib import Path
from typing import Any

import numpy as np

from metrica import testing
from metrica.messages import Frame, Header
from metrica.models import Card, Model
from metrica.models.infer_queue import InferQueue
from metrica.models.network import Network
from metrica.nodes.detection.openvino_detector import OpenvinoDetector
from tests.models.networks import constant_network

WIDTH, HEIGHT = 192, 128
FRAMES = 5
RELEASES = 30
"""A plain AsyncInferQueue aborts at about every third."""
SECONDS = 20.0
"""After which the rest is left out, on a machine that is busy with other things."""
PICTURE = np.zeros((HEIGHT, WIDTH, 3), np.uint8)


def main(how: str, folder: Path) -> None:
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    if how == "node":
        for _ in range(2):
            node = run_node()
            gc.collect()
            assert node() is None, "a node that is over is kept"
        return
    output = np.zeros((1, 84, 126))
    output[0, :5, 7] = 48, 32, 20, 40, 0.8
    path = constant_network(folder / "one.xml", [1, 3, 64, 96], output0=output)
    if how == "exit":
        start(Network(Model("m", card(), path), threads=1), seconds=0.1)
        return
    started = time.monotonic()
    for _ in range(RELEASES):
        if time.monotonic() > started + SECONDS:
            break
        queue, found = start(Network(Model("m", card(), path), threads=1))
        queue.wait()
        queue.close()
        assert found == dict.fromkeys(range(FRAMES), 1)


def start(network: Network, seconds: float = 0.0) -> tuple[InferQueue, dict[int, int]]:
    """A queue at work, and what it has found in each frame. Its callback takes `seconds` and owns the network."""
    found: dict[int, int] = {}

    def finished(request: Any, tag: int) -> None:
        time.sleep(seconds)
        if tag == FRAMES - 1:
            os.sched_setscheduler(threading.get_native_id(), os.SCHED_IDLE, os.sched_param(0))
        found[tag] = len(network.decode(request, WIDTH, HEIGHT))

    queue = InferQueue(network.compiled(WIDTH, HEIGHT), 1, finished)
    for tag in range(FRAMES):
        queue.start([PICTURE[None]], tag)
    return queue, found


def run_node() -> weakref.ref[OpenvinoDetector]:
    node = OpenvinoDetector(model="metrica-person", threads=1)
    with testing.run(node) as bench:
        for stamp in range(FRAMES):
            bench.send("frames", Frame(header=Header(stamp=stamp, camera="door"), image=PICTURE))
        bench.wait_for("detections", FRAMES)
    return weakref.ref(node)


def card() -> Card:
    return Card.model_validate(
        {
            "name": "m",
            "decoder": "yolov8",
            "input": {"size": [96, 64]},
            "thresholds": {"new": 0.6, "keep": 0.5, "low": 0.1},
            "variants": [{"precision": "FP32", "files": [{"path": "m.xml"}]}],
        }
    )


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
