"""Which cells answer for which person: task-aligned assignment (Feng et al., "TOOD", arXiv:2108.07755).

A cell may answer for a box when its centre lies inside; of those, the ten whose score and overlap are best together do.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

_CANDIDATES = 10
_SCORE_POWER = 0.5
_OVERLAP_POWER = 6.0


@dataclass(frozen=True, slots=True)
class Assigned:
    """What each cell of each picture should say."""

    target: Tensor
    """The score it should give, 0 to 1 [B, cells]; 0 where there is nobody."""
    box: Tensor
    """The box that it answers for, pixels [B, cells, 4]; zeros where there is nobody."""
    weight: Tensor
    """1, or 0 where a cell lies in a region that is neither person nor background [B, cells]."""


@torch.no_grad()
def assign(scores: Tensor, boxes: Tensor, centres: Tensor, people: Tensor, flags: Tensor) -> Assigned:
    """Assign people to cells.

    Args:
        scores: probabilities [B, cells].
        boxes: predicted x1, y1, x2, y2 in pixels [B, cells, 4].
        centres: of the cells, pixels [cells, 2].
        people: true boxes [B, P, 4], padded.
        flags: [B, P]: 1 a person, 2 to be ignored, 0 padding.
    """
    batch, cells = scores.shape
    slots = people.shape[1]
    target = scores.new_zeros(batch * cells)
    box = boxes.new_zeros(batch * cells, 4)
    weight = scores.new_ones(batch, cells)
    if not slots:
        return Assigned(target.view(batch, cells), box.view(batch, cells, 4), weight)
    x, y = centres[:, 0], centres[:, 1]
    # A person smaller than a cell still has one: no box is narrower than a stride here.
    middle, half = (people[..., :2] + people[..., 2:]) / 2, (people[..., 2:] - people[..., :2]).clamp(min=8.5) / 2
    low, high = middle - half, middle + half
    inside = (x > low[..., :1]) & (x < high[..., :1]) & (y > low[..., 1:]) & (y < high[..., 1:])  # [B, P, cells]
    weight[(inside & (flags == 2)[..., None]).any(1)] = 0
    b, p, c = torch.nonzero(inside & (flags == 1)[..., None], as_tuple=True)
    if not len(b):
        return Assigned(target.view(batch, cells), box.view(batch, cells, 4), weight)
    overlap = pair_iou(people[b, p], boxes[b, c])
    aligned = scores[b, c].clamp(min=1e-4) ** _SCORE_POWER * overlap**_OVERLAP_POWER + 1e-9
    person = b * slots + p
    dense = scores.new_zeros(batch * slots, cells)
    dense[person, c] = aligned
    best_values, best_cells = dense.topk(min(_CANDIDATES, cells), 1)
    person, rank = torch.nonzero(best_values, as_tuple=True)
    aligned, c = best_values[person, rank], best_cells[person, rank]
    b, p = person // slots, person % slots
    overlap = pair_iou(people[b, p], boxes[b, c])
    cell = b * cells + c
    # A cell that two people want answers for the one that it overlaps most.
    most = overlap.new_full((batch * cells,), -1.0).scatter_reduce(0, cell, overlap, "amax")
    won = overlap >= most[cell]
    p, b, cell, person, overlap, aligned = (v[won] for v in (p, b, cell, person, overlap, aligned))
    top = aligned.new_zeros(batch * slots).scatter_reduce(0, person, aligned, "amax")
    best = overlap.new_zeros(batch * slots).scatter_reduce(0, person, overlap, "amax")
    target[cell] = aligned / top[person] * best[person]
    box[cell] = people[b, p]
    target, box = target.view(batch, cells), box.view(batch, cells, 4)
    return Assigned(target, box, torch.where(target > 0, torch.ones_like(weight), weight))


def pair_iou(a: Tensor, b: Tensor) -> Tensor:
    """Intersection over union of boxes row by row, [N, 4] and [N, 4] -> [N]."""
    low, high = torch.maximum(a[:, :2], b[:, :2]), torch.minimum(a[:, 2:], b[:, 2:])
    common = (high - low).clamp(min=0).prod(1)
    return common / ((a[:, 2:] - a[:, :2]).prod(1) + (b[:, 2:] - b[:, :2]).prod(1) - common).clamp(min=1e-6)
