"""Geometric augmentation: crops, changes of scale, mosaics, and people pasted in. Moves pixels and boxes together.

It is done once for each sample; `augment` changes the colours each time that a sample is used.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import cv2
import numpy as np

from metrica.models.training.pictures import IGNORE, PERSON, Boxes, Picture

Sample = tuple[Picture, Boxes]
"""A picture and its boxes [N, 5]: x1, y1, x2, y2, flag."""
_MIN_HEIGHT = 9.0
"""Pixels: the box of a smaller person is marked IGNORE."""
_MIN_PART = 0.35
"""A box of which a crop leaves a smaller share is marked IGNORE."""
_MIN_PASTED_HEIGHT = 40.0
"""Pixels: smaller people are not pasted."""
_MAX_HIDDEN = 0.5
"""A box of which a pasted person hides a larger share is marked IGNORE."""


def resized(sample: Sample, size: tuple[int, int]) -> Sample:
    """The whole picture stretched to this width and height, as the detector sees a frame."""
    view = (0.0, 0.0, float(sample[0].shape[1]), float(sample[0].shape[0]))
    return crop(sample, view, size, sharp=True)


def crop(sample: Sample, view: tuple[float, float, float, float], size: tuple[int, int], *, sharp: bool) -> Sample:
    """The part of a picture in `view` (x1, y1, x2, y2), stretched to width and height. Beyond the picture it is grey.

    sharp: take the nearest pixel, as the detector does with frames larger than its input; False: interpolate.
    """
    picture, boxes = sample
    sx, sy = size[0] / (view[2] - view[0]), size[1] / (view[3] - view[1])
    matrix = np.array([[sx, 0, -view[0] * sx], [0, sy, -view[1] * sy]])
    if not sharp and min(sx, sy) < 0.6:  # shrink by the mean first: warpAffine would skip pixels
        factor = max(min(sx, sy) * 1.2, 0.05)
        picture = np.asarray(cv2.resize(picture, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA), np.uint8)
        matrix[:, :2] /= factor
    interpolation = cv2.INTER_NEAREST if sharp else cv2.INTER_LINEAR
    out = cv2.warpAffine(picture, matrix, size, flags=interpolation, borderValue=(114, 114, 114))
    moved = boxes.copy()
    moved[:, [0, 2]] = (moved[:, [0, 2]] - view[0]) * sx
    moved[:, [1, 3]] = (moved[:, [1, 3]] - view[1]) * sy
    return np.asarray(out, np.uint8), clipped(moved, size)


def clipped(boxes: Boxes, size: tuple[int, int]) -> Boxes:
    """Boxes cut at the picture's edges. Almost nothing left: dropped; little left, or tiny: IGNORE."""
    cut = boxes.copy()
    cut[:, [0, 2]] = cut[:, [0, 2]].clip(0, size[0])
    cut[:, [1, 3]] = cut[:, [1, 3]].clip(0, size[1])
    area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    left = (cut[:, 2] - cut[:, 0]) * (cut[:, 3] - cut[:, 1]) / np.maximum(area, 1e-6)
    tiny = (cut[:, 3] - cut[:, 1] < _MIN_HEIGHT) | (cut[:, 2] - cut[:, 0] < _MIN_HEIGHT / 3)
    cut[(left < _MIN_PART) | tiny, 4] = IGNORE
    return cut[(left > 0.05) & (cut[:, 2] - cut[:, 0] > 1) & (cut[:, 3] - cut[:, 1] > 1)]


def flipped(sample: Sample) -> Sample:
    """The sample mirrored, left and right exchanged."""
    picture, boxes = sample
    width = picture.shape[1]
    mirrored = boxes.copy()
    mirrored[:, [0, 2]] = width - boxes[:, [2, 0]]
    return np.ascontiguousarray(picture[:, ::-1]), mirrored


