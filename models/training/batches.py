"""Draws random batches of samples from shards, and augments each sample anew."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from metrica.models.training.augment import photometric
from metrica.models.training.shards import Shard, finished_shards, read_shard
from metrica.models.training.teacher import unpacked

Batch = tuple[Tensor, Tensor, list[Tensor]]
"""Pictures uint8 [B, 3, H, W], boxes [B, SLOTS, 5], and the teacher's maps of the three levels."""
_BATCHES_PER_SCAN = 400
"""Batches after which the folder is searched for new shards."""


class Samples(IterableDataset[Batch]):
    """An endless stream of batches from the shards of a folder; shards that appear later are used too.

    shares: for each group of shards (the beginning of their names, before the hyphen), how often it is drawn.
    augment: False leaves the colours as they are.
    Raises FileNotFoundError if there is no shard at the start.
    """

    def __init__(self, folder: Path, batch: int, seed: int, shares: dict[str, float], *, augment: bool = True) -> None:
        super().__init__()
        self._folder, self._batch, self._seed, self._shares, self._augment = folder, batch, seed, shares, augment
        if not any(self._groups().values()):
            raise FileNotFoundError(f"{folder} holds no shards of {', '.join(shares)}: make some with training.data")

    def _groups(self) -> dict[str, list[Path]]:
        names = finished_shards(self._folder)
        return {group: [path for path in names if path.name.startswith(f"{group}-")] for group in self._shares}

    def __iter__(self) -> Iterator[Batch]:
        cv2.setNumThreads(1)
        torch.set_num_threads(1)
        worker = get_worker_info()
        rng = np.random.default_rng([self._seed, worker.id if worker else 0])
        opened: dict[Path, Shard] = {}
        while True:
            groups = {group: paths for group, paths in self._groups().items() if paths}
            weights = np.array([self._shares[group] for group in groups])
            for _ in range(_BATCHES_PER_SCAN):
                drawn = []
                for group in rng.choice(list(groups), self._batch, p=weights / weights.sum()):
                    path = groups[group][rng.integers(len(groups[group]))]
                    if path not in opened:
                        opened[path] = read_shard(path)
                    shard = opened[path]
                    drawn.append(self._sample(shard, int(rng.integers(len(shard.pictures))), rng))
                yield self._stacked(drawn)

    def _sample(self, shard: Shard, index: int, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
        picture = np.array(shard.pictures[index])
        if self._augment:
            picture = photometric(picture, rng)
        return (picture, np.array(shard.boxes[index]), *(np.array(level[index]) for level in shard.levels))

    @staticmethod
    def _stacked(drawn: list[tuple[np.ndarray, ...]]) -> Batch:
        pictures, boxes, *levels = (np.stack(values) for values in zip(*drawn, strict=True))
        maps = [torch.from_numpy(unpacked(level)) for level in levels]
        # permute copies nothing: NHWC memory with NCHW indices is what PyTorch calls "channels last".
        return torch.from_numpy(pictures).permute(0, 3, 1, 2), torch.from_numpy(boxes), maps


def loader(samples: Samples, workers: int) -> DataLoader[Batch]:
    """The batches, prepared ahead of time by so many worker processes."""
    return DataLoader(samples, batch_size=None, num_workers=workers, prefetch_factor=4 if workers else None)
