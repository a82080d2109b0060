"""Inference queues that are let go of while OpenVINO's threads are still on their way out."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from metrica.models import Model
from metrica.models.infer_queue import InferQueue
from metrica.models.network import Network
from tests.models.let_go import FRAMES, HEIGHT, PICTURE, WIDTH, card
from tests.models.networks import echo_network
from tests.paths import ROOT


@pytest.fixture
def network(tmp_path: Path) -> Network:
    return Network(Model("m", card(), echo_network(tmp_path / "echo.xml", 96, 64)), threads=1)


@pytest.mark.parametrize(
    "how",
    [
        pytest.param("queue", id="a queue whose callback owns the network"),
        pytest.param("node", id="the detector node"),
        pytest.param("exit", id="the interpreter ends while frames are in the queue"),
    ],
)
def test_the_process_ends_well(how: str, tmp_path: Path) -> None:
    """It aborted, hung, or kept the node for ever: see metrica.models.infer_queue."""
    command = [sys.executable, "-m", "tests.models.let_go", how, str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr


def test_every_frame_is_finished_when_the_queue_is_closed(network: Network) -> None:
    tags: list[int] = []
    with InferQueue(network.compiled(WIDTH, HEIGHT), 2, lambda _, tag: tags.append(tag)) as queue:
        for tag in range(FRAMES):
            queue.start([PICTURE[None]], tag)
    assert sorted(tags) == list(range(FRAMES))
    queue.close()  # again: nothing happens


def test_a_callback_that_fails_is_said_and_does_not_hold_up_the_end(network: Network) -> None:
    def finished(request: Any, tag: int) -> None:
        raise ValueError(f"frame {tag}")

    started = time.monotonic()
    with InferQueue(network.compiled(WIDTH, HEIGHT), 2, finished) as queue:
        queue.start([PICTURE[None]], 7)
        with pytest.raises(ValueError, match="frame 7"):
            queue.wait()
    assert time.monotonic() - started < 4


def test_an_input_that_does_not_fit_does_not_hold_up_the_end(network: Network) -> None:
    started = time.monotonic()
    with InferQueue(network.compiled(WIDTH, HEIGHT), 2, lambda *_: None) as queue:
        with pytest.raises(RuntimeError):
            queue.start([np.zeros((1, 2, 3, 4), np.uint8)], 7)
    assert time.monotonic() - started < 4
