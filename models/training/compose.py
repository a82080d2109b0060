"""From labelled pictures to the geometry of a training sample: crops, stretches, mosaics.

Everything here moves pixels and boxes together; colours are changed later, anew each time a sample is seen.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from metrica.models.training.pictures import IGNORE, PERSON, Boxes, Picture

Sample = tuple[Picture, Boxes]
"""A picture and its boxes [N, 5]: x1, y1, x2, y2, flag."""
_LEAST_HEIGHT = 9.0  # pixels; smaller people are neither people nor background
_LEAST_PART = 0.35  # of a box that must be left after a crop for it to be a person


def whole(sample: Sample, size: tuple[int, int]) -> Sample:
    """The whole picture stretched to width and height, as the detector sees a frame."""
    view = (0.0, 0.0, float(sample[0].shape[1]), float(sample[0].shape[0]))
    return window(sample, view, size, sharp=True)


def window(sample: Sample, view: tuple[float, float, float, float], size: tuple[int, int], *, sharp: bool) -> Sample:
    """What lies in a window (x1, y1, x2, y2; may reach beyond the picture, there it is grey), stretched to a size.

    `sharp` takes the nearest pixel, as the detector does with frames larger than its input; else pixels are averaged.
    """
    picture, boxes = sample
    sx, sy = size[0] / (view[2] - view[0]), size[1] / (view[3] - view[1])
    matrix = np.array([[sx, 0, -view[0] * sx], [0, sy, -view[1] * sy]])
    if not sharp and min(sx, sy) < 0.6:  # warpAffine would skip pixels
        factor = max(min(sx, sy) * 1.2, 0.05)
        picture = np.asarray(cv2.resize(picture, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA), np.uint8)
        matrix[:, :2] /= factor
    way = cv2.INTER_NEAREST if sharp else cv2.INTER_LINEAR
    out = cv2.warpAffine(picture, matrix, size, flags=way, borderValue=(114, 114, 114))
    moved = boxes.copy()
    moved[:, [0, 2]] = (moved[:, [0, 2]] - view[0]) * sx
    moved[:, [1, 3]] = (moved[:, [1, 3]] - view[1]) * sy
    return np.asarray(out, np.uint8), clipped(moved, size)


def clipped(boxes: Boxes, size: tuple[int, int]) -> Boxes:
    """Boxes cut at the picture's edge: those nearly gone are dropped, those half gone or tiny are to be ignored."""
    cut = boxes.copy()
    cut[:, [0, 2]] = cut[:, [0, 2]].clip(0, size[0])
    cut[:, [1, 3]] = cut[:, [1, 3]].clip(0, size[1])
    area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    left = (cut[:, 2] - cut[:, 0]) * (cut[:, 3] - cut[:, 1]) / np.maximum(area, 1e-6)
    tiny = (cut[:, 3] - cut[:, 1] < _LEAST_HEIGHT) | (cut[:, 2] - cut[:, 0] < _LEAST_HEIGHT / 3)
    cut[(left < _LEAST_PART) | tiny, 4] = IGNORE
    return cut[(left > 0.05) & (cut[:, 2] - cut[:, 0] > 1) & (cut[:, 3] - cut[:, 1] > 1)]


def flipped(sample: Sample) -> Sample:
    """Left and right exchanged."""
    picture, boxes = sample
    width = picture.shape[1]
    turned = boxes.copy()
    turned[:, [0, 2]] = width - boxes[:, [2, 0]]
    return np.ascontiguousarray(picture[:, ::-1]), turned


def jittered(sample: Sample, size: tuple[int, int], chance: np.random.Generator) -> Sample:
    """A window of random place, scale and aspect, mirrored half of the time."""
    height, width = sample[0].shape[:2]
    scale = float(np.exp(chance.uniform(np.log(0.45), np.log(1.35))))  # of the picture's sides in the window
    aspect = float(np.exp(chance.normal(0, 0.22)))
    w, h = width * scale * aspect**0.5, height * scale / aspect**0.5
    people = sample[1][sample[1][:, 4] == PERSON]
    if len(people) and chance.random() < 0.7:  # somewhere around a person
        x1, y1, x2, y2 = people[chance.integers(len(people)), :4]
        x = chance.uniform(x2 - w, x1) if w > x2 - x1 else chance.uniform(x1, x2 - w)
        y = chance.uniform(y2 - h, y1) if h > y2 - y1 else chance.uniform(y1, y2 - h)
    else:
        x, y = (
            chance.uniform(min(0, width - w), max(0, width - w)),
            chance.uniform(min(0, height - h), max(0, height - h)),
        )
    if w <= width:
        x = float(np.clip(x, 0, width - w))
    if h <= height:
        y = float(np.clip(y, 0, height - h))
    out = window(sample, (x, y, x + w, y + h), size, sharp=bool(chance.random() < 0.5))
    return flipped(out) if chance.random() < 0.5 else out


def mosaic(draw: Callable[[], Sample], size: tuple[int, int], chance: np.random.Generator) -> Sample:
    """Four jittered pictures around a random centre (Bochkovskiy et al., "YOLOv4", arXiv:2004.10934)."""
    width, height = size
    cx, cy = int(width * chance.uniform(0.3, 0.7)), int(height * chance.uniform(0.3, 0.7))
    out = np.empty((height, width, 3), np.uint8)
    boxes: list[Boxes] = []
    for x1, y1, x2, y2 in ((0, 0, cx, cy), (cx, 0, width, cy), (0, cy, cx, height), (cx, cy, width, height)):
        part, found = jittered(draw(), (x2 - x1, y2 - y1), chance)
        out[y1:y2, x1:x2] = part
        boxes.append(found + np.array([x1, y1, x1, y1, 0], np.float32))
    return out, np.concatenate(boxes)
