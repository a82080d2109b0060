"""The model that comes with Metrica, in both precisions, on simulated pictures whose people are known."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from metrica.models import Model, find_model
from metrica.models.library import OURS, SHIPPED
from metrica.models.network import Network
from tests.clips import BACK_DOOR, VISITOR, Clip, frames

Boxes = npt.NDArray[np.float32]
ALONE = [16, 48, 80]
"""Frames of VISITOR with its one person in full view."""

EMPTY = [105, 111, 117]
"""Frames of VISITOR after the person has left the picture."""


@pytest.fixture(scope="module", params=["INT8", "FP16"])
def model(request: pytest.FixtureRequest) -> Model:
    return find_model(str(SHIPPED / OURS / request.param / f"{OURS}.xml"))


@pytest.fixture(scope="module")
def network(model: Model) -> Network:
    return Network(model, threads=1, hint="LATENCY")


def truth(clip: Clip, frame: int, visible: float) -> Boxes:
    """The boxes of the people of whom so much is seen (0 to 1)."""
    rows = [row[1:5] for row in clip.truth["boxes"][frame] if row[5] >= visible]
    return np.array(rows, np.float32).reshape(-1, 4)


def iou(a: Boxes, b: Boxes) -> npt.NDArray[np.float64]:
    corner, far = np.maximum(a[:, None, :2], b[None, :, :2]), np.minimum(a[:, None, 2:], b[None, :, 2:])
    both = np.clip(far - corner, 0, None).prod(axis=2).astype(np.float64)
    areas = [(x[:, 2:] - x[:, :2]).prod(axis=1) for x in (a, b)]
    return np.asarray(both / (areas[0][:, None] + areas[1][None] - both))


def test_a_bare_file_of_the_model_has_its_card(model: Model) -> None:
    assert model.card.name == OURS


def test_people_are_found_where_they_are(model: Model, network: Network) -> None:
    """Well below what was measured: a processor that rounds otherwise passes, and a wrong decoder never."""
    thresholds = model.card.thresholds
    hit = people = right = sure = 0
    for clip in (BACK_DOOR, VISITOR):
        numbers = list(range(5, clip.truth["frames"], 10))
        for number, image in zip(numbers, frames(clip, numbers), strict=True):
            found = network.infer(image)
            assert (found.scores >= np.float32(thresholds.low)).all()
            wanted, anybody = truth(clip, number, 0.9), truth(clip, number, 0.05)
            hit += int((iou(found.boxes[found.scores >= thresholds.keep], wanted) >= 0.5).any(axis=0).sum())
            people += len(wanted)
            boxes = found.boxes[found.scores >= thresholds.new]
            right += int((iou(boxes, anybody) >= 0.3).any(axis=1).sum())
            sure += len(boxes)
    assert people > 20
    assert hit / people >= 0.7
    assert right / sure >= 0.9


def test_the_same_person_is_found_in_a_smaller_frame(network: Network) -> None:
    """Boxes are in pixels of whatever frame comes in: at three quarters of the size, three quarters of the numbers."""
    (image,) = frames(VISITOR, [48])
    small = np.asarray(cv2.resize(image, (480, 270), interpolation=cv2.INTER_AREA), np.uint8)
    large_boxes, small_boxes = network.infer(image, 0.6).boxes, network.infer(small, 0.3).boxes
    assert len(large_boxes) == 1
    assert iou(large_boxes * np.float32(0.75), small_boxes).max() > 0.75


def test_thresholds_tell_a_person_from_an_empty_room(model: Model, network: Network) -> None:
    thresholds = model.card.thresholds
    for number, image in zip(ALONE, frames(VISITOR, ALONE), strict=True):
        found = network.infer(image)
        kept = found.boxes[found.scores >= thresholds.keep]
        assert len(kept) == 1
        assert iou(kept, truth(VISITOR, number, 0.9)).max() >= 0.5
        assert (found.scores >= thresholds.new).sum() == 1, "and sure enough to start a track"
    for number, image in zip(EMPTY, frames(VISITOR, EMPTY), strict=True):
        assert len(truth(VISITOR, number, 0.0)) == 0
        assert (network.infer(image).scores < thresholds.keep).all()
