"""The detector node on a real model: who is found, in which order results come, and what goes wrong."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from metrica import testing
from metrica.errors import ParameterError
from metrica.messages import Frame, Header, Image
from metrica.nodes.detection.openvino_detector import OpenvinoDetector
from tests.clips import ONE_BY_ONE, VISITOR, Clip, at_hand, frames


@pytest.fixture(params=at_hand(VISITOR, replace(ONE_BY_ONE, model="person-detection-0200")), ids=str)
def clip(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Clip:
    """A clip in which one person is seen in the middle, and its model in the environment."""
    found: Clip = request.param
    for name, value in found.model_folders.items():
        monkeypatch.setenv(name, value)
    return found


@pytest.fixture
def model(clip: Clip) -> str:
    return clip.model


@pytest.fixture
def scene(clip: Clip) -> Image:
    """A frame with one person in it."""
    (image,) = frames(clip, [16 if clip.simulated else 300])
    return image


def frame(image: Image, stamp: int, camera: str = "door") -> Frame:
    return Frame(header=Header(stamp=stamp, mono=7, camera=camera), image=image)


def test_the_person_is_found_with_the_frames_header_and_the_cards_thresholds(model: str, scene: Image) -> None:
    with testing.run(OpenvinoDetector(model=model)) as bench:
        bench.send("frames", frame(scene, 41))
        (found,) = bench.wait_for("detections", 1)
    assert (found.header.stamp, found.header.mono, found.header.camera) == (41, 7, "door")
    height, width = scene.shape[:2]
    assert found.size == (width, height)
    assert found.boxes.dtype == np.float32
    assert found.scores.max() > found.thresholds.new
    assert found.scores.min() >= found.thresholds.low
    x1, y1, x2, y2 = found.boxes[found.scores.argmax()]
    assert 0 <= x1 < x2 <= width
    assert 0 <= y1 < y2 <= height


def test_each_camera_gets_its_results_in_the_order_of_its_frames(model: str, scene: Image) -> None:
    small = np.ascontiguousarray(cv2.resize(scene, (320, 180)), np.uint8)
    tall = np.ascontiguousarray(scene[:, :300])
    sizes = {"door": scene, "back": small, "side": tall}
    with testing.run(OpenvinoDetector(model=model, requests=4)) as bench:
        for stamp in range(40):
            for camera, image in sizes.items():
                bench.send("frames", frame(image, stamp, camera))
        found = bench.wait_for("detections", 120)
    for camera, image in sizes.items():
        mine = [d for d in found if d.header.camera == camera]
        assert [d.header.stamp for d in mine] == list(range(40))
        assert {d.size for d in mine} == {(image.shape[1], image.shape[0])}
    assert bench.node.counters["frames"] == 120


def test_what_is_under_way_when_the_node_stops_is_still_published(model: str, scene: Image) -> None:
    with testing.run(OpenvinoDetector(model=model, requests=4)) as bench:
        for stamp in range(4):
            bench.send("frames", frame(scene, stamp))
    assert [d.header.stamp for d in bench.sent("detections")] == [0, 1, 2, 3]


def test_a_frame_that_is_overwritten_while_it_is_copied_is_dropped_and_counted(model: str, scene: Image) -> None:
    with testing.run(OpenvinoDetector(model=model)) as bench:
        bench.send("frames", Frame(header=Header(stamp=1, camera="door"), image=scene, intact=lambda: False))
        bench.send("frames", frame(scene, 2))
    assert [d.header.stamp for d in bench.sent("detections")] == [2]
    assert bench.node.counters["overwritten"] == 1


def test_the_pixels_of_a_frame_may_change_as_soon_as_the_callback_is_over(model: str, scene: Image) -> None:
    shared_memory = scene.copy()
    with testing.run(OpenvinoDetector(model=model)) as bench:
        bench.send("frames", frame(scene, 0))
        bench.send("frames", frame(shared_memory, 1))
        shared_memory[:] = 0
        first, second = bench.wait_for("detections", 2)
    assert np.array_equal(first.boxes, second.boxes)


def test_a_threshold_of_ones_own_replaces_the_cards(model: str, scene: Image) -> None:
    with testing.run(OpenvinoDetector(model=model, threshold=0.2)) as bench:
        bench.send("frames", frame(scene, 0))
    (found,) = bench.sent("detections")
    assert found.thresholds.new == 0.2
    assert found.thresholds.low <= found.thresholds.keep <= 0.2


def test_latency_and_rate_are_in_the_health(model: str, scene: Image) -> None:
    node = OpenvinoDetector(model=model, hint="LATENCY", threads=1)
    with testing.run(node) as bench:
        for stamp in range(5):
            bench.send("frames", frame(scene, stamp))
        bench.wait_for("detections", 5)
        assert node.gauges["inference_ms"] > 0
        assert node.gauges["fps"] > 0


def test_a_model_that_is_not_there_is_a_wrong_parameter() -> None:
    with pytest.raises(ParameterError, match="did you mean 'person-detection-020") as error:
        OpenvinoDetector(model="person-detecton-0200").check()
    assert error.value.parameter == "model"


def test_a_device_that_is_not_there_is_a_wrong_parameter(model: str) -> None:
    with pytest.raises(ParameterError, match="this machine has CPU") as error:
        OpenvinoDetector(model=model, device="NPU.9").check()
    assert error.value.parameter == "device"


def test_a_file_that_is_no_network_is_a_wrong_parameter(tmp_path: Path) -> None:
    (tmp_path / "notes.xml").write_text("<notes/>")
    (tmp_path / "notes.bin").write_bytes(b"")
    with pytest.raises(ParameterError, match=r"notes\.xml") as error:
        OpenvinoDetector(model=str(tmp_path / "notes.xml")).check()
    assert error.value.parameter == "model"


def test_a_wrong_model_does_not_start_either() -> None:
    with pytest.raises(ParameterError), testing.run(OpenvinoDetector(model="nothing")):
        pass
