"""Decoders on tensors made by hand: each format's rows become people in pixels of the frame, and only people."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from metrica.models import ModelError
from metrica.models.boxes import MAX_CANDIDATES, Found, found, suppressed
from metrica.models.card import Input
from metrica.models.decoders import BoxesLabels, Decoder, Ssd, Yolov8, Yolox, cells
from metrica.models.fit import Fit

FRAME = (1000, 500)
STRETCH = Fit.of(Input(size=(200, 200)), *FRAME)
BOX_IN_MIDDLE = Fit.of(Input(size=(64, 64), fit="letterbox"), *FRAME)
BOX_AT_TOP = Fit.of(Input(size=(64, 64), fit="letterbox", align="top_left"), *FRAME)


def ssd_rows(*rows: tuple[float, ...]) -> dict[str, npt.NDArray[Any]]:
    output = np.zeros((1, 1, 200, 7), np.float32)
    output[0, 0, : len(rows)] = np.reshape(rows, (-1, 7))
    output[0, 0, len(rows), 0] = -1
    return {"detection_out": output}


def yolox_output(*people: tuple[float, float, float, float, float], kind: int = 0) -> dict[str, npt.NDArray[Any]]:
    """(centre x, centre y, width, height, score) in pixels of a 64x64 input, each written into a cell of stride 8."""
    output = np.zeros((1, 84, 85), np.float32)
    for x, y, width, height, score in people:
        column, row = int(x // 8), int(y // 8)
        cell = output[0, row * 8 + column]
        cell[:4] = x / 8 - column, y / 8 - row, np.log(width / 8), np.log(height / 8)
        cell[4], cell[5 + kind] = 1, score
    return {"output": output}


def yolov8_output(*people: tuple[float, float, float, float, float], kind: int = 0) -> dict[str, npt.NDArray[Any]]:
    output = np.zeros((1, 84, 84), np.float32)
    for i, (x, y, width, height, score) in enumerate(people):
        output[0, :4, i] = x, y, width, height
        output[0, 4 + kind, i] = score
    return {"output0": output}


def test_ssd_boxes_are_in_pixels_of_the_frame() -> None:
    result = Ssd((0,))(ssd_rows((0, 0, 0.9, 0.1, 0.2, 0.3, 0.6)), STRETCH, 0.5)
    np.testing.assert_allclose(result.boxes, [[100, 100, 300, 300]], atol=1e-3)
    np.testing.assert_allclose(result.scores, [0.9])
    assert result.boxes.dtype == result.scores.dtype == np.float32


def test_ssd_padding_is_not_people_even_without_a_floor() -> None:
    """After the row that ends the list come rows of zeros: image 0, label 0, score 0."""
    assert len(Ssd((0,))(ssd_rows((0, 0, 0.9, 0.1, 0.2, 0.3, 0.6)), STRETCH, 0.0)) == 1
    assert len(Ssd((0,))(ssd_rows(), STRETCH, 0.0)) == 0


def test_ssd_takes_only_the_labels_that_are_people() -> None:
    rows = ssd_rows((0, 0, 0.9, 0.1, 0.1, 0.2, 0.2), (0, 1, 0.8, 0.3, 0.3, 0.4, 0.4), (0, 2, 0.7, 0.5, 0.5, 0.6, 0.6))
    assert Ssd((1,))(rows, STRETCH, 0.1).scores.tolist() == pytest.approx([0.8])
    assert Ssd((0, 1))(rows, STRETCH, 0.1).scores.tolist() == pytest.approx([0.9, 0.8])


def test_a_full_ssd_output_without_an_end_is_read_whole() -> None:
    output = np.tile(np.array([0, 0, 0.9, 0.1, 0.1, 0.2, 0.2], np.float32), (1, 1, 200, 1))
    assert len(Ssd((0,))({"out": output}, STRETCH, 0.5)) == 200


def test_boxes_and_labels_are_scaled_from_the_input() -> None:
    outputs: dict[str, npt.NDArray[Any]] = {
        "boxes": np.array([[20, 40, 60, 120, 0.4], [0, 0, 10, 10, 0.9], [0, 0, 10, 10, 0.05]], np.float32),
        "labels": np.array([0, 1, 0], np.int32),
    }
    result = BoxesLabels((0,))(outputs, STRETCH, 0.1)
    np.testing.assert_allclose(result.boxes, [[100, 100, 300, 300]], atol=1e-3)
    np.testing.assert_allclose(result.scores, [0.4])


def test_no_boxes_are_no_people() -> None:
    outputs: dict[str, npt.NDArray[Any]] = {"boxes": np.zeros((0, 5), np.float32), "labels": np.zeros(0, np.int32)}
    result = BoxesLabels((0,))(outputs, STRETCH, 0.1)
    assert result.boxes.shape == (0, 4) and result.scores.shape == (0,)


@pytest.mark.parametrize("make", [yolox_output, yolov8_output])
@pytest.mark.parametrize(("fit", "top"), [(BOX_IN_MIDDLE, 16), (BOX_AT_TOP, 0)])
def test_yolo_undoes_the_letterbox(make: Any, fit: Fit, top: int) -> None:
    """The frame fills 64x32 of the 64x64 input, so a pixel of the input is 15.625 of the frame."""
    decoder: Decoder = Yolox((64, 64), (0,), 0.6) if make is yolox_output else Yolov8((64, 64), (0,), 0.6)
    result = decoder(make((32, top + 16, 16, 24, 0.8)), fit, 0.5)
    np.testing.assert_allclose(result.boxes, [[375, 62.5, 625, 437.5]], atol=0.01)
    np.testing.assert_allclose(result.scores, [0.8], rtol=1e-6)


def test_yolox_score_is_objectness_times_class() -> None:
    outputs = yolox_output((32, 32, 16, 16, 0.8))
    outputs["output"][0, :, 4] *= 0.5
    assert Yolox((64, 64), (0,), 0.6)(outputs, BOX_AT_TOP, 0.1).scores.tolist() == pytest.approx([0.4])


def test_yolox_reads_every_stride_row_by_row() -> None:
    """One person in the last cell of each grid: 8x8, 4x4 and 2x2 cells of 8, 16 and 32 pixels."""
    output = np.zeros((1, 84, 85), np.float32)
    for cell in (63, 79, 83):
        output[0, cell, 4:6] = 1
    # Each lies on its cell's top left corner and is one stride wide; a different fit keeps all of it in the frame.
    square = Fit.of(Input(size=(64, 64), fit="letterbox"), 64, 64)
    result = Yolox((64, 64), (0,), 0.9)({"o": output}, square, 0.5)
    expected = [[52, 52, 60, 60], [40, 40, 56, 56], [16, 16, 48, 48]]
    np.testing.assert_allclose(sorted(result.boxes.tolist()), sorted(expected), atol=1e-4)


@pytest.mark.parametrize("make", [yolox_output, yolov8_output])
def test_yolo_drops_other_classes_and_duplicates(make: Any) -> None:
    decoder: Decoder = Yolox((64, 64), (0,), 0.6) if make is yolox_output else Yolov8((64, 64), (0,), 0.6)
    one = (20.0, 32.0, 16.0, 24.0)
    again = (24.5, 32.0, 16.0, 24.0)
    other = (50.0, 32.0, 16.0, 24.0)
    result = decoder(make((*one, 0.6), (*again, 0.9), (*other, 0.7)), BOX_IN_MIDDLE, 0.5)
    assert result.scores.tolist() == pytest.approx([0.9, 0.7, 0.6]), "IoU 0.56 is not a duplicate at 0.6"
    strict: Decoder = Yolox((64, 64), (0,), 0.5) if make is yolox_output else Yolov8((64, 64), (0,), 0.5)
    result = strict(make((*one, 0.6), (*again, 0.9), (*other, 0.7)), BOX_IN_MIDDLE, 0.5)
    assert result.scores.tolist() == pytest.approx([0.9, 0.7])
    assert len(decoder(make((*one, 0.9), kind=2), BOX_IN_MIDDLE, 0.1)) == 0


def test_several_classes_can_be_people() -> None:
    outputs = yolov8_output((20, 32, 16, 24, 0.6), kind=3)
    assert len(Yolov8((64, 64), (0, 3), 0.6)(outputs, BOX_IN_MIDDLE, 0.5)) == 1


def test_the_cells_of_a_yolo_are_counted_as_the_exports_do() -> None:
    assert cells((416, 416)) == 3549
    assert cells((640, 640)) == 8400
    assert cells((640, 384)) == 5040


@pytest.mark.parametrize(
    ("decoder", "shape"),
    [
        (Ssd((0,)), (1, 1000)),
        (Ssd((0,)), (1, 1, 200, 6)),
        (BoxesLabels((0,)), (1, 1, 200, 7)),
        (Yolox((416, 416), (0,), 0.6), (1, 3549, 5)),
        (Yolox((416, 416), (0,), 0.6), (1, 8400, 85)),
        (Yolov8((640, 640), (0,), 0.6), (1, 8400, 84)),
        (Yolov8((640, 640), (80,), 0.6), (1, 84, 8400)),
        (Yolov8((640, 640), (0,), 0.6), (1, 300, 6)),
    ],
)
def test_an_output_of_another_format_is_one_clear_sentence(decoder: Decoder, shape: tuple[int, ...]) -> None:
    with pytest.raises(ModelError, match=r"the network gave out \[.*\], but its decoder reads .*; check the card"):
        decoder({"out": np.zeros(shape, np.float32)}, STRETCH, 0.5)


def test_boxes_are_clipped_and_those_outside_dropped() -> None:
    boxes = np.array([[-20, 20, 20, 40], [201, 10, 260, 20], [10, 30, 10, 60], [np.nan, 0, 1, 1]], np.float32)
    result = found(boxes, np.array([0.9, 0.8, 0.7, 0.6], np.float32), STRETCH)
    np.testing.assert_allclose(result.boxes, [[0, 50, 100, 100]], atol=1e-3)


@pytest.mark.filterwarnings("error")
@given(
    values=arrays.arrays(np.float32, (1, 84, 85), elements=st.floats(width=32)),
    floor=st.floats(0, 1),
)
def test_whatever_a_network_says_boxes_lie_in_the_frame(values: npt.NDArray[np.float32], floor: float) -> None:
    with np.errstate(all="ignore"):
        results: list[Found] = [
            Yolox((64, 64), (0,), 0.6)({"o": values}, BOX_IN_MIDDLE, floor),
            Yolov8((64, 64), (0,), 0.6)({"o": values[:, :, :84]}, BOX_IN_MIDDLE, floor),
        ]
    for result in results:
        assert result.boxes.shape == (len(result), 4)
        assert (result.boxes[:, :2] < result.boxes[:, 2:]).all()
        assert (result.boxes >= 0).all() and (result.boxes[:, [0, 2]] <= 1000).all()
        assert (result.boxes[:, [1, 3]] <= 500).all()
        assert (result.scores >= np.float32(floor)).all()


@given(seed=st.integers(0, 2**32 - 1), count=st.integers(0, 60))
def test_suppression_is_the_textbook_greedy_one(seed: int, count: int) -> None:
    random = np.random.default_rng(seed)
    corner = random.uniform(0, 150, (count, 2))
    boxes = np.concatenate([corner, corner + random.uniform(5, 50, (count, 2))], axis=1).astype(np.float32)
    scores = random.permutation(np.linspace(0.1, 0.9, count)).astype(np.float32) if count else np.zeros(0, np.float32)
    result = suppressed(boxes, scores, 0.5, Fit.of(Input(size=(200, 200)), 200, 200))
    kept: list[int] = []
    for i in np.argsort(-scores):
        if all(overlap(boxes[i], boxes[j]) <= 0.5 for j in kept):
            kept.append(int(i))
    assert sorted(result.scores.tolist()) == pytest.approx(sorted(scores[kept].tolist()))


def overlap(a: npt.NDArray[np.float32], b: npt.NDArray[np.float32]) -> float:
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    both = max(width, 0) * max(height, 0)
    return float(both / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both))


def test_only_so_many_candidates_are_compared_the_best_first() -> None:
    output = np.zeros((1, 5, 8400), np.float32)
    output[0, 2:4] = 4
    output[0, 0], output[0, 1] = np.arange(8400) % 80 * 8 + 4, np.arange(8400) // 80 * 6 + 4
    output[0, 4] = np.linspace(0.2, 0.9, 8400)
    square = Fit.of(Input(size=(640, 640)), 640, 640)
    result = Yolov8((640, 640), (0,), 0.6)({"o": output}, square, 0.1)
    assert len(result) == MAX_CANDIDATES
    assert result.scores.max() == pytest.approx(0.9)
    assert result.scores.min() == pytest.approx(np.sort(output[0, 4])[-MAX_CANDIDATES])
