"""Decoders turn the raw outputs of a network into people: one decoder for each output format.

Every decoder is a pure function with settings: it takes outputs by name, the `Fit` of the frame and a score floor, and
returns `Found`. It also tells whether a network's outputs have its format, so that a model that is no detector is
refused before the first frame.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar, Protocol

import numpy as np
import numpy.typing as npt

from metrica.models.boxes import Found, best, found, suppressed
from metrica.models.card import Card
from metrica.models.errors import ModelError
from metrica.models.fit import Fit

Array = npt.NDArray[np.generic]
"""An array as a network returns it, of any type and shape."""
Floats = npt.NDArray[np.float32]
"""An array of 32-bit floats, of any shape."""
Shape = tuple[int | None, ...]
"""The shape of an output; None for a length that is known only after an inference."""

YOLO_STRIDES = (8, 16, 32)
"""The sizes of the cells of a YOLO network's three grids, pixels of the input."""
# Sizes are exp(value) strides. A larger value would be wider than any picture, and could overflow.
_MAX_EXPONENT = 20.0


class Decoder(Protocol):
    """Turns the outputs of a network into people."""

    format: ClassVar[str]
    """The expected outputs in words, for an error message."""

    def wanted(self, shapes: Mapping[str, Shape]) -> tuple[str, ...] | None:
        """The names of the outputs that this decoder reads, or None when these shapes are not its format."""
        ...

    def __call__(self, outputs: Mapping[str, Array], fit: Fit, floor: float) -> Found:
        """The people whose score is at least `floor`. `outputs` holds at least the outputs that `wanted` names."""
        ...


def decoder_for(card: Card) -> Decoder:
    """The decoder that a card names, with the card's classes, input size and NMS threshold."""
    match card.decoder:
        case "ssd":
            return Ssd(card.person)
        case "boxes_labels":
            return BoxesLabels(card.person)
        case "yolox":
            return Yolox(card.input.size, card.person, card.nms)
        case "yolov8":
            return Yolov8(card.input.size, card.person, card.nms)


@dataclass(frozen=True, slots=True)
class Ssd:
    """Rows of (image, label, score, x1, y1, x2, y2), boxes 0 to 1 of the input: OpenVINO's DetectionOutput.

    The first row whose image id is negative ends the list; what follows is padding.
    """

    person: tuple[int, ...]
    """The class ids that are people."""
    format: ClassVar[str] = "one output [1, 1, N, 7]"
    """The expected outputs in words, for an error message."""

    def wanted(self, shapes: Mapping[str, Shape]) -> tuple[str, ...] | None:
        return _single(shapes, lambda s: len(s) == 4 and s[:2] == (1, 1) and s[3] == 7)

    def __call__(self, outputs: Mapping[str, Array], fit: Fit, floor: float) -> Found:
        rows = _floats(_read(self, outputs)[0]).reshape(-1, 7)
        ended = rows[:, 0] < 0
        if ended.any():
            rows = rows[: int(ended.argmax())]
        rows = rows[(rows[:, 2] >= floor) & np.isin(rows[:, 1], self.person)]
        return found(rows[:, 3:] * np.array(fit.size * 2, np.float32), rows[:, 2], fit)


@dataclass(frozen=True, slots=True)
class BoxesLabels:
    """`boxes` [N, 5] (x1, y1, x2, y2, score) in pixels of the input, and `labels` [N]: OpenVINO training extensions."""

    person: tuple[int, ...]
    """The class ids that are people."""
    format: ClassVar[str] = "outputs 'boxes' [N, 5] and 'labels' [N]"
    """The expected outputs in words, for an error message."""

    def wanted(self, shapes: Mapping[str, Shape]) -> tuple[str, ...] | None:
        boxes, labels = shapes.get("boxes"), shapes.get("labels")
        ok = boxes is not None and labels is not None and len(boxes) == 2 and boxes[1] == 5 and len(labels) == 1
        return ("boxes", "labels") if ok else None

    def __call__(self, outputs: Mapping[str, Array], fit: Fit, floor: float) -> Found:
        boxes, labels = _read(self, outputs)
        rows = _floats(boxes)
        rows = rows[(rows[:, 4] >= floor) & np.isin(labels, self.person)]
        return found(rows[:, :4], rows[:, 4], fit)


