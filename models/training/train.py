"""`python -m metrica.models.training.train`: trains the network on shards, and writes a checkpoint.

A checkpoint is written every 200 steps; the same command continues from it. The learning rate rises at first, stays
constant, and falls to nearly 0 over the last `--decay` steps (Hu et al., arXiv:2404.06395). A run can be made longer as
long as the fall has not begun.
"""

from __future__ import annotations

import argparse
import copy
import os
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from torch import Tensor, nn

from metrica.models.training.assign import assign
from metrica.models.training.batches import Batch, Samples, loader
from metrica.models.training.grid import SIZE
from metrica.models.training.losses import Mimic, detection_loss
from metrica.models.training.network import PersonNet, centres, multiply_adds
from metrica.models.training.start import load_exported, measure_norms
from metrica.models.training.teacher import CHANNELS

_WARM_UP = 300
"""Steps over which the learning rate rises."""
_AVERAGE_OVER = 800
"""Steps over which the average of the weights reaches back."""
_BATCHES_FOR_NORMS = 20
"""Batches on which the batch norms of an exported network are measured."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The settings of a training run."""

    steps: int
    """Steps of the whole run."""
    decay: int
    """Steps at the end over which the learning rate falls."""
    rate: float
    """Learning rate between its rise and its fall."""
    mimic: float
    """Weight of the `Mimic` loss; 0 trains without a teacher."""
    seed: int
    width: int = 16
    """Channels of the network's first layer."""

    def rate_at(self, step: int) -> float:
        """The learning rate at a step."""
        rising = min(1.0, (step + 1) / _WARM_UP)
        falling = min(1.0, max(0.0, (self.steps - step) / max(1, self.decay)))
        return self.rate * rising * max(falling, 0.01)


class Trainer:
    """Holds the network, the running average of its weights, the `Mimic` loss and the optimiser."""

    def __init__(self, plan: Plan) -> None:
        torch.manual_seed(plan.seed)
        self.plan = plan
        self.step = 0
        self.network = PersonNet(plan.width).to(memory_format=torch.channels_last)
        self.average = copy.deepcopy(self.network).eval()
        self.mimic = Mimic(self.network.neck, CHANNELS)
        self._centres = centres(SIZE[::-1]).T
        weights = [p for p in self._parameters() if p.ndim > 1]
        others = [p for p in self._parameters() if p.ndim <= 1]
        groups = [{"params": weights, "weight_decay": 0.05}, {"params": others, "weight_decay": 0.0}]
        self._optimiser = torch.optim.AdamW(groups, lr=plan.rate, betas=(0.9, 0.98))

    def _parameters(self) -> list[nn.Parameter]:
        return [*self.network.parameters(), *self.mimic.parameters()]

    def learn(self, batch: Batch) -> dict[str, float]:
        """Train one step on a batch, and return the parts of the loss by name."""
        pictures, boxes, teacher = batch
        for group in self._optimiser.param_groups:
            group["lr"] = self.plan.rate_at(self.step)
        self.network.train()
        with torch.autocast("cpu", torch.bfloat16):
            logits, predicted, features = self.network(pictures.float())
        assigned = assign(logits.detach().sigmoid(), predicted.detach(), self._centres, *unpadded(boxes))
        score, box = detection_loss(logits, predicted, assigned)
        loss = score + box
        parts = {"score": score.item(), "box": box.item()}
        if self.plan.mimic:
            alike = self.mimic(features, teacher)
            parts["mimic"] = alike.item()
            loss = loss + self.plan.mimic * alike
        self._optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self._parameters(), 8.0)
        self._optimiser.step()
        self.step += 1
        self._update_average()
        return parts

    @torch.no_grad()
    def _update_average(self) -> None:
        """Update the exponential moving average of the weights; it follows faster in the first steps."""
        keep = min(1 - 1 / _AVERAGE_OVER, self.step / (self.step + 10))
        state: dict[str, Tensor] = self.network.state_dict()
        for name, value in self.average.state_dict().items():
            if value.dtype.is_floating_point:
                value.lerp_(state[name], 1 - keep)
            else:
                value.copy_(state[name])

    def state(self) -> dict[str, Any]:
        """The content of a checkpoint: all that `resume` needs."""
        return {
            "step": self.step, "width": self.network.width,
            "network": self.network.state_dict(), "average": self.average.state_dict(),
            "mimic": self.mimic.state_dict(), "optimiser": self._optimiser.state_dict(),
        }  # fmt: skip

    def start_from_export(self, exported: Path, batches: Iterable[Batch]) -> None:
        """Start from an exported network instead of random weights. batches: to measure the batch norms on."""
        load_exported(self.network, exported)
        measure_norms(self.network, (pictures for pictures, _, _ in batches))
        self.average.load_state_dict(self.network.state_dict())

    def resume(self, state: dict[str, Any]) -> None:
        """Continue from the content of a checkpoint. Raises ValueError if its network has another width."""
        if state["width"] != self.network.width:
            raise ValueError(f"the checkpoint is of a network of width {state['width']}, not {self.network.width}")
        self.step = state["step"]
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        self.mimic.load_state_dict(state["mimic"])
        self._optimiser.load_state_dict(state["optimiser"])


