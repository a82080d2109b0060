"""Training data: labels, geometric and photometric augmentation, shards, and average precision."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metrica.models.training import augment, compose, score, shards
from metrica.models.training.data import overlaps, with_ignored
from metrica.models.training.pictures import IGNORE, PERSON, read_labelled
from metrica.models.training.teacher import CELLS, CHANNELS, packed, pooled, unpacked

SIZE = (416, 256)


def marked(width: int, height: int, box: tuple[int, int, int, int]) -> compose.Sample:
    """A grey picture with a white person in it."""
    picture = np.full((height, width, 3), 60, np.uint8)
    x1, y1, x2, y2 = box
    picture[y1:y2, x1:x2] = 255
    return picture, np.array([[x1, y1, x2, y2, PERSON]], np.float32)


def test_labels_of_crowds_and_ignored_boxes_are_neither_people_nor_background(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((20, 30, 3), np.uint8))
    images = [{"id": 4, "file_name": "a.png", "split": "train"}, {"id": 5, "file_name": "b.png", "split": "val"}]
    boxes = [
        {"image_id": 4, "bbox": [1, 2, 10, 12]},
        {"image_id": 4, "bbox": [5, 5, 10, 10], "iscrowd": 1},
        {"image_id": 4, "bbox": [5, 5, 10, 10], "ignore": 1},
        {"image_id": 4, "bbox": [5, 5, 0.5, 10]},
    ]
    (tmp_path / "annotations.json").write_text(json.dumps({"images": images, "annotations": boxes}))
    (one,) = read_labelled(tmp_path, "train")
    assert one.boxes[0].tolist() == [1, 2, 11, 14]
    assert one.flags.tolist() == [PERSON, IGNORE, IGNORE, IGNORE]
    assert one.read().shape == (20, 30, 3)
    assert len(read_labelled(tmp_path)) == 2
    with pytest.raises(OSError, match=r"b\.png cannot be read as a picture"):
        read_labelled(tmp_path, "val")[0].read()


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_a_box_stays_on_its_person_wherever_a_sample_is_cut(seed: int) -> None:
    rng = np.random.default_rng(seed)
    picture, boxes = compose.random_crop(marked(320, 240, (100, 60, 180, 200)), SIZE, rng)
    assert picture.shape == (256, 416, 3)
    for x1, y1, x2, y2, _ in boxes:
        inside = picture[round(y1) + 3 : round(y2) - 3, round(x1) + 3 : round(x2) - 3]
        assert inside.size == 0 or inside.min() > 200
        outside = picture.copy()
        outside[max(0, int(y1) - 3) : int(y2) + 4, max(0, int(x1) - 3) : int(x2) + 4] = 0
        assert outside.max() < 200


def test_a_person_of_whom_little_is_left_is_ignored_and_one_who_is_gone_is_dropped() -> None:
    boxes = np.array([[-80, 0, 20, 100, PERSON], [-98, 0, 2, 100, PERSON], [50, 50, 100, 100, PERSON]], np.float32)
    cut = compose.clipped(boxes, SIZE)
    assert cut.tolist() == [[0, 0, 20, 100, IGNORE], [50, 50, 100, 100, PERSON]]


@pytest.mark.parametrize("across", [2, 3])
def test_a_mosaic_keeps_each_part_s_boxes_in_the_picture(across: int) -> None:
    rng = np.random.default_rng(5)
    picture, boxes = compose.mosaic(lambda: marked(320, 240, (100, 60, 180, 200)), SIZE, rng, across=across)
    assert picture.shape == (256, 416, 3)
    assert len(boxes) >= across
    for x1, y1, x2, y2, flag in boxes:
        assert 0 <= x1 < x2 <= 416 and 0 <= y1 < y2 <= 256 and flag in (PERSON, IGNORE)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_a_pasted_person_is_where_its_box_is_and_whom_it_hides_is_ignored(seed: int) -> None:
    rng = np.random.default_rng(seed)
    dark = np.full((240, 320, 3), 60, np.uint8)
    under = np.array([[150, 110, 160, 130, PERSON]], np.float32)
    picture, boxes = compose.pasted((dark, under), marked(320, 240, (100, 60, 180, 200)), rng)
    (x1, y1, x2, y2), flag = boxes[1, :4].astype(int), boxes[1, 4]
    assert flag == PERSON
    assert picture[(y1 + y2) // 2, (x1 + x2) // 2].min() > 200
    outside = picture.copy()
    outside[y1:y2, x1:x2] = 0
    assert outside.max() == 60
    covered = max(0, min(160, x2) - max(150, x1)) * max(0, min(130, y2) - max(110, y1)) / 200
    assert boxes[0, 4] == (IGNORE if covered > 0.5 else PERSON)
    assert dark.max() == 60, "the picture that was given is left as it is"


def test_nobody_is_pasted_from_a_picture_of_nobody() -> None:
    empty = np.zeros((240, 320, 3), np.uint8), np.zeros((0, 5), np.float32)
    assert len(compose.pasted(empty, empty, np.random.default_rng(0))[1]) == 0


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_photometric_augmentation_keeps_size_and_type_for_any_picture(seed: int) -> None:
    rng = np.random.default_rng(seed)
    picture = rng.integers(0, 256, (64, 96, 3)).astype(np.uint8)
    out = augment.photometric(picture, rng)
    assert out.shape == picture.shape
    assert out.dtype == np.uint8


def test_what_only_the_teacher_sees_is_to_be_ignored() -> None:
    known = np.array([[0, 0, 10, 20, PERSON]], np.float32)
    seen = np.array([[0, 0, 10, 19, 0.9], [50, 0, 60, 20, 0.8], [80, 0, 90, 20, 0.1]], np.float32)
    assert with_ignored(known, seen).tolist() == [[0, 0, 10, 20, PERSON], [50, 0, 60, 20, IGNORE]]
    assert with_ignored(known[:0], seen[2:]).shape == (0, 5)
    assert overlaps(known[0, :4], seen[:, :4])[0] == pytest.approx(0.95)


def test_a_shard_gives_back_what_was_written_and_appears_only_when_whole(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    writer = shards.Writer(tmp_path / "photographs-0000.shard", 2)
    levels = [rng.normal(0, 1, (CHANNELS, *cells)).astype(np.float32) for cells in CELLS]
    still = np.zeros(CHANNELS, np.float32), np.ones(CHANNELS, np.float32)
    many = np.array([[0, 0, 10 + i, 10, PERSON] for i in range(100)], np.float32)
    for _ in range(2):
        writer.add(np.full((256, 416, 3), 7, np.uint8), many, [packed(level, *still) for level in levels])
    assert shards.finished_shards(tmp_path) == []
    writer.close()
    shard = shards.read_shard(shards.finished_shards(tmp_path)[0])
    assert shard.pictures.shape == (2, 256, 416, 3)
    assert shard.boxes[1, 0].tolist() == [0, 0, 109, 10, PERSON], "the largest come first where there are too many"
    assert np.abs(unpacked(shard.levels[0][0]) - levels[0].clip(-5, 5)).max() < 0.03
    assert pooled(np.arange(16, dtype=np.float32).reshape(1, 4, 4)).tolist() == [[[5, 7], [13, 15]]]


def test_average_precision_by_hand() -> None:
    truth = np.array([[0, 0, 10, 10], [20, 0, 30, 10]], np.float32)
    both = np.array([PERSON, PERSON], np.uint8)
    found = np.array([[0, 0, 10, 10], [50, 50, 60, 60], [20, 0, 30, 10]], np.float32)
    one = score.match(found, np.array([0.9, 0.8, 0.7]), truth, both)
    assert one.hits.tolist() == [True, False, True]
    # Precision 1 up to a recall of a half (51 of 101 points), then 2/3.
    assert score.average_precision([one]) == pytest.approx((51 + 50 * 2 / 3) / 101)
    # Two boxes on one person: the second is wrong. A box in a region to be ignored does not count.
    twice = score.match(found[[0, 0]], np.array([0.9, 0.8]), truth[:1], both[:1])
    assert twice.hits.tolist() == [True, False]
    ignored = score.match(found[:1], np.array([0.9]), truth, np.array([IGNORE, PERSON], np.uint8))
    assert (len(ignored.scores), ignored.people) == (0, 1)
    assert score.average_precision([ignored]) == 0
    low, high = score.interval([one, twice] * 10)
    assert 0 < low <= score.average_precision([one, twice] * 10) <= high <= 1
    assert score.precision_thresholds([[one]], (0.99, 0.6)) == [0.9, 0.7]
