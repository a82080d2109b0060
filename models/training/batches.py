"""Shards to batches: drawn at random, each sample with a new look."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from metrica.models.training.look import photometric
from metrica.models.training.shards import Shard, found, read
from metrica.models.training.teacher import unpacked

Batch = tuple[Tensor, Tensor, list[Tensor]]
"""Pictures uint8 [B, 3, H, W], boxes [B, SLOTS, 5], the teacher's maps of three levels."""
_LOOK_AGAIN = 400  # batches


class Samples(IterableDataset[Batch]):
    """Endless batches. Shards are grouped by the beginning of their names; `shares` says how often each group is drawn.

    New shards are taken up as they appear. Raises FileNotFoundError when there is none at the start.
    """

    def __init__(self, folder: Path, batch: int, seed: int, shares: dict[str, float], *, looks: bool = True) -> None:
        super().__init__()
        self._folder, self._batch, self._seed, self._shares, self._looks = folder, batch, seed, shares, looks
        if not any(self._groups().values()):
            raise FileNotFoundError(f"{folder} holds no shards of {', '.join(shares)}: make some with training.data")

    def _groups(self) -> dict[str, list[Path]]:
        names = found(self._folder)
        return {group: [path for path in names if path.name.startswith(f"{group}-")] for group in self._shares}

    def __iter__(self) -> Iterator[Batch]:
        cv2.setNumThreads(1)
        torch.set_num_threads(1)
        worker = get_worker_info()
        chance = np.random.default_rng([self._seed, worker.id if worker else 0])
        opened: dict[Path, Shard] = {}
        while True:
            groups = {group: paths for group, paths in self._groups().items() if paths}
            weights = np.array([self._shares[group] for group in groups])
            for _ in range(_LOOK_AGAIN):
                drawn = []
                for group in chance.choice(list(groups), self._batch, p=weights / weights.sum()):
                    path = groups[group][chance.integers(len(groups[group]))]
                    if path not in opened:
                        opened[path] = read(path)
                    shard = opened[path]
                    drawn.append(self._sample(shard, int(chance.integers(len(shard.pictures))), chance))
                yield self._stacked(drawn)

    def _sample(self, shard: Shard, index: int, chance: np.random.Generator) -> tuple[np.ndarray, ...]:
        picture = np.array(shard.pictures[index])
        if self._looks:
            picture = photometric(picture, chance)
        return (picture, np.array(shard.boxes[index]), *(np.array(level[index]) for level in shard.levels))

    @staticmethod
    def _stacked(drawn: list[tuple[np.ndarray, ...]]) -> Batch:
        pictures, boxes, *levels = (np.stack(values) for values in zip(*drawn, strict=True))
        maps = [torch.from_numpy(unpacked(level)) for level in levels]
        # NHWC memory seen as NCHW is what "channels last" means: no copy.
        return torch.from_numpy(pictures).permute(0, 3, 1, 2), torch.from_numpy(boxes), maps


def loader(samples: Samples, workers: int) -> DataLoader[Batch]:
    """The batches, made by `workers` processes ahead of time."""
    return DataLoader(samples, batch_size=None, num_workers=workers, prefetch_factor=4 if workers else None)
