"""Inferences that fail: real failures of the real runtime, by an operation of our own that raises."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
import pytest
from openvino import opset13 as ops

from metrica import testing
from metrica.messages import Frame, Header
from metrica.nodes.detection.openvino_detector import OpenvinoDetector
from tests.models.networks import constant_network
from tests.nodes.detection.small_model import CARD, HEIGHT, WIDTH


class FailsOnBlack(ov.Op):  # type: ignore[misc]  # mypy does not find OpenVINO's types
    """Copies its input, and raises for a frame whose first pixel is 0."""

    def __init__(self, inputs: Any = None) -> None:
        super().__init__(self)
        if inputs is not None:
            self.set_arguments(inputs)
            self.constructor_validate_and_infer_types()

    def validate_and_infer_types(self) -> None:
        self.set_output_type(0, self.get_input_element_type(0), self.get_input_partial_shape(0))

    def clone_with_new_inputs(self, new_inputs: Any) -> FailsOnBlack:
        return FailsOnBlack(new_inputs)

    def has_evaluate(self) -> bool:
        return True

    def evaluate(self, output_values: Any, input_values: Any, evaluationContext: Any = None) -> bool:
        input_values[0].copy_to(output_values[0])
        if input_values[0].data.flat[0] == 0:
            raise RuntimeError("the picture is black")
        return True


def failing_network() -> ov.CompiledModel:
    """One frame in, 1 detection out, in the format of the Open Model Zoo."""
    picture = ops.parameter([1, HEIGHT, WIDTH, 3], np.uint8)
    checked = FailsOnBlack([picture.output(0)])
    some = ops.convert(ops.reduce_mean(checked, np.array([0, 1, 2, 3], np.int64), True), "f32")
    row = ops.constant(np.array([[[[0, 0, 0.9, 0.1, 0.1, 0.5, 0.9]]]], np.float32))
    zero = ops.multiply(some, ops.constant(np.float32(0)))
    result = ops.result(ops.add(row, zero))
    graph: Any = ov.Model
    return ov.Core().compile_model(graph([result], [picture], "fails"), "CPU")


def frame(stamp: int, value: int) -> Frame:
    return Frame(header=Header(stamp=stamp, camera="door"), image=np.full((HEIGHT, WIDTH, 3), value, np.uint8))


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OpenvinoDetector:
    """A detector whose network, once it is loaded, is exchanged for one that fails on black frames."""
    (tmp_path / "mine.yaml").write_text(CARD)
    constant_network(tmp_path / "mine.xml", [1, 3, HEIGHT, WIDTH], out=np.zeros((1, 1, 1, 7)))
    monkeypatch.setattr("metrica.models.network.Network.compiled", lambda *_: failing_network())
    return OpenvinoDetector(model=str(tmp_path / "mine.yaml"), requests=2)


def test_a_failed_inference_costs_its_frame_and_not_the_node(
    node: OpenvinoDetector, caplog: pytest.LogCaptureFixture
) -> None:
    values = [1, 1, 0, 1, 1, 1, 0, 0, 1, 1, 1, 1]
    with testing.run(node) as bench:
        for stamp, value in enumerate(values):
            bench.send("frames", frame(stamp, value))
    published = [d.header.stamp for d in bench.sent("detections")]
    assert published == sorted(published)
    assert published == [stamp for stamp, value in enumerate(values) if value]
    assert node.counters["failed"] == 3
    assert "a frame of camera 'door' could not be looked at" in node.present_trouble
    assert len([r.message for r in caplog.records if r.levelno >= logging.WARNING]) == 1


def test_a_failure_on_the_very_last_frame_is_not_lost_from_the_count(node: OpenvinoDetector) -> None:
    with testing.run(node) as bench:
        bench.send("frames", frame(0, 1), frame(1, 0))
    assert [d.header.stamp for d in bench.sent("detections")] == [0]
    assert node.counters["failed"] == 1


def test_a_model_that_always_fails_leaves_a_node_that_says_so(node: OpenvinoDetector) -> None:
    with testing.run(node) as bench:
        for stamp in range(20):
            bench.send("frames", frame(stamp, 0))
    assert bench.sent("detections") == []
    assert node.counters["failed"] == 20
    assert "could not be looked at" in node.present_trouble
