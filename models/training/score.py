"""Average precision (AP) at IoU 0.5, with a confidence interval."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from metrica.models.training.pictures import PERSON, Boxes

Floats = npt.NDArray[np.float64]
_IOU = 0.5
_RECALLS = np.linspace(0, 1, 101)


@dataclass(frozen=True, slots=True)
class Matched:
    """The detections in one picture, matched to its people; those in ignored regions are left out."""

    scores: Floats
    """Scores of the detections, falling, [N]."""
    hits: npt.NDArray[np.bool_]
    """Whether each detection matches a person, [N]."""
    people: int
    """Number of people in the picture."""


def match(boxes: Boxes, scores: npt.NDArray[np.floating], truth: Boxes, flags: npt.NDArray[np.uint8]) -> Matched:
    """Match detections [N, 4] to labelled boxes [M, 4], the highest score first, as COCO's evaluation does.

    A detection that matches no person but lies with half of its area in an ignored box is left out.
    """
    order = np.argsort(-scores, kind="stable")
    people, ignored = truth[flags == PERSON], truth[flags != PERSON]
    overlap, inside = _overlaps(boxes, people)[0], _overlaps(boxes, ignored)[1]
    free = np.ones(len(people), bool)
    kept: list[float] = []
    hits: list[bool] = []
    for index in order:
        candidates = np.where(free, overlap[index], 0.0)
        best = int(candidates.argmax()) if len(people) else -1
        hit = best >= 0 and candidates[best] >= _IOU
        if hit:
            free[best] = False
        elif len(ignored) and inside[index].max() >= _IOU:
            continue
        kept.append(float(scores[index]))
        hits.append(hit)
    return Matched(np.array(kept, float), np.array(hits, bool), len(people))


def _overlaps(boxes: Boxes, others: Boxes) -> tuple[Floats, Floats]:
    """IoU, and intersection over the area of the box in `boxes`, both [N, M]."""
    a, b = boxes[:, None].astype(float), others[None].astype(float)
    common = (np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2])).clip(0).prod(-1)
    own, other = (a[..., 2:] - a[..., :2]).prod(-1), (b[..., 2:] - b[..., :2]).prod(-1)
    return common / np.maximum(own + other - common, 1e-9), common / np.maximum(own, 1e-9)


def average_precision(pictures: Iterable[Matched], weights: Floats | None = None) -> float:
    """Mean precision at 101 recalls, as in COCO. weights: how often each picture counts [pictures]; None: once."""
    listed = list(pictures)
    each = np.ones(len(listed)) if weights is None else weights
    total = float(sum(picture.people * weight for picture, weight in zip(listed, each, strict=True)))
    scores = np.concatenate([picture.scores for picture in listed])
    if not total or not len(scores):
        return 0.0
    hits = np.concatenate([picture.hits for picture in listed])
    counts = np.concatenate([np.full(len(p.scores), w) for p, w in zip(listed, each, strict=True)])
    order = np.argsort(-scores, kind="stable")
    found, detected = np.cumsum((hits * counts)[order]), np.cumsum(counts[order])
    precision = np.maximum.accumulate((found / np.maximum(detected, 1e-9))[::-1])[::-1]
    at = np.searchsorted(found / total, _RECALLS - 1e-12)
    return float(np.where(at < len(precision), precision[np.minimum(at, len(precision) - 1)], 0.0).mean())


def interval(pictures: list[Matched], times: int = 300, seed: int = 0) -> tuple[float, float]:
    """The 95 % confidence interval of the average precision, by bootstrap over the pictures."""
    rng = np.random.default_rng(seed)
    count = len(pictures)
    values = [
        average_precision(pictures, np.asarray(rng.multinomial(count, [1 / count] * count), np.float64))
        for _ in range(times)
    ]
    low, high = np.percentile(values, [2.5, 97.5])
    return float(low), float(high)


def precision_thresholds(pictures: list[list[Matched]], goals: tuple[float, ...]) -> list[float]:
    """For each goal, the lowest score threshold with at least that precision. Each set of pictures weighs the same."""
    scores = np.concatenate([m.scores for one in pictures for m in one])
    hits = np.concatenate([m.hits for one in pictures for m in one])
    weights = np.concatenate([
        np.full(sum(len(m.scores) for m in one), 1 / max(1, sum(m.people for m in one))) for one in pictures
    ])  # fmt: skip
    order = np.argsort(-scores)
    precision = np.cumsum((hits * weights)[order]) / np.cumsum(weights[order])
    return [float(scores[order][np.flatnonzero(precision >= goal)[-1]]) for goal in goals]
