"""Stores training samples in shards: folders of a few hundred, with arrays that are mapped into memory."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from metrica.models.training.grid import SIZE
from metrica.models.training.pictures import Boxes, Picture
from metrica.models.training.teacher import CELLS, CHANNELS

SLOTS = 80
"""The most boxes that a sample holds; of more, the largest are kept."""


@dataclass(frozen=True, slots=True)
class Shard:
    """The arrays of one shard; their first axis is the sample."""

    pictures: npt.NDArray[np.uint8]
    """[N, H, W, 3], BGR."""
    boxes: npt.NDArray[np.float32]
    """[N, SLOTS, 5]: x1, y1, x2, y2 in pixels, flag; flag 0 is padding."""
    levels: tuple[npt.NDArray[np.int8], ...]
    """The teacher's maps as `packed` returns them, [N, CHANNELS, rows, columns] for each of the three levels."""


class Writer:
    """Writes one shard. It appears under its name when it is complete, with `close`."""

    def __init__(self, path: Path, count: int) -> None:
        self._path, self._part = path, path.with_suffix(".part")
        self._part.mkdir(parents=True, exist_ok=True)
        self._arrays = [
            self._new("pictures", np.uint8, (count, SIZE[1], SIZE[0], 3)),
            self._new("boxes", np.float32, (count, SLOTS, 5)),
            *(self._new(f"level{i}", np.int8, (count, CHANNELS, *cells)) for i, cells in enumerate(CELLS)),
        ]
        self._filled = 0

    def _new(self, name: str, kind: type, shape: tuple[int, ...]) -> npt.NDArray[np.generic]:
        return np.lib.format.open_memmap(self._part / f"{name}.npy", "w+", np.dtype(kind), shape)

    def add(self, picture: Picture, boxes: Boxes, levels: list[npt.NDArray[np.int8]]) -> None:
        """Add a sample: picture, boxes [N, 5], and the teacher's packed maps."""
        size = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
        kept = boxes[np.argsort(-size, kind="stable")[:SLOTS]]
        padded = np.zeros((SLOTS, 5), np.float32)
        padded[: len(kept)] = kept
        for array, value in zip(self._arrays, [picture, padded, *levels], strict=True):
            array[self._filled] = np.asarray(value)
        self._filled += 1

    def close(self) -> None:
        """Finish the shard."""
        for array in self._arrays:
            array.flush()  # type: ignore[attr-defined]
        self._part.rename(self._path)


def read_shard(path: Path) -> Shard:
    """Open a shard that `Writer` made."""
    parts = [
        np.load(path / f"{name}.npy", mmap_mode="r") for name in ("pictures", "boxes", "level0", "level1", "level2")
    ]
    return Shard(parts[0], parts[1], tuple(parts[2:]))


def finished_shards(folder: Path) -> list[Path]:
    """The finished shards of a folder, sorted by name."""
    return sorted(folder.glob("*.shard"))