def unpadded(boxes: Tensor) -> tuple[Tensor, Tensor]:
    """Boxes [B, P, 4] and flags [B, P] of a padded batch [B, SLOTS, 5], cut to the most boxes that a picture has."""
    flags = boxes[..., 4]
    longest = int((flags > 0).sum(1).max())
    return boxes[:, :longest, :4], flags[:, :longest]


def save(state: dict[str, Any], path: Path) -> None:
    """Write a checkpoint; a crash while writing leaves the one before intact."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    torch.save(state, part)
    part.replace(path)


def parse_share(text: str) -> tuple[str, float]:
    """Read `photographs=0.6` as name and share."""
    name, _, value = text.partition("=")
    return name, float(value or 1)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m metrica.models.training.train", description=__doc__)
    parser.add_argument("--shards", type=Path, required=True)
    parser.add_argument(
        "--out", type=Path, required=True, help="the checkpoint; if it exists, training continues from it"
    )
    parser.add_argument("--start", type=Path, metavar="FP16.xml",
                        help="an export of this network to start from, if --out does not exist yet")  # fmt: skip
    parser.add_argument("--share", type=parse_share, action="append", metavar="NAME=SHARE",
                        help="how often shards whose names begin so are drawn (photographs=1)")  # fmt: skip
    parser.add_argument("--steps", type=int, default=8000)
    parser.add_argument("--decay", type=int, default=2000, help="steps at the end with a falling learning rate")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument(
        "--mimic", type=float, default=1.0, help="weight of the loss that compares features with the teacher's; 0: none"
    )
    parser.add_argument("--plain", action="store_true", help="without photometric augmentation, for comparisons")
    parser.add_argument(
        "--width", type=int, default=16, help="channels of the network's first layer; 16 in the released network"
    )
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    trainer = Trainer(Plan(options.steps, options.decay, options.rate, options.mimic, options.seed, options.width))
    shares = dict(options.share or [("photographs", 1.0)])
    if options.out.exists():
        trainer.resume(torch.load(options.out, weights_only=True))
    elif options.start:
        first = Samples(options.shards, options.batch, options.seed, shares, augment=not options.plain)
        trainer.start_from_export(options.start, islice(first, _BATCHES_FOR_NORMS))
    parameters = sum(p.numel() for p in trainer.network.parameters()) / 1e6
    operations = 2 * multiply_adds(trainer.network) / 1e9
    print(f"{parameters:.2f} M parameters, {operations:.2f} GFLOPs, step {trainer.step}")
    samples = Samples(options.shards, options.batch, options.seed + trainer.step, shares, augment=not options.plain)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    smooth: dict[str, float] = {}
    with Progress(*columns) as progress:
        task = progress.add_task("", total=options.steps, completed=trainer.step)
        for batch in loader(samples, 1):
            if trainer.step >= options.steps:
                break
            for name, value in trainer.learn(batch).items():
                smooth[name] = smooth.get(name, value) * 0.98 + value * 0.02
            words = "  ".join(f"{name} {value:.3f}" for name, value in smooth.items())
            progress.update(task, completed=trainer.step, description=words)
            if trainer.step % 200 == 0:
                save(trainer.state(), options.out)
                progress.console.print(f"step {trainer.step}  {words}")
    save(trainer.state(), options.out)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
