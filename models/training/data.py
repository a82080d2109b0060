"""`python -m metrica.models.training.data`: photographs and scenes to shards of samples, with what the teacher sees.

A sample is composed once (crop, stretch, mosaic) and shown to the teacher once; training sees it several times, each
time with another look. More shards can be made while training runs: it takes up those that are there.
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from rich.progress import track

from metrica.models.training import compose
from metrica.models.training.grid import SIZE
from metrica.models.training.pictures import IGNORE, PERSON, Boxes, Labelled, labelled
from metrica.models.training.shards import Writer
from metrica.models.training.teacher import Teacher, packed

# How often a set of photographs is drawn: the more its pictures are like a shop's entrance, the more often.
SHARES = {
    "oi_person": 0.42, "coco_ids": 0.17, "coco_cap": 0.05, "oi_pcar": 0.08,
    "door_oi": 0.16, "voc_animal": 0.06, "grocery": 0.06,
}  # fmt: skip
_TEACHER_SURE = 0.35
_PASTED = 0.15  # how often one more person of another picture is pasted in
_SAMPLES_FOR_STATISTICS = 48


class Drawer:
    """Draws samples: a set by its share, a picture of it evenly, a way of composing."""

    def __init__(
        self,
        pictures: list[Labelled],
        shares: dict[str, float],
        chance: np.random.Generator,
        *,
        plain: bool = False,
    ) -> None:
        counts = Counter(picture.source for picture in pictures)
        weights = np.array([shares.get(picture.source, 0.05) / counts[picture.source] for picture in pictures])
        self._pictures, self._weights, self._chance = pictures, weights / weights.sum(), chance
        self._plain = plain

    def picture(self) -> compose.Sample:
        """A picture, now and then with people of others pasted in, and its boxes [N, 5]."""
        out = self._drawn()
        while self._chance.random() < _PASTED:
            out = compose.pasted(out, self._drawn(), self._chance)
        return out

    def _drawn(self) -> compose.Sample:
        chosen = self._pictures[self._chance.choice(len(self._pictures), p=self._weights)]
        boxes = np.concatenate([chosen.boxes, chosen.flags[:, None].astype(np.float32)], axis=1)
        return chosen.read(), boxes

    def sample(self) -> compose.Sample:
        """A training sample of the network's size; a plain one is a picture as it is."""
        if self._plain:
            return compose.whole(self._drawn(), SIZE)
        way = self._chance.random()
        if way < 0.3:
            return compose.mosaic(self.picture, SIZE, self._chance, across=3 if way < 0.12 else 2)
        if way < 0.75:
            return compose.jittered(self.picture(), SIZE, self._chance)
        out = compose.whole(self.picture(), SIZE)
        return compose.flipped(out) if self._chance.random() < 0.5 else out


def with_doubts(boxes: Boxes, seen: Boxes) -> Boxes:
    """The labels, and what the teacher is sure of although no label is near: that is neither person nor background."""
    sure = seen[seen[:, 4] >= _TEACHER_SURE]
    known = [box for box in sure if not len(boxes) or overlaps(box[:4], boxes[:, :4]).max() < 0.4]
    if not known:
        return boxes
    doubts = np.stack(known)
    doubts[:, 4] = IGNORE
    return np.concatenate([boxes, doubts])


def overlaps(box: npt.NDArray[np.float32], others: Boxes) -> npt.NDArray[np.float32]:
    """Intersection over union of one box with others [N]."""
    low, high = np.maximum(box[:2], others[:, :2]), np.minimum(box[2:], others[:, 2:])
    common = (high - low).clip(0).prod(1)
    both = (box[2:] - box[:2]).prod() + (others[:, 2:] - others[:, :2]).prod(1) - common
    return np.asarray(common / np.maximum(both, 1e-6), np.float32)


def statistics(path: Path, drawer: Drawer, teacher: Teacher) -> list[tuple[npt.NDArray[np.float32], ...]]:
    """Mean and deviation of each of the teacher's channels, level by level; measured once and kept in a file."""
    if not path.exists():
        seen = [teacher(drawer.sample()[0])[0] for _ in range(_SAMPLES_FOR_STATISTICS)]
        values: dict[str, npt.NDArray[np.float32]] = {}
        for level in range(3):
            stack = np.stack([maps[level] for maps in seen])
            values[f"mean{level}"] = stack.mean(axis=(0, 2, 3))
            values[f"deviation{level}"] = stack.std(axis=(0, 2, 3)) + 1e-3
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(path, **values)  # type: ignore[arg-type]
    with np.load(path) as file:
        return [(file[f"mean{level}"], file[f"deviation{level}"]) for level in range(3)]


def make(drawer: Drawer, teacher: Teacher, path: Path, count: int, *, doubts: bool, title: str) -> None:
    """Write one shard of `count` samples."""
    scale = statistics(path.parent / "teacher.npz", drawer, teacher)
    writer = Writer(path, count)
    for _ in track(range(count), title):
        picture, boxes = drawer.sample()
        levels, seen = teacher(picture)
        labels = with_doubts(boxes, seen) if doubts else boxes
        writer.add(picture, labels, [packed(m, *s) for m, s in zip(levels, scale, strict=True)])
    writer.close()


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m metrica.models.training.data", description=__doc__)
    parser.add_argument("--pictures", type=Path, action="append", required=True, metavar="DIR",
                        help="a folder with annotations.json (COCO); repeat for more")  # fmt: skip
    parser.add_argument("--teacher", type=Path, required=True, help="person-detection-0203.xml")
    parser.add_argument("--out", type=Path, required=True, help="a folder for the shards")
    parser.add_argument("--name", default="photographs", help="how the shards' names begin")
    parser.add_argument(
        "--shards", default="0:8", metavar="FROM:TO", help="which numbers to make (those there are kept)"
    )
    parser.add_argument("--count", type=int, default=500, help="samples in a shard")
    parser.add_argument("--trust-labels", action="store_true",
                        help="the labels are complete (simulated scenes), the teacher casts no doubt")  # fmt: skip
    parser.add_argument("--plain", action="store_true", help="whole pictures, nothing composed (for comparisons)")
    options = parser.parse_args(arguments)
    cv2.setNumThreads(1)
    pictures = [found for folder in options.pictures for found in labelled(folder, "train")]
    people = sum(int((picture.flags == PERSON).sum()) for picture in pictures)
    print(f"{len(pictures)} pictures, {people} people")
    teacher = Teacher(options.teacher)
    first, last = map(int, options.shards.split(":"))
    for number in range(first, last):
        path = options.out / f"{options.name}-{number:04d}.shard"
        if not path.exists():
            # The number is the seed, so a shard is the same whenever and beside whichever others it is made.
            chance = np.random.default_rng([7, number, len(options.name)])
            drawer = Drawer(pictures, SHARES, chance, plain=options.plain)
            make(drawer, teacher, path, options.count, doubts=not options.trust_labels, title=path.stem)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
