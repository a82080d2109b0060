"""Real networks on real pictures: people are found where people are, by every decoder that we have weights for.

Only where the measuring data lie beside the checkout. test_shipped.py asks the same of the model that Metrica ships.
"""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from metrica.models import Card, Model, find_model, list_cards
from metrica.models.digests import matching_variant, problems
from metrica.models.network import Network
from tests.clips import REAL
from tests.paths import SHARED

if not REAL:
    pytest.skip(f"no Intel models and MOT17 pictures beside the checkout ({SHARED})", allow_module_level=True)

Boxes = npt.NDArray[np.float32]

# What share of the clearly visible people of two MOT17 frames is found at `keep`, and what share of the boxes at `new`
# are people: well below what was measured, so that a processor that rounds otherwise passes, a wrong decoder never.
MODELS = {
    "person-detection-0200": (0.15, 0.7),
    "person-detection-0201": (0.25, 0.7),
    "person-detection-0203": (0.6, 0.8),
    "person-detection-retail-0013": (0.25, 0.7),
    "yolox-nano": (0.2, 0.7),
}


@pytest.fixture(scope="module", params=list(MODELS))
def model(request: pytest.FixtureRequest) -> Model:
    name = str(request.param)
    if name == "yolox-nano":
        return find_model(str(SHARED / "models" / name / "yolox_nano.onnx"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("METRICA_MODELS", str(SHARED / "models"))
        return find_model(name)


@pytest.fixture(scope="module")
def network(model: Model) -> Network:
    return Network(model, threads=1, hint="LATENCY")


def read(path: Path, size: tuple[int, int] | None = None) -> npt.NDArray[np.uint8]:
    image = cv2.imread(str(path))
    assert image is not None
    return np.asarray(image if size is None else cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


def truth(folder: Path, frame: int) -> tuple[Boxes, Boxes]:
    """Visible pedestrians, and everything that resembles one and is not scored (sitting, hidden, reflections)."""
    rows = np.loadtxt(folder / "gt" / "gt.txt", delimiter=",")
    rows = rows[rows[:, 0] == frame]
    boxes = np.concatenate([rows[:, 2:4], rows[:, 2:4] + rows[:, 4:6]], axis=1).astype(np.float32)
    people = (rows[:, 7] == 1) & (rows[:, 6] > 0) & (rows[:, 8] >= 0.5)
    others = np.isin(rows[:, 7], [1, 2, 7, 8, 12]) & ~people
    return boxes[people], boxes[others]


def iou(a: Boxes, b: Boxes) -> npt.NDArray[np.float64]:
    corner, far = np.maximum(a[:, None, :2], b[None, :, :2]), np.minimum(a[:, None, 2:], b[None, :, 2:])
    both = np.clip(far - corner, 0, None).prod(axis=2).astype(np.float64)
    areas = [(x[:, 2:] - x[:, :2]).prod(axis=1) for x in (a, b)]
    return np.asarray(both / (areas[0][:, None] + areas[1][None] - both))


def test_people_of_a_street_are_found_in_pixels_of_the_frame(model: Model, network: Network) -> None:
    recall, precision = MODELS[model.name if model.name in MODELS else "yolox-nano"]
    hit = people = right = boxes = 0
    for sequence, frame in (("MOT17-04", 1), ("MOT17-02", 1)):
        folder = SHARED / "mot" / "frames" / sequence
        wanted, ignored = truth(folder, frame)
        found = network.infer(read(folder / "img1" / f"{frame:06d}.jpg"))
        thresholds = model.card.thresholds
        assert (found.scores >= np.float32(thresholds.low)).all()
        kept = found.boxes[found.scores >= thresholds.keep]
        hit += int((iou(kept, wanted) >= 0.5).any(axis=0).sum())
        people += len(wanted)
        sure = found.boxes[found.scores >= thresholds.new]
        real = (iou(sure, wanted) >= 0.5).any(axis=1)
        right += int(real.sum())
        boxes += int((real | ~(iou(sure, ignored) >= 0.3).any(axis=1)).sum())
    assert hit / people >= recall
    assert boxes and right / boxes >= precision


def test_the_same_people_are_found_in_a_smaller_frame(network: Network) -> None:
    """Boxes are in pixels of whatever frame comes in: at two fifths of the size, two fifths of the numbers."""
    path = SHARED / "mot" / "frames" / "MOT17-04" / "img1" / "000001.jpg"
    large, small = network.infer(read(path), 0.6), network.infer(read(path, (768, 432)), 0.3)
    assert len(large)
    overlap = iou(large.boxes * np.float32(0.4), small.boxes).max(axis=1)
    assert np.median(overlap) > 0.75


def clip_frames(numbers: list[int]) -> list[npt.NDArray[np.uint8]]:
    video = cv2.VideoCapture(str(SHARED / "clips" / "one-by-one.mp4"))
    frames: list[npt.NDArray[np.uint8]] = []
    for number in numbers:
        video.set(cv2.CAP_PROP_POS_FRAMES, number)
        ok, image = video.read()
        assert ok
        frames.append(np.asarray(image, np.uint8))
    return frames


def test_thresholds_tell_a_person_from_an_empty_room(model: Model, network: Network) -> None:
    """Six visits of one person each, and the empty room between them, at the thresholds of the card."""
    labels: dict[str, Any] = json.loads((SHARED / "clips" / "labels.json").read_text())["one-by-one.mp4"]
    visits: list[tuple[int, int]] = labels["visits"]
    thresholds = model.card.thresholds
    for start, end in visits:
        third = (end - start) // 3
        scores = [network.infer(i).scores for i in clip_frames([start + third, (start + end) // 2, end - third])]
        assert all((s >= thresholds.keep).sum() == 1 for s in scores), "one person, in every frame"
        assert any((s >= thresholds.new).sum() == 1 for s in scores), "and sure enough to start a track"
    empty = [0, 30, *((end + start) // 2 for (_, end), (start, _) in itertools.pairwise(visits))]
    for image in clip_frames(empty):
        assert (network.infer(image).scores < thresholds.keep).all()


@pytest.mark.parametrize(
    "card", [c for c in list_cards() if (SHARED / "models" / c.name).is_dir()], ids=lambda c: c.name
)
def test_the_digests_of_the_cards_are_those_of_the_files(card: Card) -> None:
    folder = SHARED / "models"
    intact = matching_variant(card, folder)
    assert intact is not None, problems(card.variants[-1], folder)
    listed = (folder / "SHA256SUMS").read_text()
    for file in intact.files:
        assert file.digest is not None
        assert f"{file.digest.removeprefix('sha256:')}  ./{file.path}" in listed