@dataclass(frozen=True, slots=True)
class Yolox:
    """The raw grid of YOLOX, [1, cells, 5 + classes]: centre and log size in strides, objectness, class scores.

    Ge et al., "YOLOX: Exceeding YOLO Series in 2021", arXiv:2107.08430. The cells are those of the strides 8, 16 and
    32, row by row.
    """

    size: tuple[int, int]
    """Width and height of the network's input, pixels."""
    person: tuple[int, ...]
    """The class ids that are people."""
    nms: float
    """IoU above which two boxes are one person, 0 to 1."""
    format: ClassVar[str] = "one output [1, cells of the strides 8, 16 and 32, 5 + classes]"
    """The expected outputs in words, for an error message."""

    def wanted(self, shapes: Mapping[str, Shape]) -> tuple[str, ...] | None:
        count, least = cells(self.size), 6 + max(self.person)
        return _single(shapes, lambda s: len(s) == 3 and s[:2] == (1, count) and (s[2] or 0) >= least)

    def __call__(self, outputs: Mapping[str, Array], fit: Fit, floor: float) -> Found:
        rows = _floats(_read(self, outputs)[0])[0]
        scores = rows[:, 4] * rows[:, [5 + p for p in self.person]].max(axis=1)
        chosen = best(scores, floor)
        rows, scores, grid = rows[chosen], scores[chosen], _grid(self.size)[chosen]
        centre = (rows[:, :2] + grid[:, :2]) * grid[:, 2:]
        half = np.exp(np.minimum(rows[:, 2:4], _MAX_EXPONENT)) * grid[:, 2:] / 2
        return suppressed(np.concatenate([centre - half, centre + half], axis=1), scores, self.nms, fit)


@dataclass(frozen=True, slots=True)
class Yolov8:
    """The head of YOLOv8 and YOLO11, [1, 4 + classes, cells]: centre and size in pixels of the input, class scores."""

    size: tuple[int, int]
    """Width and height of the network's input, pixels."""
    person: tuple[int, ...]
    """The class ids that are people."""
    nms: float
    """IoU above which two boxes are one person, 0 to 1."""
    format: ClassVar[str] = "one output [1, 4 + classes, cells of the strides 8, 16 and 32]"
    """The expected outputs in words, for an error message."""

    def wanted(self, shapes: Mapping[str, Shape]) -> tuple[str, ...] | None:
        count, least = cells(self.size), 5 + max(self.person)
        return _single(shapes, lambda s: len(s) == 3 and s[0] == 1 and s[2] == count and (s[1] or 0) >= least)

    def __call__(self, outputs: Mapping[str, Array], fit: Fit, floor: float) -> Found:
        columns = _floats(_read(self, outputs)[0])[0]
        scores = columns[[4 + p for p in self.person]].max(axis=0)
        chosen = best(scores, floor)
        rows, scores = columns[:4, chosen].T, scores[chosen]
        half = rows[:, 2:] / 2
        return suppressed(np.concatenate([rows[:, :2] - half, rows[:, :2] + half], axis=1), scores, self.nms, fit)


def _single(shapes: Mapping[str, Shape], fits: Callable[[Shape], bool]) -> tuple[str, ...] | None:
    names = [name for name, shape in shapes.items() if fits(shape)]
    return (names[0],) if len(names) == 1 else None


def _floats(array: Array) -> Floats:
    return np.asarray(array, np.float32)


def _read(decoder: Decoder, outputs: Mapping[str, Array]) -> list[Array]:
    """The outputs that a decoder wants, in its order. Raises ModelError when they are not there."""
    names = decoder.wanted({name: value.shape for name, value in outputs.items()})
    if names is None:
        got = ", ".join(f"{name} {list(value.shape)}" for name, value in outputs.items()) or "nothing"
        raise ModelError(f"the network gave {got}, but its decoder reads {decoder.format}; check the card's decoder")
    return [outputs[name] for name in names]


def cells(size: tuple[int, int]) -> int:
    """How many cells a YOLO of the strides 8, 16 and 32 has for an input of this width and height."""
    width, height = size
    return sum((width // stride) * (height // stride) for stride in YOLO_STRIDES)


@lru_cache(maxsize=8)
def _grid(size: tuple[int, int]) -> Floats:
    """Column, row and stride of each cell, float32 [cells, 3]; shared, so not to be written to."""
    width, height = size
    parts: list[Floats] = []
    for stride in YOLO_STRIDES:
        rows, columns = np.mgrid[: height // stride, : width // stride]
        parts.append(np.stack([columns.ravel(), rows.ravel(), np.full(rows.size, stride)], axis=1).astype(np.float32))
    grid = np.concatenate(parts)
    grid.flags.writeable = False
    return grid