def random_crop(sample: Sample, size: tuple[int, int], rng: np.random.Generator) -> Sample:
    """A crop of random place, scale and aspect ratio, mirrored with a probability of a half."""
    height, width = sample[0].shape[:2]
    scale = float(np.exp(rng.uniform(np.log(0.45), np.log(1.35))))  # sides of the crop, as a share of the picture's
    aspect = float(np.exp(rng.normal(0, 0.22)))
    w, h = width * scale * aspect**0.5, height * scale / aspect**0.5
    people = sample[1][sample[1][:, 4] == PERSON]
    if len(people) and rng.random() < 0.7:  # somewhere around a person
        x1, y1, x2, y2 = people[rng.integers(len(people)), :4]
        x = rng.uniform(x2 - w, x1) if w > x2 - x1 else rng.uniform(x1, x2 - w)
        y = rng.uniform(y2 - h, y1) if h > y2 - y1 else rng.uniform(y1, y2 - h)
    else:
        x, y = (
            rng.uniform(min(0, width - w), max(0, width - w)),
            rng.uniform(min(0, height - h), max(0, height - h)),
        )
    if w <= width:
        x = float(np.clip(x, 0, width - w))
    if h <= height:
        y = float(np.clip(y, 0, height - h))
    out = crop(sample, (x, y, x + w, y + h), size, sharp=bool(rng.random() < 0.5))
    return flipped(out) if rng.random() < 0.5 else out


def mosaic(draw: Callable[[], Sample], size: tuple[int, int], rng: np.random.Generator, *, across: int = 2) -> Sample:
    """A mosaic of `across` x `across` random crops (Bochkovskiy et al., "YOLOv4", arXiv:2004.10934).

    draw: gives the next labelled picture. With three across, people are as small as in a street seen from afar.
    """
    columns, rows = (_cuts(length, across, rng) for length in size)
    out = np.empty((size[1], size[0], 3), np.uint8)
    boxes: list[Boxes] = []
    for y1, y2 in pairwise(rows):
        for x1, x2 in pairwise(columns):
            part, found = random_crop(draw(), (x2 - x1, y2 - y1), rng)
            out[y1:y2, x1:x2] = part
            boxes.append(found + np.array([x1, y1, x1, y1, 0], np.float32))
    return out, np.concatenate(boxes)


def _cuts(length: int, parts: int, rng: np.random.Generator) -> list[int]:
    """Where a side of the mosaic is cut, its two ends included. Inner cuts are moved at random by up to 0.4 parts."""
    inner = (np.arange(1, parts) + rng.uniform(-0.4, 0.4, parts - 1)) / parts
    return [0, *(int(length * cut) for cut in inner), length]


def pasted(sample: Sample, other: Sample, rng: np.random.Generator) -> Sample:
    """The sample with a person of another picture pasted in, at a random place and in a random size.

    After Ghiasi et al., "Simple Copy-Paste", arXiv:2012.07177; without outlines, an oval with soft edges is cut out of
    the box. A person who is mostly hidden by it becomes IGNORE.
    """
    height, width = sample[0].shape[:2]
    fit = [box for box in other[1] if box[4] == PERSON and box[3] - box[1] >= _MIN_PASTED_HEIGHT]
    if not fit:
        return sample
    x1, y1, x2, y2 = fit[rng.integers(len(fit))][:4].clip(0).astype(int)
    cut = other[0][y1:y2, x1:x2]
    if min(cut.shape[:2]) < 4:
        return sample
    tall = float(np.exp(rng.uniform(np.log(0.15), np.log(0.8)))) * height
    wide = tall * cut.shape[1] / cut.shape[0]
    if not 4 <= wide < 0.8 * width:
        return sample
    w, h = int(wide), int(tall)
    x, y = int(rng.integers(0, width - w)), int(rng.integers(0, height - h))
    interpolation = cv2.INTER_AREA if h < cut.shape[0] else cv2.INTER_LINEAR
    cut = np.asarray(cv2.resize(cut, (w, h), interpolation=interpolation), np.uint8)
    oval = np.zeros((h, w), np.float32)
    cv2.ellipse(oval, (w // 2, h // 2), (int(w * 0.46), int(h * 0.49)), 0, 0, 360, 1.0, -1)
    mask = cv2.GaussianBlur(oval, (0, 0), max(1.0, 0.04 * w))[..., None]
    out, boxes = sample[0].copy(), sample[1].copy()
    under = out[y : y + h, x : x + w]
    under[:] = (under * (1 - mask) + cut * mask).round().astype(np.uint8)
    new = np.array([x, y, x + w, y + h, PERSON], np.float32)
    common = (np.minimum(boxes[:, 2:4], new[2:4]) - np.maximum(boxes[:, :2], new[:2])).clip(0).prod(1)
    hidden = common > _MAX_HIDDEN * (boxes[:, 2:4] - boxes[:, :2]).prod(1)
    boxes[hidden, 4] = IGNORE
    return out, np.concatenate([boxes, new[None]])
