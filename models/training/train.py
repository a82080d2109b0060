"""`python -m metrica.models.training.train`: shards to a checkpoint.

Resumable at any time: a checkpoint is written every few hundred steps, and the same command goes on from it. The rate
of learning warms up, stays, and falls to nothing over the last `--decay` steps (Hu et al., arXiv:2404.06395), so a run
may be prolonged as long as it has not begun to fall.
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

_WARM_UP = 300  # steps
_AVERAGE_OVER = 800  # steps
_BATCHES_FOR_NORMS = 20


@dataclass(frozen=True, slots=True)
class Plan:
    """How to train."""

    steps: int
    decay: int
    rate: float
    mimic: float
    """Weight of the teacher's features in the loss; 0 trains without a teacher."""
    seed: int
    width: int = 16
    """Of the network: channels of its first layer."""

    def rate_at(self, step: int) -> float:
        """The rate of learning at a step."""
        rising = min(1.0, (step + 1) / _WARM_UP)
        falling = min(1.0, max(0.0, (self.steps - step) / max(1, self.decay)))
        return self.rate * rising * max(falling, 0.01)


class Trainer:
    """The network, its running average, the teacher's adapter and the optimiser, a step at a time."""

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
        """One step; the parts of the loss."""
        pictures, boxes, teacher = batch
        for group in self._optimiser.param_groups:
            group["lr"] = self.plan.rate_at(self.step)
        self.network.train()
        with torch.autocast("cpu", torch.bfloat16):
            logits, predicted, features = self.network(pictures.float())
        assigned = assign(logits.detach().sigmoid(), predicted.detach(), self._centres, *people(boxes))
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
        self._follow()
        return parts

    @torch.no_grad()
    def _follow(self) -> None:
        keep = min(1 - 1 / _AVERAGE_OVER, self.step / (self.step + 10))
        state: dict[str, Tensor] = self.network.state_dict()
        for name, value in self.average.state_dict().items():
            if value.dtype.is_floating_point:
                value.lerp_(state[name], 1 - keep)
            else:
                value.copy_(state[name])

    def state(self) -> dict[str, Any]:
        """All that is needed to go on."""
        return {
            "step": self.step, "width": self.network.width,
            "network": self.network.state_dict(), "average": self.average.state_dict(),
            "mimic": self.mimic.state_dict(), "optimiser": self._optimiser.state_dict(),
        }  # fmt: skip

    def begin_with(self, exported: Path, batches: Iterable[Batch]) -> None:
        """Begin with an exported network instead of a random one."""
        load_exported(self.network, exported)
        measure_norms(self.network, (pictures for pictures, _, _ in batches))
        self.average.load_state_dict(self.network.state_dict())

    def resume(self, state: dict[str, Any]) -> None:
        """Go on from `state`. Raises ValueError when that is of a network of another width."""
        if state["width"] != self.network.width:
            raise ValueError(f"the checkpoint is of a network of width {state['width']}, not {self.network.width}")
        self.step = state["step"]
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        self.mimic.load_state_dict(state["mimic"])
        self._optimiser.load_state_dict(state["optimiser"])


def people(boxes: Tensor) -> tuple[Tensor, Tensor]:
    """The boxes [B, P, 4] and flags [B, P] of a padded batch [B, SLOTS, 5], cut to the longest."""
    flags = boxes[..., 4]
    longest = int((flags > 0).sum(1).max())
    return boxes[:, :longest, :4], flags[:, :longest]


def save(state: dict[str, Any], path: Path) -> None:
    """Write a checkpoint so that there is always a whole one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    torch.save(state, part)
    part.replace(path)


def share(text: str) -> tuple[str, float]:
    """`photographs=0.6` as a pair."""
    name, _, value = text.partition("=")
    return name, float(value or 1)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m metrica.models.training.train", description=__doc__)
    parser.add_argument("--shards", type=Path, required=True)
    parser.add_argument(
        "--out", type=Path, required=True, help="the checkpoint; if it is there, training goes on from it"
    )
    parser.add_argument("--start", type=Path, metavar="FP16.xml",
                        help="an export of this network to begin with, where --out is not there yet")  # fmt: skip
    parser.add_argument("--share", type=share, action="append", metavar="NAME=SHARE",
                        help="how often shards of this name are drawn (photographs=1)")  # fmt: skip
    parser.add_argument("--steps", type=int, default=8000)
    parser.add_argument("--decay", type=int, default=2000, help="steps at the end with a falling rate")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--mimic", type=float, default=1.0, help="weight of the teacher's features; 0 for none")
    parser.add_argument("--plain", action="store_true", help="without changes of look (for comparisons)")
    parser.add_argument("--width", type=int, default=16, help="of the network; what is shipped has 16")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    trainer = Trainer(Plan(options.steps, options.decay, options.rate, options.mimic, options.seed, options.width))
    shares = dict(options.share or [("photographs", 1.0)])
    if options.out.exists():
        trainer.resume(torch.load(options.out, weights_only=True))
    elif options.start:
        first = Samples(options.shards, options.batch, options.seed, shares, looks=not options.plain)
        trainer.begin_with(options.start, islice(first, _BATCHES_FOR_NORMS))
    parameters = sum(p.numel() for p in trainer.network.parameters()) / 1e6
    operations = 2 * multiply_adds(trainer.network) / 1e9
    print(f"{parameters:.2f} M parameters, {operations:.2f} GFLOPs, step {trainer.step}")
    samples = Samples(options.shards, options.batch, options.seed + trainer.step, shares, looks=not options.plain)
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
