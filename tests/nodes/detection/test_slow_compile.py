"""A model that takes longer to compile than a node may be silent: real processes, a real camera, a real launcher."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from metrica.journal import Journal
from metrica.messages import Health
from tests.clips import BACK_DOOR
from tests.launch.harness import MISBEHAVING, Launch, launching
from tests.nodes.detection.gpu import FOLDER
from tests.paths import ROOT
from tests.runtime.processes import NodeProcess, Processes

DETECTOR = "tests.nodes.detection.gpu:DetectorWithGpu"
SHOP = f"""  detector: {{{{type: "{DETECTOR}", params: {{{{threads: 1}}}}, remap: {{{{frames: "*/frames"}}}}}}}}
cameras:
  door: {{{{line: {{line}}, uri: {{uri}}}}}}
per_camera:
  capture: {{{{type: capture, params: {{{{uri: $(camera.uri), loop: true, fps: 10}}}}}}}}
  tracker: {{{{type: bytetrack}}}}
  counter: {{{{type: line_counter, params: {{{{line: $(camera.line), anchor: {{anchor}}}}}}}}}}
"""


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that says how slow the machine is."""
    monkeypatch.setenv(FOLDER, str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), str(MISBEHAVING)]))
    return tmp_path


def crossings(launch: Launch) -> int:
    file = launch.run_dir.parent / "data" / "journal.db"
    if not file.exists():
        return 0
    with Journal(file) as journal:
        return len(journal.unsent(100))


def shop() -> str:
    return SHOP.format(line=BACK_DOOR.line, uri=BACK_DOOR.path, anchor=BACK_DOOR.anchor)


def test_a_detector_that_compiles_longer_than_a_node_may_be_silent_is_not_killed_and_counts_afterwards(
    machine: Path,
) -> None:
    (machine / "seconds").write_text("9")
    environment = {"PYTHONPATH": os.environ["PYTHONPATH"]}
    with launching(shop(), limits={"hung": 4.0}, environment=environment) as launch:
        launch.wait_for("compiling the model for CPU, frames of")
        launch.wait_until(lambda: crossings(launch) > 0, "crossing", 120)
        assert launch.stop() == 0, launch.output
    assert "sign of life" not in launch.output
    assert "restarted" not in launch.output


def test_a_detector_that_compiles_can_be_stopped_meanwhile(machine: Path) -> None:
    (machine / "seconds").write_text("120")
    with launching(shop(), environment={"PYTHONPATH": os.environ["PYTHONPATH"]}) as launch:
        launch.wait_for("compiling the model for CPU, frames of")
        time.sleep(0.5)
        assert launch.stop() == 0, launch.output
        launch.assert_nothing_left()


def test_health_says_what_is_compiled_and_frames_are_dropped_and_not_queued(
    machine: Path, processes: Processes
) -> None:
    (machine / "seconds").write_text("4")
    detector, capture = camera(processes, "latest", uri="sim://entrance?seed=5", fps=10)
    processes.activate(detector, capture)
    compiling = processes.wait_until(of(detector.name, "compiling the model for CPU, frames of"), "compiling")
    done = processes.wait_until(lambda h: h.node == detector.name and h.counters.get("frames", 0) > 0, "frames")
    assert done.detail == ""
    assert done.counters["not_ready"] > 10, "dropped, one by one"
    assert done.header.mono - compiling.header.mono > 2e9
    beats = [h.header.mono for h in processes.beats if h.node == detector.name]
    assert max(b - a for a, b in pairwise(beats)) < 3e9
    assert processes.stop(capture, detector) == [0, 0]


def test_where_no_frame_may_be_lost_the_first_one_waits_for_the_model(machine: Path, processes: Processes) -> None:
    (machine / "seconds").write_text("4")
    detector, capture = camera(processes, "lossless", uri=str(BACK_DOOR.path), fps=1, pace="fast")
    processes.activate(detector, capture)
    processes.wait_until(of(detector.name, "compiling the model for CPU, frames of"), "compiling")
    assert capture.end() == 0
    processes.stop(detector)
    last = processes.wait_for(detector.name, "finalized")
    sent = processes.wait_for(capture.name, "finalized").counters["sent.frames"]
    assert last.counters["frames"] == sent > 10
    assert "not_ready" not in last.counters


def test_a_gpu_that_is_lost_in_a_running_process_is_replaced_by_the_cpu(machine: Path, processes: Processes) -> None:
    detector, capture = camera(processes, "latest", device="GPU", uri="sim://entrance?seed=5", fps=10)
    processes.activate(detector, capture)
    processes.wait_until(lambda h: h.node == detector.name and h.counters.get("frames", 0) > 5, "frames on the GPU")
    (machine / "broken").touch()
    lost = processes.wait_until(of(detector.name, "CPU does the work of the device GPU, slower"), "on the CPU")
    before = lost.counters["frames"]
    processes.wait_until(lambda h: h.node == detector.name and h.counters["frames"] > before + 10, "frames on the CPU")
    assert detector.log.count("the device GPU does not work") == 1
    assert processes.stop(capture, detector) == [0, 0]


def test_a_gpu_whose_inference_never_ends_is_replaced_by_the_cpu_after_one_kill(machine: Path) -> None:
    (machine / "hangs").touch()
    on_gpu = shop().replace("params: {threads: 1}", "params: {device: GPU}")
    environment = {"PYTHONPATH": os.environ["PYTHONPATH"]}
    with launching(on_gpu, limits={"hung": 4.0}, environment=environment) as launch:
        launch.wait_for("/detector has given no sign of life")
        launch.wait_for("the device GPU does not work: the node hung with it and was killed (1 times in the last day)")
        launch.wait_until(lambda: crossings(launch) > 0, "crossing", 120)
        assert launch.stop() == 0, launch.output
    assert launch.output.count("has given no sign of life") == 1


def camera(processes: Processes, qos: str, device: str = "CPU", **params: object) -> tuple[NodeProcess, NodeProcess]:
    """A detector, and a camera that it listens to."""
    frames = {"frames": ("/door/frames", qos)}
    spec = processes.spec(
        "/detector",
        DETECTOR,
        params={"device": device, "threads": int(device == "CPU")},
        connections=frames,
        bindings={"detections": ("/door/detections", "stream")},
    )
    started = (
        processes.start(spec),
        processes.start(processes.spec("/door/capture", "capture", params=params, bindings=frames)),
    )
    processes.matched("/door/capture", "/door/frames")
    return started


def of(node: str, words: str) -> Callable[[Health], bool]:
    return lambda health: health.node == node and words in health.detail
