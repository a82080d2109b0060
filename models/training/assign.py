"""Decides which cells learn which person: task-aligned assignment (Feng et al., "TOOD", arXiv:2108.07755).

The candidates for a person are the cells with their centre inside the person's box. The ten of them with the highest
alignment, score ** 0.5 * IoU ** 6, are assigned to the person.
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
    """The training target of each cell of each picture."""

    target: Tensor
    """Score, 0 to 1, [B, cells]; 0 for a cell without a person."""
    box: Tensor
    """Box of the person, x1, y1, x2, y2 in pixels, [B, cells, 4]; zeros for a cell without a person."""
    weight: Tensor
    """Weight in the loss, [B, cells]: 0 for a cell in a region to be ignored without a person, else 1."""


@torch.no_grad()
def assign(scores: Tensor, boxes: Tensor, centres: Tensor, people: Tensor, flags: Tensor) -> Assigned:
    """Assign people to cells. A cell that two people claim gets the one whose box its prediction overlaps more.

    Args:
        scores: probabilities [B, cells].
        boxes: predicted x1, y1, x2, y2 in pixels [B, cells, 4].
        centres: of the cells, pixels [cells, 2].
        people: true boxes [B, P, 4], padded.
        flags: 1 for a person, 2 for a region to be ignored, 0 for padding [B, P].
    """
    batch, cells = scores.shape
    slots = people.shape[1]
    target = scores.new_zeros(batch * cells)
    box = boxes.new_zeros(batch * cells, 4)
    weight = scores.new_ones(batch, cells)
    if not slots:
        return Assigned(target.view(batch, cells), box.view(batch, cells, 4), weight)
    x, y = centres[:, 0], centres[:, 1]
    # Boxes are widened to at least a stride, so that a person smaller than a cell still contains a centre.
    middle, half = (people[..., :2] + people[..., 2:]) / 2, (people[..., 2:] - people[..., :2]).clamp(min=8.5) / 2
    low, high = middle - half, middle + half
    inside = (x > low[..., :1]) & (x < high[..., :1]) & (y > low[..., 1:]) & (y < high[..., 1:])  # [B, P, cells]
    weight[(inside & (flags == 2)[..., None]).any(1)] = 0
    # Index vectors of the candidates: b of the picture, p of the person in it, c of the cell.
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
    # A cell that several people claim keeps the one with the highest overlap.
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
    """IoU of boxes row by row, [N, 4] and [N, 4] to [N]."""
    low, high = torch.maximum(a[:, :2], b[:, :2]), torch.minimum(a[:, 2:], b[:, 2:])
    common = (high - low).clamp(min=0).prod(1)
    return common / ((a[:, 2:] - a[:, :2]).prod(1) + (b[:, 2:] - b[:, :2]).prod(1) - common).clamp(min=1e-6)
