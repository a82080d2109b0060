"""The training losses: for scores, for boxes, and for features that differ from the teacher's."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as nnf

from metrica.models.training.assign import Assigned

_BOX_WEIGHT = 2.5


def detection_loss(logits: Tensor, boxes: Tensor, assigned: Assigned) -> tuple[Tensor, Tensor]:
    """The losses of scores and boxes, each summed over all cells and divided by the sum of the target scores.

    Scores: binary cross-entropy with the quality of the box as target; easy background weighs less, as in the
    varifocal loss (Zhang et al., arXiv:2008.13367). Boxes: 1 - generalised IoU (Rezatofighi et al., arXiv:1902.09630).
    """
    total = assigned.target.sum().clamp(min=1.0)
    probability = logits.detach().sigmoid()
    easy = torch.where(assigned.target > 0, torch.ones_like(probability), 0.75 * probability**1.5)
    per_cell = nnf.binary_cross_entropy_with_logits(logits, assigned.target, reduction="none")
    score = (per_cell * easy * assigned.weight).sum() / total
    own = assigned.target > 0
    overlap = generalised_iou(boxes[own], assigned.box[own])
    box = ((1 - overlap) * assigned.target[own]).sum() / total
    return score, _BOX_WEIGHT * box


def generalised_iou(a: Tensor, b: Tensor) -> Tensor:
    """Generalised IoU of boxes row by row, [N, 4] and [N, 4] to [N], from -1 to 1."""
    low, high = torch.maximum(a[:, :2], b[:, :2]), torch.minimum(a[:, 2:], b[:, 2:])
    common = (high - low).clamp(min=0).prod(1)
    both = (a[:, 2:] - a[:, :2]).prod(1) + (b[:, 2:] - b[:, :2]).prod(1) - common
    hull = (torch.maximum(a[:, 2:], b[:, 2:]) - torch.minimum(a[:, :2], b[:, :2])).prod(1)
    return common / both.clamp(min=1e-6) - (hull - both) / hull.clamp(min=1e-6)


class Mimic(nn.Module):
    """The loss that makes the network's pyramid similar to the teacher's maps.

    After Romero et al., "FitNets", arXiv:1412.6550. A 1x1 convolution for each level adapts the channels; it is not
    part of the exported network.
    """

    def __init__(self, neck: int, channels: int) -> None:
        super().__init__()
        self.adapt = nn.ModuleList([nn.Conv2d(neck, channels, 1) for _ in range(3)])

    def forward(self, features: list[Tensor], teacher: list[Tensor]) -> Tensor:
        """Mean squared difference, averaged over the levels. The teacher's maps have unit variance."""
        parts = [
            nnf.mse_loss(adapt(own.float()), other)
            for adapt, own, other in zip(self.adapt, features, teacher, strict=True)
        ]
        return torch.stack(parts).mean()
